"""Live bytes and allocations per operation, exact: counted in a process of their own.

Counted by memray with Python's own allocators traced; its default mode sees only arenas, and
says 9 bytes of an object of 283. The figure is a difference quotient, (2N - N) / N, after a
warm-up: it cancels what the tracker and the first operations allocate. Nothing is timed here.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from agno_cli.bench._bytecodes import count_bytecodes
from agno_cli.bench._operations import Operation, Workbench
from agno_cli.bench._results import Count, Counted

OPERATIONS = 1_000
# A user's benchmark may take its time. It is done eight times as often as this says, most of
# them under a tracker; the steps are coarse so that the number is the same in every repeat.
_FEWER = ((500e-6, OPERATIONS), (10e-3, 100), (100e-3, 10))
# Two trackers that differ by more than this are seeing different things, such as memory that
# native code takes by itself; a part of a byte is not one.
_DISAGREEMENT, _NEGLIGIBLE_BYTES = 0.02, 8.0


def count_memory(prepare: Callable[[], Operation]) -> Counted:
    """Count an operation's live bytes and allocations, and from Python 3.12 on its bytecodes.

    `bytes` is what one operation leaves while its result is kept; `allocations` is how often it
    asked an allocator for memory, temporaries included. What CPython takes from its free lists
    is not an allocation; results are kept, so these lists cannot refill.
    """
    with Workbench(prepare()) as bench:
        operations = _operations(bench)
        was_enabled = gc.isenabled()
        gc.collect()
        gc.disable()
        try:
            counted = _count(bench, operations, trackers=sys.platform != "win32")
        finally:
            if was_enabled:
                gc.enable()
    # Counting these is slow, and takes a hundred operations whatever they are.
    bytecodes = count_bytecodes(prepare) if operations >= _FEWER[1][1] else None
    if bytecodes is None:
        return counted
    return Counted({**counted.counts, "bytecodes": Count(bytecodes, "bytecode")}, counted.notes)


def _operations(bench: Workbench) -> int:
    """Say how many operations are counted, which the second one's time decides."""
    bench.verify()
    started = perf_counter()
    bench.verify()
    seconds = perf_counter() - started
    return next((operations for limit, operations in _FEWER if seconds < limit), 1)


def _count(bench: Workbench, operations: int, *, trackers: bool) -> Counted:
    traced = _quotient(operations, lambda number: (_traced_bytes(bench, number),))[0]
    if not trackers:
        note = "memray is not made for this system: bytes by tracemalloc, no allocations"
        return Counted({"bytes": Count(traced, "byte")}, (note,))
    live, allocations = _quotient(operations, lambda number: _tracked(bench, number))
    notes: tuple[str, ...] = ()
    if abs(live - traced) > max(_DISAGREEMENT * max(live, traced), _NEGLIGIBLE_BYTES):
        notes = (f"tracemalloc sees {traced:.1f} live bytes, memray {live:.1f}",)
    return Counted(
        {"bytes": Count(live, "byte"), "allocations": Count(allocations, "allocation")}, notes
    )


def _quotient(operations: int, measure: Callable[[int], tuple[float, ...]]) -> tuple[float, ...]:
    measure(operations)  # the first use of a tracker allocates for itself
    once, twice = measure(operations), measure(2 * operations)
    return tuple((b - a) / operations for a, b in zip(once, twice, strict=True))


def _traced_bytes(bench: Workbench, operations: int) -> float:
    places, indices = _places(operations)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    bench.keep(places, indices)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


def _tracked(bench: Workbench, operations: int) -> tuple[float, float]:
    from tempfile import TemporaryDirectory

    import memray

    freeing = {
        memray.AllocatorType.FREE,
        memray.AllocatorType.MUNMAP,
        memray.AllocatorType.PYMALLOC_FREE,
    }
    places, indices = _places(operations)
    with TemporaryDirectory() as folder:
        path = Path(folder, "events")
        with memray.Tracker(path, trace_python_allocators=True):
            bench.keep(places, indices)
        with memray.FileReader(path) as reader:
            live = sum(
                record.size for record in reader.get_leaked_allocation_records(merge_threads=True)
            )
            allocations = sum(
                record.n_allocations
                for record in reader.get_allocation_records()
                if record.allocator not in freeing
            )
    return live, allocations


def _places(operations: int) -> tuple[list[Any], list[int]]:
    """Make room for the results beforehand, so that keeping them allocates nothing."""
    return [None] * operations, list(range(operations))
