"""Measure several sides in turns, process by process, so that a drift of the machine hits all.

A side is an interpreter, with what it imports: this environment, or that of a revision.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli.bench._children import CouldNotMeasureError, run_command
from agno_cli.bench._measure import Progress
from agno_cli.bench._registry import Benchmark

# The worker is run by its path: a revision that has none of its own is measured by this one.
_WORKER = Path(__file__).with_name("_relative_worker.py")
_SECONDS_LIMIT = 300.0
_PROCESS_SECONDS = 0.5
# Seven reach significance at all. One process that was disturbed all along hides a slowdown from
# eight (9 of 10 were found), not from ten.
PROCESSES = 10


class Side(Struct, frozen=True):
    """One of the things compared.

    Args:
        python: its interpreter.
        variables: environment variables to set on top of this process's.
        folder: where it runs, so that a user's files and modules are its own; None for here.
    """

    python: str = sys.executable
    variables: Mapping[str, str] = {}
    folder: str | None = None


class Process(Struct, frozen=True):
    """What one process came to, per operation: seconds, and reference loops if it is short."""

    seconds: float
    relative: float | None


class Relative(Struct, frozen=True):
    """What one side came to, by benchmark; `problems` says why others have no processes."""

    processes: dict[str, tuple[Process, ...]]
    problems: dict[str, str]

    def times(self, benchmark: str) -> tuple[float, ...]:
        """Give reference loops per operation, one figure a process that has one."""
        processes = self.processes.get(benchmark, ())
        return tuple(p.relative for p in processes if p.relative is not None)


class _Step(Struct, frozen=True):
    round: int
    benchmark: Benchmark
    side: int


def measure_relative(
    benchmarks: Sequence[Benchmark],
    sides: Sequence[Side] = (Side(),),
    *,
    processes: int = PROCESSES,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Relative, ...]:
    """Time benchmarks in units of the reference loop, each process of each side in turn.

    Args:
        benchmarks: those that time nothing are left out.
        sides: what to measure; the same one twice measures the noise.
        processes: how many for each benchmark and side.
        on_progress: called before each process.

    KeyboardInterrupt ends the process under way and goes on to the caller: half of a comparison
    is none.
    """
    timed = [benchmark for benchmark in benchmarks if benchmark.prepare is not None]
    found: list[dict[str, list[Process]]] = [{} for _ in sides]
    problems: list[dict[str, str]] = [{} for _ in sides]
    steps = list(_plan(timed, len(sides), processes))
    started = perf_counter()
    for number, step in enumerate(steps):
        name, side = step.benchmark.name, step.side
        on_progress(_progress(steps, number, processes, perf_counter() - started))
        if name in problems[side]:
            continue
        try:
            process = _measure_once(step.benchmark, sides[side])
        except CouldNotMeasureError as error:
            problems[side][name] = str(error)
            continue
        found[side].setdefault(name, []).append(process)
    return tuple(
        Relative({n: tuple(v) for n, v in mine.items() if n not in wrong}, wrong)
        for mine, wrong in zip(found, problems, strict=True)
    )


def _plan(benchmarks: Sequence[Benchmark], sides: int, processes: int) -> Iterator[_Step]:
    """Take turns; the side that goes first changes every round, for coming first may matter."""
    for number in range(processes):
        for benchmark in benchmarks:
            for place in range(sides):
                yield _Step(number, benchmark, (place + number) % sides)


def _progress(steps: Sequence[_Step], number: int, processes: int, elapsed: float) -> Progress:
    each = elapsed / number if number else _PROCESS_SECONDS
    step = steps[number]
    what = f"comparing, process {step.round + 1} of {processes}"
    left = each * (len(steps) - number)
    return Progress(number + 1, len(steps), step.benchmark.name, what, left)


def _measure_once(benchmark: Benchmark, side: Side) -> Process:
    source = msgspec.json.encode(benchmark.source).decode()
    written = run_side(side, [str(_WORKER), source, benchmark.name], seconds=_SECONDS_LIMIT)
    try:
        return msgspec.json.decode(written, type=Process)
    except msgspec.DecodeError as error:
        raise CouldNotMeasureError(f"its worker wrote {written[:80]!r}: {error}") from None


def run_side(side: Side, arguments: Sequence[str], *, seconds: float) -> bytes:
    """Run `python -P ARGUMENTS FILE` with a side's interpreter; give what FILE then holds.

    Raises:
        CouldNotMeasureError: it failed, did not end in time or wrote no file.
    """
    with TemporaryDirectory() as folder:
        output = Path(folder, "output")
        run_command(
            [side.python, "-P", *arguments, str(output)],
            seconds=seconds,
            environment={**os.environ, **side.variables},
            folder=side.folder,
        )
        try:
            return output.read_bytes()
        except OSError as error:
            raise CouldNotMeasureError(f"it wrote no result: {error.strerror}") from None
