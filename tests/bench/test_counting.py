"""Bytes and allocations are exact."""

import gc
import sys
from typing import Any

import pytest

from agno_cli.bench._counting import _count, count_memory
from agno_cli.bench._operations import Operation, Workbench
from agno_cli.bench._results import Count, Counted


def operation(statement: str, **names: Any) -> Operation:
    return Operation(statement=statement, names=names, check=lambda result: None)


@pytest.mark.skipif(sys.platform == "win32", reason="memray is not made for Windows")
def test_a_kept_object_counts_once_and_temporaries_only_as_allocations():
    """40 digits are 89 bytes of text: a header of 49 bytes with its final zero, and the digits."""
    text = "1" * 39
    kept = count_memory(lambda: operation("result = text + '2'", text=text))
    assert kept == Counted({"bytes": Count(89.0, "byte"), "allocations": Count(1.0, "allocation")})
    dropped = count_memory(lambda: operation("text + '2'", text=text))
    assert dropped == Counted(
        {"bytes": Count(0.0, "byte"), "allocations": Count(1.0, "allocation")}
    )


@pytest.mark.skipif(sys.platform == "win32", reason="memray is not made for Windows")
def test_memory_that_python_does_not_see_is_reported():
    """`mmap` takes memory from the system: memray sees it, tracemalloc does not."""
    import mmap

    counted = count_memory(lambda: operation("result = mmap(-1, 4096)", mmap=mmap.mmap))
    (note,) = counted.notes
    assert note.startswith("tracemalloc sees ")
    assert counted.counts["bytes"].value >= 4096


def test_without_memray_bytes_come_from_tracemalloc_and_that_is_said():
    with Workbench(operation("result = text + '2'", text="1" * 39)) as bench:
        counted = _count(bench, trackers=False)
    note = "memray is not made for this system: bytes by tracemalloc, no allocations"
    assert counted == Counted({"bytes": Count(89.0, "byte")}, (note,))


def test_the_collector_is_left_as_it_was():
    gc.disable()
    try:
        count_memory(lambda: operation("result = None"))
        assert not gc.isenabled()
    finally:
        gc.enable()
    count_memory(lambda: operation("result = None"))
    assert gc.isenabled()
