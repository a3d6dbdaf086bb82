"""The cells of a benchmark table, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from msgspec import Struct

from agno_cli.bench._documented import DOCUMENTED, ELSEWHERE, NAME, Figures
from agno_cli.bench._results import Environment, Result, Suite, Timing
from agno_cli.bench._statistics import median_interval, process_medians
from agno_cli.bench._targets import METRICS, Target
from agno_cli.bench._verdicts import Outcome, Verdict
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport

NOTHING = "-"
_HOW_COUNTED = (
    "live: bytes left by one operation whose result is kept; allocs: all requests for memory of"
    " one operation, temporaries too. Both exact, by memray."
)


class TargetLine(Struct, frozen=True):
    """One target of a row: its outcome, the bound in words, and the figure a ratio came to."""

    outcome: Outcome
    text: str


class Row(Struct, frozen=True, kw_only=True):
    """One benchmark, its cells as text; a cell of several figures has several lines."""

    name: str
    summary: str
    time: str
    spread: str
    rate: str
    live: str
    allocations: str
    targets: tuple[TargetLine, ...]
    documented: tuple[str, ...]
    measured_elsewhere: tuple[str, ...]
    problem: str = ""


def rows(report: BenchReport) -> list[Row]:
    """Make the rows, in the order of the results."""
    return [_row(result, report.verdicts) for result in report.result.results]


def _row(result: Result, verdicts: Iterable[Verdict]) -> Row:
    time, spread, rate = _timed(result.timing)
    counts = result.counts
    known = DOCUMENTED.get(result.name)
    return Row(
        name=result.name,
        summary=result.summary,
        time=time,
        spread=spread,
        rate=rate,
        live=_figures.size(counts["bytes"].value) if "bytes" in counts else NOTHING,
        allocations=(
            _figures.number(counts["allocations"].value) if "allocations" in counts else NOTHING
        ),
        targets=tuple(_line(v) for v in verdicts if v.target.benchmark == result.name),
        documented=tuple(_lines(known.documented)) if known else (),
        measured_elsewhere=tuple(_lines(known.measured)) if known else (),
        problem=result.problem,
    )


def _timed(timing: Timing | None) -> tuple[str, str, str]:
    if timing is None:
        return NOTHING, NOTHING, NOTHING
    medians = process_medians(timing.processes)
    middle, interval = median(medians), median_interval(medians)
    spread = NOTHING
    if interval is not None:
        spread = f"±{_figures.percent(max(interval.high - middle, middle - interval.low) / middle)}"
    return _figures.seconds(middle), spread, _figures.rate(1 / middle)


def _line(verdict: Verdict) -> TargetLine:
    target = verdict.target
    text = f"{target.metric} {target.operator} {_bound(target)}"
    shown = target.base or target.metric in {"growth", "rss", "heavy_modules"}
    if shown and verdict.measured is not None:
        text += f", is {_measured(target, verdict.measured)}"
    return TargetLine(verdict.outcome, text)


def _bound(target: Target) -> str:
    if target.base:
        return f"{target.bound:g}x {target.base}"
    return _in_words(target.metric, target.bound)


def _measured(target: Target, value: float) -> str:
    return f"{value:.3g}x" if target.base else _in_words(target.metric, value)


def _in_words(metric: str, value: float) -> str:
    dimension = METRICS[metric]
    if dimension == "time":
        return _figures.seconds(value)
    if dimension == "rate":
        return f"{_figures.rate(value)}/s"
    return _figures.size(value) if dimension == "bytes" else _figures.number(value)


def _lines(figures: Figures) -> Iterator[str]:
    yield figures.speed
    if figures.bytes is not None:
        yield f"{figures.bytes:,} B"
    if figures.allocations is not None:
        yield f"{figures.allocations} allocs"


def caption(report: BenchReport) -> list[str]:
    """Say how to read the table, one paragraph an entry."""
    suite = report.result
    said = [
        _how_measured(suite),
        _HOW_COUNTED,
    ]
    if any(result.name in DOCUMENTED for result in suite.results):
        said.append(
            f"{NAME}: documented figures, not measured here, and what its own benchmarks gave"
            f" elsewhere ({ELSEWHERE}). Its bytes are all that an operation allocates."
        )
        said += [
            f"{NAME}, {result.name}: {DOCUMENTED[result.name].difference}."
            for result in suite.results
            if result.name in DOCUMENTED and DOCUMENTED[result.name].difference
        ]
    said.append(_where_measured(report.environment))
    return said


def _how_measured(suite: Suite) -> str:
    processes = suite.settings.rounds * suite.settings.processes
    return (
        f"time: median of the medians of {processes} processes"
        f" ({suite.settings.values} values each, one where it takes seconds); ±: 95 % interval of"
        " that median, from order statistics. The garbage collector is on."
    )


def _where_measured(environment: Environment) -> str:
    load = "" if environment.load is None else f", load {environment.load:.2f}"
    commit = f", commit {environment.commit}" if environment.commit else ""
    return (
        f"{environment.build.split()[0]} {environment.python}, {environment.os}"
        f" {environment.machine}, {environment.cpu}, {environment.cores} cores{load},"
        f" agno-cli {environment.packages['agno-cli']}{commit}."
    )


def remarks(report: BenchReport) -> list[str]:
    """Say what a reader must know besides the figures: problems, notes, inconclusive targets."""
    said = []
    for result in report.result.results:
        if result.problem:
            said.append(f"{result.name}: could not be measured: {result.problem}")
        said += [f"{result.name}: {note}" for note in result.notes]
    said += [
        f"{verdict.target.benchmark}.{verdict.target.metric}: inconclusive: {verdict.reason}"
        for verdict in report.verdicts
        if verdict.outcome == "inconclusive"
    ]
    if report.result.partial:
        said.append("interrupted: these are partial results")
    return said


def tally(report: BenchReport) -> str:
    """Count the verdicts in words."""
    counts = {"pass": 0, "fail": 0, "inconclusive": 0}
    for verdict in report.verdicts:
        counts[verdict.outcome] += 1
    passed, failed, unknown = counts.values()
    return (
        f"{sum(counts.values())} targets: {passed} pass, {failed} fail, {unknown} inconclusive"
        f" ({report.result.seconds:.0f} s)"
    )
