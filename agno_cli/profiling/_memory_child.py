"""The process whose memory is counted: `python -P -m agno_cli.profiling._memory_child TASK FILE`.

First what needs a process that nothing else has stirred (resident memory), then what needs a
tracker. Nothing is timed here but to see how often an operation can be done.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import msgspec
from msgspec import Struct

from agno_cli.bench._operations import Workbench
from agno_cli.profiling._frames import RawFrame
from agno_cli.profiling._messages import Failed, failed
from agno_cli.profiling._profile import Figures
from agno_cli.profiling._targets import Target
from agno_cli.profiling._tracking import (
    MemrayFile,
    Records,
    Tracker,
    growth,
    traced_records,
    tracking,
)
from agno_cli.profiling._work import Work, find_work

OBJECTS = 1000
_RSS_OBJECTS, _RSS_SECONDS = 20_000, 2.0
# A page is the least that resident memory grows by.
_FEWEST_RSS_OBJECTS = 1000
_WARM = 100
# Slow operations are done less often; each is done some twenty times as often as this says.
_FEWER = ((500e-6, OBJECTS), (10e-3, 100), (100e-3, 10))
_DEPTH = 20


class MemoryTask(Struct, frozen=True):
    """What is to be counted; `objects` 0 means as many as its speed allows."""

    target: Target
    tracker: Tracker
    view: Literal["kept", "leaks", "temporary"]
    objects: int
    native: bool


class Counted(Struct, frozen=True, tag=True):
    """What was counted: bytes and allocations by stack are of `operations` operations."""

    noun: str
    summary: str
    figures: Figures | None
    operations: int
    stacks: tuple[tuple[tuple[RawFrame, ...], float, int], ...]


Said = Counted | Failed


def main(text: str, output: str) -> None:
    """Count, and write down what was found or why nothing was."""
    task = msgspec.json.decode(text, type=MemoryTask)
    said: Said
    try:
        said = _count(task)
    except (Exception, SystemExit) as error:  # the target's own; the parent tells the user
        said = failed(error)
    Path(output).write_bytes(msgspec.json.encode(said))


def _count(task: MemoryTask) -> Counted:
    work = find_work(task.target)
    with ExitStack() as stack:
        bench = stack.enter_context(Workbench(work.prepare()))
        makes = bench
        if work.prepare_object is not None:
            makes = stack.enter_context(Workbench(work.prepare_object()))
        seconds = max(_seconds(bench), _seconds(makes))
        fewer = next((number for limit, number in _FEWER if seconds < limit), 1)
        number = task.objects or fewer
        # A target that leaks has no figures of a single operation.
        resident = (None, 0) if task.view == "leaks" else _resident(makes, seconds)
        gc.collect()
        gc.disable()
        records = _records(task, bench, number)
        figures = None
        if task.view != "leaks":
            figures = _figures(task, work, bench, makes, number, resident)
    return Counted(
        work.noun,
        work.summary,
        figures,
        number,
        tuple((stack, size, count) for (stack, _), (size, count) in records.items()),
    )


def _seconds(bench: Workbench) -> float:
    bench.verify()
    started = perf_counter()
    bench.verify()
    return perf_counter() - started


def _figures(
    task: MemoryTask,
    work: Work,
    bench: Workbench,
    makes: Workbench,
    number: int,
    resident: tuple[float | None, int],
) -> Figures:
    traced = _traced_growth(makes, number)
    live, cold, warm = traced, None, None
    if task.tracker == "memray":
        live = sum(size for size, _ in _kept(task, makes, number).values()) / number
        cold, warm = (_allocations(bench, number, keep=keep) / number for keep in (True, False))
    return Figures(
        object=work.object or f"{work.noun} kept",
        objects=number,
        live=live,
        traced=traced,
        peak=_peak(makes),
        rss=resident[0],
        rss_objects=resident[1],
        operation=work.noun,
        cold=cold,
        warm=warm,
    )


def _records(task: MemoryTask, bench: Workbench, number: int) -> Records:
    """Give what a view shows of `number` operations."""
    if task.view == "kept":
        return _kept(task, bench, number)
    if task.view == "leaks":
        return _left(task, bench, number)
    _do(bench, _WARM, keep=False)
    with TemporaryDirectory() as folder:
        path = Path(folder, "capture")
        places, indices = _places(number, keep=False)
        with tracking("memray", path, native=task.native):
            bench.keep(places, indices)
        return MemrayFile(path, native=task.native).records("temporary")


def _kept(task: MemoryTask, bench: Workbench, number: int) -> Records:
    """Give what is alive while results are kept, as the growth from N to 2N of them."""
    _alive(task, bench, number, keep=True)  # the first use of a tracker allocates for itself
    once = _alive(task, bench, number, keep=True)
    return growth(once, _alive(task, bench, 2 * number, keep=True))


def _left(task: MemoryTask, bench: Workbench, number: int) -> Records:
    """Give what is alive although results were dropped and the collector has been."""
    _alive(task, bench, max(number, _WARM), keep=False)
    once = _alive(task, bench, number, keep=False)
    return growth(once, _alive(task, bench, 2 * number, keep=False))


def _alive(task: MemoryTask, bench: Workbench, number: int, *, keep: bool) -> Records:
    places, indices = _places(number, keep=keep)
    with TemporaryDirectory() as folder:
        path = Path(folder, "capture")
        if task.tracker == "tracemalloc":
            tracemalloc.start(_DEPTH)
            _finish(bench, places, indices, keep=keep)
            records = traced_records()
            tracemalloc.stop()
            return records
        with tracking("memray", path, native=task.native):
            _finish(bench, places, indices, keep=keep)
        return MemrayFile(path, native=task.native).records("kept")


def _finish(bench: Workbench, places: list[Any], indices: list[int], *, keep: bool) -> None:
    bench.keep(places, indices)
    if not keep:
        places[0] = None
        gc.collect()


def _places(number: int, *, keep: bool) -> tuple[list[Any], list[int]]:
    """Make room for results beforehand, so that keeping them takes nothing; or for one only."""
    if keep:
        return [None] * number, list(range(number))
    return [None], [0] * number


def _do(bench: Workbench, number: int, *, keep: bool) -> list[Any]:
    """Do the operation, untracked; give what is kept."""
    places, indices = _places(number, keep=keep)
    bench.keep(places, indices)
    return places


def _allocations(bench: Workbench, number: int, *, keep: bool) -> int:
    def counted(times: int) -> int:
        places, indices = _places(times, keep=keep)
        with TemporaryDirectory() as folder:
            path = Path(folder, "capture")
            with tracking("memray", path):
                bench.keep(places, indices)
            return MemrayFile(path).allocations()

    _do(bench, _WARM, keep=False)
    counted(number)
    return -counted(number) + counted(2 * number)


def _traced_growth(bench: Workbench, number: int) -> float:
    def grown(times: int) -> int:
        places, indices = _places(times, keep=True)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        bench.keep(places, indices)
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return after - before

    grown(number)
    once, twice = grown(number), grown(2 * number)
    return (twice - once) / number


def _peak(bench: Workbench) -> float:
    """Give the most bytes in use while one object is made, the least of a few that were."""
    places: list[Any] = [None]
    peaks = []
    for _ in range(5):
        places[0] = None
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        bench.keep(places, [0])
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
    return float(min(peaks))


def _resident(bench: Workbench, seconds: float) -> tuple[float | None, int]:
    """Give how much the resident memory grows for each of many kept objects."""
    number = min(_RSS_OBJECTS, int(_RSS_SECONDS / max(seconds, 1e-9)))
    if number < _FEWEST_RSS_OBJECTS:
        return None, 0
    _do(bench, _WARM, keep=True)
    places, indices = _places(number, keep=True)
    gc.collect()
    before = _resident_bytes()
    bench.keep(places, indices)
    after = _resident_bytes()
    if before is None or after is None:
        return None, 0
    return (after - before) / number, number


def _resident_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource

    return pages * resource.getpagesize()


if __name__ == "__main__":
    main(*sys.argv[1:])
