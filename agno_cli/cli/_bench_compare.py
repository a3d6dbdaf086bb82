"""`agno bench --baseline` and `--aa`: hold results against others, or against themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agno_cli._errors import ConfigurationError
from agno_cli.bench._compare import Comparison, compare
from agno_cli.bench._interleave import Side
from agno_cli.bench._noise import effects, measure_noise, save_noise
from agno_cli.bench._record import Record
from agno_cli.bench._registry import Benchmark
from agno_cli.bench._results import Environment
from agno_cli.bench._revision import Revision, revision_side
from agno_cli.bench._sides import measure_sides
from agno_cli.cli._bench_progress import with_progress
from agno_cli.cli._bench_request import Request
from agno_cli.cli._console import Console
from agno_cli.cli._table import write_table
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport


def compare_with(
    before: Record | Revision, report: BenchReport, request: Request, console: Console
) -> tuple[Comparison, ...]:
    """Compare with an earlier record; or measure a revision and this tree, in turns.

    A revision that cannot be measured must not lose the report: it compares inconclusively.
    """
    environment, effect_of = report.environment, effects(request.noise)
    if isinstance(before, Record):
        return compare(before, Record(environment=environment, suite=report.result), effect_of)
    console.note(f"`{before.text}` is {before.commit[:12]}; it gets an environment of its own")
    try:
        with revision_side(before, Path.cwd()) as side:
            sides = {before.commit: side, environment.commit or "this tree": Side()}
            old, new = with_progress(
                console,
                lambda show: measure_sides(request.chosen, sides, environment, on_progress=show),
            )
    except ConfigurationError as error:
        return tuple(_unknown(benchmark.name, str(error)) for benchmark in request.chosen)
    return compare(old, new, effect_of)


def _unknown(benchmark: str, reason: str) -> Comparison:
    return Comparison(
        benchmark=benchmark,
        metric="all",
        outcome="inconclusive",
        change="unknown",
        reason=reason,
    )


def measure_and_keep_noise(
    chosen: Sequence[Benchmark], environment: Environment, console: Console, *, json: bool
) -> None:
    """Measure this machine's noise, keep it, and write what it comes to."""
    noise = with_progress(
        console, lambda report: measure_noise(chosen, environment, on_progress=report)
    )
    path = save_noise(noise)
    console.note(f"kept in {path}: from now on, smaller changes of time are not called different")
    if json:
        console.document("bench --aa", noise)
        return
    rows = [
        (name, *map(_figures.percent, (found.together, found.apart, found.effect)))
        for name, found in noise.benchmarks.items()
    ]
    rows += [(name, problem, "", "") for name, problem in noise.problems.items()]
    write_table(console, ("benchmark", "interleaved", "apart", "least effect"), rows)
