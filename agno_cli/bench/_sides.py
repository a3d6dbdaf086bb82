"""Several sides as records that can be compared: relative times, interleaved, and exact counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import perf_counter

import msgspec
from msgspec.structs import replace

from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench._interleave import (
    PROCESSES,
    Process,
    Relative,
    Side,
    measure_relative,
    run_side,
)
from agno_cli.bench._measure import Progress
from agno_cli.bench._record import Record
from agno_cli.bench._registry import BUILT_IN, Benchmark
from agno_cli.bench._results import Counted, Environment, Result, Settings, Suite, Timing

_COUNTER = ("-m", "agno_cli.bench._counter")
_COUNTING_SECONDS = 900.0
_PROCESS_SECONDS = 2.0
# As in `_measure`: what is allocated hangs on the order of sets.
_COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}


def measure_sides(
    benchmarks: Sequence[Benchmark],
    sides: Mapping[str, Side],
    environment: Environment,
    *,
    processes: int = PROCESSES,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Record, ...]:
    """Measure what `compare` needs of each side, in turns.

    Args:
        benchmarks: what to measure. One that is too long for relative times has seconds only.
        sides: by the commit they are at.
        environment: this one; the sides' differ from it in the commit alone.
        processes: a side and benchmark.
        on_progress: called before each process.

    KeyboardInterrupt ends the process under way and goes on to the caller.
    """
    clock, started = perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    counted = [b for b in benchmarks if b.count is not None]
    done, steps = 0, len(counted) * len(sides)
    counts: list[dict[str, Counted | str]] = [{} for _ in sides]
    for benchmark in counted:
        for number, side in enumerate(sides.values()):
            done += 1
            left = _PROCESS_SECONDS * (steps - done + 1)
            on_progress(Progress(done, steps, benchmark.name, "counting both sides", left))
            counts[number][benchmark.name] = _count(benchmark, side)
    relatives = measure_relative(
        benchmarks, tuple(sides.values()), processes=processes, on_progress=on_progress
    )
    settings = Settings(rounds=processes, processes=1, values=1, min_seconds=0.0)
    return tuple(
        Record(
            environment=replace(environment, commit=commit),
            suite=Suite(
                started,
                perf_counter() - clock,
                settings,
                tuple(_result(benchmark, mine, relative) for benchmark in benchmarks),
            ),
        )
        for commit, mine, relative in zip(sides, counts, relatives, strict=True)
    )


def _result(benchmark: Benchmark, counts: Mapping[str, Counted | str], timed: Relative) -> Result:
    counted = counts.get(benchmark.name, "")
    problem = timed.problems.get(benchmark.name, "")
    if isinstance(counted, str):
        problem = problem or counted
        counted = Counted({})
    processes = timed.processes.get(benchmark.name, ())
    return Result(
        name=benchmark.name,
        summary=benchmark.summary,
        operation=benchmark.operation,
        timing=_timing(processes) if processes else None,
        counts=counted.counts,
        notes=counted.notes,
        problem=problem,
    )


def _timing(processes: Sequence[Process]) -> Timing:
    return Timing(
        tuple((process.seconds,) for process in processes),
        loops=1,
        relative=tuple(p.relative for p in processes if p.relative is not None),
    )


def _count(benchmark: Benchmark, side: Side) -> Counted | str:
    """Count on one side, or say why that failed."""
    source = msgspec.json.encode(benchmark.source).decode()
    counting = replace(side, variables={**side.variables, **_COUNTING_VARIABLES})
    try:
        try:
            written = run_side(
                counting, [*_COUNTER, source, benchmark.name], seconds=_COUNTING_SECONDS
            )
        except CouldNotMeasureError:
            if benchmark.source != BUILT_IN:
                raise
            # A revision before there were sources other than built-in.
            written = run_side(counting, [*_COUNTER, benchmark.name], seconds=_COUNTING_SECONDS)
        return msgspec.json.decode(written, type=Counted)
    except (CouldNotMeasureError, msgspec.DecodeError) as error:
        return f"counting failed: {error}"
