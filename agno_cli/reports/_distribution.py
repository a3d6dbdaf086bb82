"""How the worker processes of each benchmark differed: a strip of their medians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from agno_cli.bench._results import Result, Timing
from agno_cli.bench._statistics import median_interval, process_medians
from agno_cli.bench._verdicts import Verdict
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport
from agno_cli.reports._markup import EMPTY, Markup, element, joined
from agno_cli.reports._page import Section
from agno_cli.reports._plots import (
    Tick,
    dots,
    drawing,
    grid,
    linear,
    plot_row,
    plot_rows,
    span,
    upright,
)

# All strips share one axis, so that a noisy benchmark looks noisy. It reaches as far as most
# values do: with the farthest one, a single process that was disturbed flattens all strips.
_REACHES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_SHOWN = 0.95
_LEAD = (
    "Each dot is the median of one worker process, by how far it is from the median of all."
    " The shaded band is the 95 % interval of that median, a dashed line the target where it is"
    " near, an arrow a process beyond the axis."
)


def distribution(report: BenchReport) -> list[Section]:
    """Make the section, none when nothing was timed."""
    timed = [result for result in report.result.results if result.timing is not None]
    if not timed:
        return []
    reach = _reach(timed)
    targets = {v.target.benchmark: v for v in report.verdicts if _is_bound_on_time(v)}
    rows = (_row(result, targets.get(result.name), reach) for result in timed)
    return [Section("Distribution", plot_rows(rows, _ticks(reach)), _LEAD)]


def _is_bound_on_time(verdict: Verdict) -> bool:
    return verdict.target.metric == "time" and not verdict.target.base


def _medians(result: Result) -> list[float]:
    assert isinstance(result.timing, Timing), "only those that were timed are drawn"
    return process_medians(result.timing.processes)


def _reach(results: Iterable[Result]) -> float:
    distances = sorted(abs(value) for result in results for value in _deviations(_medians(result)))
    most = distances[int(_SHOWN * (len(distances) - 1))]
    return next((reach for reach in _REACHES if most <= reach), _REACHES[-1])


def _deviations(values: Sequence[float]) -> list[float]:
    middle = median(values)
    return [value / middle - 1 for value in values]


def _row(result: Result, target: Verdict | None, reach: float) -> Markup:
    values = _medians(result)
    middle = median(values)
    range_ = f"{_figures.seconds(min(values))} to {_figures.seconds(max(values))}"
    title = f"{result.name}: {len(values)} processes from {range_}, median"
    strip = drawing(
        f"{title} {_figures.seconds(middle)}",
        grid(_ticks(reach)),
        _band(values, reach),
        _bound(target, middle, reach),
        dots(linear(value, -reach, reach) for value in _deviations(values)),
        name="strip",
    )
    value = joined([_figures.seconds(middle), element("small", range_)])
    return plot_row(result.name, strip, value)


def _band(values: Sequence[float], reach: float) -> Markup:
    interval = median_interval(values)
    if interval is None:
        return EMPTY
    middle = median(values)
    ends = (linear(end / middle - 1, -reach, reach) for end in (interval.low, interval.high))
    return span(*(min(max(end, 0.0), 1.0) for end in ends), name="band")


def _bound(target: Verdict | None, middle: float, reach: float) -> Markup:
    if target is None:
        return EMPTY
    at = linear(target.target.bound / middle - 1, -reach, reach)
    return upright(at, name="bound") if 0 <= at <= 1 else EMPTY


def _ticks(reach: float) -> list[Tick]:
    parts = (-1.0, -0.5, 0.0, 0.5, 1.0)
    return [Tick((part + 1) / 2, f"{100 * reach * part:+g} %" if part else "0") for part in parts]
