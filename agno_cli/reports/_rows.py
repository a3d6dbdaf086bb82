"""The cells of a benchmark table, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from msgspec import Struct

from agno_cli.bench._compare import Comparison
from agno_cli.bench._documented import DOCUMENTED, ELSEWHERE, NAME, Figures
from agno_cli.bench._imports import Imported
from agno_cli.bench._results import Environment, Result, Suite, Timing
from agno_cli.bench._scaling import explain_threads
from agno_cli.bench._statistics import median_interval, process_medians
from agno_cli.bench._targets import Target
from agno_cli.bench._verdicts import Outcome, Verdict
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport

NOTHING = "-"
# These have a column of their own.
_IN_COLUMNS = frozenset({"bytes", "allocations"})
# What a figure of the last column is called there; others by their own names.
_SHOWN_IN_TARGETS = frozenset({"growth", "rss", "modules", "heavy_modules", "bytecodes", "cpu"})
_HOW_COUNTED = (
    "live: bytes left by one operation whose result is kept; allocs: all requests for memory of"
    " one operation, temporaries too. Both exact, by memray, which adds one allocation, a frame"
    " object, for each Python function called."
)


class TargetLine(Struct, frozen=True):
    """One target of a row: its outcome, the bound in words, and the figure a ratio came to.

    Without an outcome it is a figure that has neither a column nor a target.
    """

    outcome: Outcome | None
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
    """Make the rows, in the order of the results; imported ones follow."""
    own = [_row(result, report.verdicts) for result in report.result.results]
    imported: dict[tuple[str, str, str], list[Imported]] = {}
    for figure in report.imported:
        imported.setdefault((figure.source, figure.group, figure.name), []).append(figure)
    return own + [_imported_row(figures) for figures in imported.values()]


def _imported_row(figures: Sequence[Imported]) -> Row:
    """Make one row of the figures of one benchmark that was measured elsewhere."""
    first = figures[0]
    by_metric = {figure.metric: figure for figure in figures}
    times = by_metric.get("time")
    timing = Timing(times.processes, 1) if times is not None and times.processes else None
    time, spread, rate = _timed(timing)
    counts = {metric: _median(figure) for metric, figure in by_metric.items()}
    said = [f"imported from {first.source}"]
    for metric, value in counts.items():
        if value is not None and metric not in {"time", "allocations"}:
            said.append(f"{metric} {_figures.with_unit(value, by_metric[metric].unit)}")
    allocations = counts.get("allocations")
    return Row(
        name=first.name,
        summary=first.group,
        time=time,
        spread=spread,
        rate=rate,
        live=NOTHING,
        allocations=NOTHING if allocations is None else _figures.number(allocations),
        targets=tuple(TargetLine(None, text) for text in said),
        documented=(),
        measured_elsewhere=(),
        problem=next((figure.problem for figure in figures if figure.problem), ""),
    )


def _median(figure: Imported) -> float | None:
    return median(process_medians(figure.processes)) if figure.processes else None


def _row(result: Result, verdicts: Iterable[Verdict]) -> Row:
    time, spread, rate = _timed(result.timing)
    counts = result.counts
    known = DOCUMENTED.get(result.name)
    own = [verdict for verdict in verdicts if verdict.target.benchmark == result.name]
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
        targets=(
            *(_line(verdict) for verdict in own),
            *_further(result, {verdict.target.metric for verdict in own}),
        ),
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
    shown = target.base or target.metric in _SHOWN_IN_TARGETS
    if shown and verdict.measured is not None:
        text += f", is {_measured(target, verdict.measured)}"
    return TargetLine(verdict.outcome, text)


def _further(result: Result, judged: set[str]) -> Iterator[TargetLine]:
    for metric, count in result.counts.items():
        if metric not in _IN_COLUMNS | judged:
            yield TargetLine(None, f"{metric} {_figures.in_words(metric, count.value)}")
    # Waiting is what differs between the time of a request and the work it is.
    timing = result.timing if result.operation in {"request", "event"} else None
    if timing is not None and timing.cpu and "cpu" not in judged:
        yield TargetLine(None, f"cpu {_figures.seconds(median(process_medians(timing.cpu)))}")


def _bound(target: Target) -> str:
    if target.base:
        return f"{target.bound:g}x {target.base}"
    return _figures.in_words(target.metric, target.bound)


def _measured(target: Target, value: float) -> str:
    return f"{value:.3g}x" if target.base else _figures.in_words(target.metric, value)


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
    if report.scaling:
        said.append(
            "parallel: the time is that of all workers together for one operation, so ops/s are"
            f" the total; {explain_threads(report.environment)}."
        )
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
        f" ({suite.settings.values} values each; half as many, and one value, where it takes"
        " seconds); ±: 95 % interval of that median, from order statistics. The garbage collector"
        " is on."
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
    said += [
        f"{one.benchmark}.{one.metric} against {report.baseline}: inconclusive: {one.reason}"
        for one in report.comparisons
        if one.outcome == "inconclusive"
    ]
    for figure in report.imported:
        if figure.problem or figure.note:
            said.append(f"{figure.name} of {figure.source}: {figure.problem or figure.note}")
    if report.result.partial:
        said.append("interrupted: these are partial results")
    return list(dict.fromkeys(said))


def tally(report: BenchReport) -> str:
    """Count the verdicts in words."""
    said = [_counted(report.verdicts, "target")] if report.verdicts else ["no targets"]
    if report.baseline:
        said.append(_counted(report.comparisons, f"comparison with {report.baseline}"))
    return f"{'; '.join(said)} ({report.result.seconds:.0f} s)"


def _counted(judged: Sequence[Verdict | Comparison], noun: str) -> str:
    outcomes = [one.outcome for one in judged]
    first, _, rest = noun.partition(" ")
    plural = first if len(judged) == 1 else f"{first}s"
    said = ", ".join(f"{outcomes.count(o)} {o}" for o in ("pass", "fail", "inconclusive"))
    return f"{len(judged)} {' '.join(filter(None, [plural, rest]))}: {said}"
