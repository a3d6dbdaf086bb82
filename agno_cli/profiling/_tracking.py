"""Trackers of memory: memray, with Python's own allocators traced, and tracemalloc without it."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import RawFrame

Tracker: TypeAlias = Literal["memray", "tracemalloc"]
TRACKERS: tuple[Tracker, ...] = ("memray", "tracemalloc")
RawStack: TypeAlias = tuple[RawFrame, ...]
Records: TypeAlias = dict[tuple[RawStack, bool], tuple[float, int]]
"""Bytes and allocations by stack, outermost first, and by whether they are of resized blocks."""

MISSING = (
    "memray is not installed, or not made for this system (it needs Linux or macOS): pip install"
    " memray"
)
_DEPTH = 20  # frames that tracemalloc keeps of each allocation


class Traced(Struct, frozen=True):
    """What tracemalloc saw: what was alive in the end, and the most that was at once."""

    peak: int
    stacks: tuple[tuple[tuple[RawFrame, ...], int, int], ...]


def choose_tracker(asked: Tracker | None) -> tuple[Tracker, tuple[str, ...]]:
    """Give the tracker, and what to say where it is not the best.

    Raises:
        ConfigurationError: the one that was asked for is missing.
    """
    from importlib.util import find_spec

    if asked == "tracemalloc":
        return asked, ()
    if find_spec("memray") is not None:
        return "memray", ()
    if asked == "memray":
        raise ConfigurationError(MISSING)
    return "tracemalloc", (
        f"{MISSING}; tracemalloc is used instead, which sees nothing that was freed meanwhile",
    )


@contextmanager
def tracking(tracker: str, path: Path, *, native: bool = False) -> Iterator[None]:
    """Track while the context lasts, and write what was seen to a file."""
    process = os.getpid()
    if tracker == "memray":
        import memray

        with memray.Tracker(path, trace_python_allocators=True, native_traces=native):
            yield
        return
    tracemalloc.start(_DEPTH)
    try:
        yield
    finally:
        if os.getpid() == process:
            peak = tracemalloc.get_traced_memory()[1]
            stacks = tuple((key[0], int(n[0]), n[1]) for key, n in traced_records().items())
            tracemalloc.stop()
            path.write_bytes(msgspec.json.encode(Traced(peak, stacks)))


def traced_records() -> Records:
    """Give what tracemalloc says is alive now."""
    snapshot = tracemalloc.take_snapshot()
    records: Records = {}
    for found in snapshot.statistics("traceback"):
        stack = tuple(
            (_function_at(frame.filename, frame.lineno), frame.filename, frame.lineno)
            for frame in found.traceback
        )
        records[stack, False] = float(found.size), found.count
    return records


@cache
def _function_at(path: str, line: int) -> str:
    """Name the function that a line is in: tracemalloc keeps none."""
    if path.startswith("<"):
        return "kept" if "result" in path else ""
    inside = [(first, name) for first, last, name in _functions_of(path) if first <= line <= last]
    return max(inside)[1] if inside else "<module>"


@cache
def _functions_of(path: str) -> list[tuple[int, int, str]]:
    import ast

    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        (node.lineno, node.end_lineno or node.lineno, node.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def read_traced(path: Path) -> Traced:
    """Read what `tracking` wrote with tracemalloc.

    Raises:
        CouldNotProfileError: it is missing or damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Traced)
    except (OSError, msgspec.DecodeError) as error:
        raise CouldNotProfileError(f"the capture is damaged: {error}") from error


class MemrayFile:
    """A capture of memray.

    Raises:
        CouldNotProfileError: it is missing or damaged.
    """

    def __init__(self, path: Path, *, native: bool = False) -> None:
        self._path, self._native = path, native

    def records(self, view: str) -> Records:
        """Sum what a view shows by stack: `peak`, `temporary`, else what is alive in the end."""
        with self._reader() as reader:
            if view == "peak":
                found = reader.get_high_watermark_allocation_records(merge_threads=True)
            elif view == "temporary":
                found = reader.get_temporary_allocation_records(merge_threads=True)
            else:
                found = reader.get_leaked_allocation_records(merge_threads=True)
            return _summed(found, native=self._native)

    def allocations(self) -> int:
        """Count all requests for memory."""
        import memray

        freeing = {
            memray.AllocatorType.FREE,
            memray.AllocatorType.MUNMAP,
            memray.AllocatorType.PYMALLOC_FREE,
        }
        with self._reader() as reader:
            return sum(
                record.n_allocations
                for record in reader.get_allocation_records()
                if record.allocator not in freeing
            )

    def totals(self) -> tuple[int, int, int]:
        """Give the peak in bytes, the number of allocations, and the most resident bytes."""
        with self._reader() as reader:
            metadata = reader.metadata
            resident = max((snap.rss for snap in reader.get_memory_snapshots()), default=0)
        return metadata.peak_memory, metadata.total_allocations, resident

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        import memray

        try:
            with memray.FileReader(self._path) as reader:
                yield reader
        except (OSError, ValueError, RuntimeError) as error:
            raise CouldNotProfileError(f"the capture of memray is damaged: {error}") from error


def _summed(records: Iterable[Any], *, native: bool) -> Records:
    import memray

    resizing = {memray.AllocatorType.REALLOC, memray.AllocatorType.PYMALLOC_REALLOC}
    sums: Records = {}
    for record in records:
        trace = record.hybrid_stack_trace() if native else record.stack_trace()
        stack = tuple((name, path, line) for name, path, line in reversed(trace))
        key = stack, record.allocator in resizing
        size, count = sums.get(key, (0.0, 0))
        sums[key] = size + record.size, count + record.n_allocations
    return sums


def growth(once: Records, twice: Records) -> Records:
    """Give what a doubled number of operations, done after the single, added; one-offs cancel.

    A list that all operations append to is one block, seen whole each time: it has grown by the
    doubled number of operations, and half of that is the share of one.
    """
    grown = {}
    for key in {**once, **twice}:
        size, count = once.get(key, (0.0, 0))
        later_size, later_count = twice.get(key, (0.0, 0))
        added, more = later_size - size, later_count - count
        if key[1] and more == 0:
            added /= 2
        if added or more:
            grown[key] = added, more
    return grown
