"""Bytes and allocations are exact."""

import gc
import sys
import time
from typing import Any

import pytest

from agno_cli.bench._counting import _count, count_memory
from agno_cli.bench._operations import Operation, Workbench
from agno_cli.bench._results import Count, Counted

# A header of 49 bytes with its final zero, 41 from Python 3.12 on, and the digits.
TEXT_BYTES = sys.getsizeof("1" * 40)


def memory_of(counted: Counted) -> tuple[Count, Count]:
    return counted.counts["bytes"], counted.counts["allocations"]


def operation(statement: str, **names: Any) -> Operation:
    return Operation(statement=statement, names=names, check=lambda result: None)


@pytest.mark.skipif(sys.platform == "win32", reason="memray is not made for Windows")
def test_a_kept_object_counts_once_and_temporaries_only_as_allocations():
    text = "1" * 39
    kept = count_memory(lambda: operation("result = text + '2'", text=text))
    assert memory_of(kept) == (Count(float(TEXT_BYTES), "byte"), Count(1.0, "allocation"))
    dropped = count_memory(lambda: operation("text + '2'", text=text))
    assert memory_of(dropped) == (Count(0.0, "byte"), Count(1.0, "allocation"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_bytecodes_are_counted_too_and_the_same_in_every_repeat():
    counted = [count_memory(lambda: operation("result = text + text", text="")) for _ in range(3)]
    (bytecodes,) = {one.counts["bytecodes"] for one in counted}
    assert bytecodes.unit == "bytecode"
    assert 0 < bytecodes.value < 10


def test_what_takes_its_time_is_counted_less_often():
    """A thousand operations of 30 ms would take four minutes."""
    calls: list[int] = []

    def slow() -> bytearray:
        calls.append(1)
        time.sleep(0.03)
        return bytearray(100)

    counted = count_memory(lambda: operation("result = slow()", slow=slow))
    assert len(calls) < 100
    assert counted.counts["bytes"].value > 100


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
        counted = _count(bench, 1_000, trackers=False)
    note = "memray is not made for this system: bytes by tracemalloc, no allocations"
    assert counted == Counted({"bytes": Count(float(TEXT_BYTES), "byte")}, (note,))


def test_the_collector_is_left_as_it_was():
    gc.disable()
    try:
        count_memory(lambda: operation("result = None"))
        assert not gc.isenabled()
    finally:
        gc.enable()
    count_memory(lambda: operation("result = None"))
    assert gc.isenabled()
