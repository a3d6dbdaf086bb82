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
from typing import Any

from agno_cli.bench._operations import Operation, Workbench
from agno_cli.bench._results import Count, Counted

OPERATIONS = 1_000
# Two trackers that differ by more than this are seeing different things, such as memory that
# native code takes by itself.
_DISAGREEMENT = 0.02


def count_memory(prepare: Callable[[], Operation]) -> Counted:
    """Count an operation's live bytes and allocations.

    `bytes` is what one operation leaves while its result is kept; `allocations` is how often it
    asked an allocator for memory, temporaries included. What CPython takes from its free lists
    is not an allocation; results are kept, so these lists cannot refill.
    """
    with Workbench(prepare()) as bench:
        bench.verify()
        was_enabled = gc.isenabled()
        gc.collect()
        gc.disable()
        try:
            return _count(bench, trackers=sys.platform != "win32")
        finally:
            if was_enabled:
                gc.enable()


def _count(bench: Workbench, *, trackers: bool) -> Counted:
    traced = _quotient(lambda operations: (_traced_bytes(bench, operations),))[0]
    if not trackers:
        note = "memray is not made for this system: bytes by tracemalloc, no allocations"
        return Counted({"bytes": Count(traced, "byte")}, (note,))
    live, allocations = _quotient(lambda operations: _tracked(bench, operations))
    notes: tuple[str, ...] = ()
    if abs(live - traced) > _DISAGREEMENT * max(live, traced):
        notes = (f"tracemalloc sees {traced:.1f} live bytes, memray {live:.1f}",)
    return Counted(
        {"bytes": Count(live, "byte"), "allocations": Count(allocations, "allocation")}, notes
    )


def _quotient(measure: Callable[[int], tuple[float, ...]]) -> tuple[float, ...]:
    measure(OPERATIONS)  # the first use of a tracker allocates for itself
    once, twice = measure(OPERATIONS), measure(2 * OPERATIONS)
    return tuple((b - a) / OPERATIONS for a, b in zip(once, twice, strict=True))


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
