"""Measure benchmarks in processes of their own; give data, print nothing, exit nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli.bench._children import CouldNotMeasureError, run_child
from agno_cli.bench._environment import VARIABLES
from agno_cli.bench._interrupts import interrupts_held
from agno_cli.bench._registry import BUILT_IN, Benchmark
from agno_cli.bench._results import Aside, Count, Counted, Result, Settings, Suite, Timing

NORMAL = Settings(rounds=2, processes=5, values=3, min_seconds=0.05)
# Seven processes on each side are the fewest that can show a difference (p < 0.002); one of eight
# that was disturbed all along hides a slowdown of 15 %, one of ten does not. In two rounds, so
# that what disturbs for some seconds hits half of a benchmark's.
FAST = Settings(rounds=2, processes=5, values=2, min_seconds=0.03)
RIGOROUS = Settings(rounds=4, processes=5, values=5, min_seconds=0.1)
# For all benchmarks at once, within six minutes on two cores.
BROAD = Settings(rounds=1, processes=6, values=1, min_seconds=0.03)
# A look at all of them: too little to compare with, which says so by itself.
GLANCE = Settings(rounds=1, processes=2, values=1, min_seconds=0.01)

_SECONDS_LIMIT = 900.0
# What a worker process spends on starting, and a step on its manager and on finding the loops:
# only for the first estimate, which the time of finished steps then replaces.
_PROCESS_SECONDS = 0.35
_STEP_SECONDS = 1.2
_PRIOR_SECONDS = 10.0
_LENGTHY_SECONDS = 5.0
# Iteration order of sets and dicts of strings, and so what is allocated, hangs on the seed.
_COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}


class Progress(Struct, frozen=True):
    """What is about to be measured; `seconds_left` is an estimate for it and all after it."""

    step: int
    steps: int
    benchmark: str
    what: str
    seconds_left: float


class _Step(Struct, frozen=True):
    benchmark: Benchmark
    what: str
    expected_seconds: float


class _Notebook(Struct):
    """What is known so far of one benchmark."""

    benchmark: Benchmark
    processes: list[tuple[float, ...]] = []
    cpu: list[tuple[float, ...]] = []
    relative: list[float] = []
    loops: int = 0
    counts: dict[str, Count] = {}
    notes: tuple[str, ...] = ()
    problem: str = ""
    started: bool = False

    def result(self) -> Result:
        benchmark = self.benchmark
        return Result(
            name=benchmark.name,
            summary=benchmark.summary,
            operation=benchmark.operation,
            timing=(
                Timing(tuple(self.processes), self.loops, tuple(self.cpu), tuple(self.relative))
                if self.processes
                else None
            ),
            counts=self.counts,
            notes=self.notes,
            problem=self.problem,
        )


def measure(
    benchmarks: Sequence[Benchmark],
    settings: Settings,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Suite:
    """Measure benchmarks in turns, round by round.

    A benchmark that fails is a Result with a `problem`. KeyboardInterrupt ends the measuring
    processes; what was measured until then is kept in a Suite that is `partial`.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = perf_counter()
    notebooks = {benchmark.name: _Notebook(benchmark) for benchmark in benchmarks}
    steps = list(_plan(benchmarks, settings))
    partial = False
    try:
        for number, step in enumerate(steps):
            on_progress(_progress(steps, number, perf_counter() - clock))
            _take(step, notebooks[step.benchmark.name], settings)
    except KeyboardInterrupt:
        partial = True
    results = tuple(notebook.result() for notebook in notebooks.values() if notebook.started)
    return Suite(started, perf_counter() - clock, settings, results, partial)


def _plan(benchmarks: Sequence[Benchmark], settings: Settings) -> Iterator[_Step]:
    for benchmark in benchmarks:
        if benchmark.count is not None:
            yield _Step(benchmark, "counting", _STEP_SECONDS)
    for number in range(settings.rounds):
        what = f"timing, round {number + 1} of {settings.rounds}"
        for benchmark in benchmarks:
            if benchmark.prepare is not None:
                # A raw value is between one and two times the least duration.
                values = (1 + settings.values) * settings.min_seconds * 1.5
                values = _LENGTHY_SECONDS if benchmark.lengthy else values
                seconds = _processes(benchmark, settings) * (_PROCESS_SECONDS + values)
                yield _Step(benchmark, what, _STEP_SECONDS + seconds)


def estimate(benchmarks: Sequence[Benchmark], settings: Settings) -> float:
    """Say about how many seconds measuring would take."""
    return sum(step.expected_seconds for step in _plan(benchmarks, settings))


def _progress(steps: Sequence[_Step], number: int, elapsed: float) -> Progress:
    """Scale what is expected of the steps left by how wrong it was of those done."""
    # The first estimate keeps some weight: counting says little of how long timing takes.
    done = sum(step.expected_seconds for step in steps[:number])
    left = sum(step.expected_seconds for step in steps[number:])
    step = steps[number]
    scale = (elapsed + _PRIOR_SECONDS) / (done + _PRIOR_SECONDS)
    return Progress(number + 1, len(steps), step.benchmark.name, step.what, left * scale)


def _take(step: _Step, notebook: _Notebook, settings: Settings) -> None:
    if notebook.problem:
        return  # it failed in an earlier step; another would only take as long to fail again
    try:
        if step.what == "counting":
            counted = count(step.benchmark)
            notebook.counts, notebook.notes = counted.counts, counted.notes
        else:
            timing = time(step.benchmark, settings, loops=notebook.loops)
            with interrupts_held():  # these belong together
                notebook.processes.extend(timing.processes)
                notebook.cpu.extend(timing.cpu)
                notebook.relative.extend(timing.relative)
                notebook.loops = timing.loops
    except CouldNotMeasureError as error:
        notebook.problem = f"{step.what.partition(',')[0]} failed: {error}"
    notebook.started = True


def time(benchmark: Benchmark, settings: Settings, *, loops: int = 0) -> Timing:
    """Time a benchmark for one round; 0 loops means to find a good number first.

    Raises:
        CouldNotMeasureError: a worker failed or took too long.
    """
    import pyperf

    warmups, values, loops = (0, 1, 1) if benchmark.lengthy else (1, settings.values, loops)
    with TemporaryDirectory() as folder:
        output, aside = Path(folder, "times.json"), Path(folder, "aside")
        arguments = [
            *("--benchmark", benchmark.name, "--source", _source(benchmark), "--aside", str(aside)),
            *("--quiet", "--output", str(output)),
            *("--processes", str(_processes(benchmark, settings)), "--warmups", str(warmups)),
            *("--values", str(values), "--loops", str(loops)),
            *("--min-time", str(settings.min_seconds)),
            # A user's code may need any variable; ours must not be swayed by one.
            *(
                ("--inherit-environ", ",".join(VARIABLES))
                if benchmark.source == BUILT_IN
                else ("--copy-env",)
            ),
        ]
        run_child("agno_cli.bench._worker", arguments, seconds=_SECONDS_LIMIT, variables={})
        measured = pyperf.Benchmark.load(str(output))
        asides = msgspec.json.Decoder(Aside).decode_lines(aside.read_bytes())
    processes = tuple(tuple(run.values) for run in measured.get_runs() if run.values)
    cpu = tuple(aside.cpu for aside in asides)
    relative = tuple(aside.relative for aside in asides if aside.relative is not None)
    return Timing(processes, measured.get_loops(), cpu, relative)


def count(benchmark: Benchmark) -> Counted:
    """Find a benchmark's exact figures.

    Raises:
        CouldNotMeasureError: the counting process failed or took too long.
    """
    with TemporaryDirectory() as folder:
        output = Path(folder, "counts.json")
        run_child(
            "agno_cli.bench._counter",
            [_source(benchmark), benchmark.name, str(output)],
            seconds=_SECONDS_LIMIT,
            variables=_COUNTING_VARIABLES,
        )
        return msgspec.json.decode(output.read_bytes(), type=Counted)


def _processes(benchmark: Benchmark, settings: Settings) -> int:
    """Give the worker processes of a round: half as many for what takes seconds."""
    # Four in all, the fewest there are, still give a ratio its interval.
    return settings.processes // 2 + 1 if benchmark.lengthy else settings.processes


def _source(benchmark: Benchmark) -> str:
    return msgspec.json.encode(benchmark.source).decode()
