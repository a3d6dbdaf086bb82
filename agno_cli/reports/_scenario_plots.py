"""The curves of a scenario's run: percentiles of its times, and what happened when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from agno_cli.reports import _figures
from agno_cli.reports._markup import Markup, element
from agno_cli.reports._plots import (
    Line,
    Tick,
    chart,
    decades,
    legend,
    linear,
    logarithmic,
    steps,
)
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._result import RunResult, Series

_PER_NINE = 8
_LEAST_SECONDS = 1e-6
_MOST_NINES = 5
_SIGNS = 8
# Charts of several series that belong together; what is in none of them is drawn by itself.
_TOGETHER = (
    ("answers", "errors"),
    ("response p(50)", "response p(99)"),
    ("in flight", "queue"),
)
_NOT_DRAWN = frozenset({"wait"})


def percentile_curves(run: RunResult) -> list[Markup]:
    """Draw all trends over their percentiles: each step to the right is ten times rarer."""
    trends = {
        name: histogram
        for name, histogram in run.histograms.items()
        if histogram.count and name not in _NOT_DRAWN
    }
    if not trends:
        return []
    nines = min(_MOST_NINES, max(1, math.floor(math.log10(max(map(_count, trends.values()))))))
    places = [number / _PER_NINE for number in range(_PER_NINE * nines + 1)]
    percents = [100 * (1 - 10.0**-place) for place in places]
    curves = {name: _values(histogram, percents) for name, histogram in trends.items()}
    every = [value for values in curves.values() for value in values]
    low, high = decades(min(every), max(every))
    drawn = [
        Line(
            name,
            tuple(
                (place / nines, logarithmic(value, low, high))
                for place, value in zip(places, values, strict=True)
            ),
            every=_PER_NINE,
        )
        for name, values in curves.items()
    ]
    across = [Tick(number / nines, _nines(number)) for number in range(nines + 1)]
    return [_figure("time by percentile", drawn, across, _decade_ticks(low, high))]


def _count(histogram: Histogram) -> int:
    return histogram.count


def _values(histogram: Histogram, percents: Sequence[float]) -> list[float]:
    return [max(value, _LEAST_SECONDS) for value in histogram.percentiles(percents)]


def _nines(number: int) -> str:
    """Write the percentile after so many steps.

    >>> _nines(0), _nines(1), _nines(3)
    ('0', '90 %', '99.9 %')
    """
    return f"{100 - 10.0 ** (2 - number):.10g} %" if number else "0"


def _decade_ticks(low: float, high: float) -> list[Tick]:
    count = round(math.log10(high / low))
    return [Tick(n / count, _figures.seconds(low * 10.0**n)) for n in range(count + 1)]


def time_series(run: RunResult) -> Iterator[Markup]:
    """Draw what happened when, series that belong together in one chart."""
    by_name = {series.name: series for series in run.series}
    grouped = [[by_name.pop(n) for n in names if n in by_name] for names in _TOGETHER]
    for group in (*grouped, *([series] for series in by_name.values())):
        told = [series for series in group if _is_telling(series, group)]
        if told:
            yield _over_time(told)


def _is_telling(series: Series, group: Sequence[Series]) -> bool:
    """Leave out what is 0 throughout, but for the first of its group."""
    return any(series.values) or series is group[0]


def _over_time(group: Sequence[Series]) -> Markup:
    values = [value for series in group for value in series.values if value is not None]
    end = max((series.seconds[-1] for series in group if series.seconds), default=1.0) or 1.0
    ends = steps(end)
    place, up = _vertical(group[0], values)
    drawn = [
        Line(
            series.name,
            tuple(
                (linear(at, 0.0, ends[-1]), place(value))
                for at, value in zip(series.seconds, series.values, strict=True)
                if value is not None
            ),
            every=max(1, len(series.seconds) // _SIGNS),
        )
        for series in group
    ]
    across = [Tick(linear(at, 0.0, ends[-1]), f"{at:g} s" if at else "0") for at in ends]
    caption = ", ".join(series.name for series in group)
    return _figure(f"{caption} over time", drawn, across, up)


def _vertical(
    series: Series, values: Sequence[float]
) -> tuple[Callable[[float], float], list[Tick]]:
    """Choose the axis: decades for times, from 0 for all else."""
    if series.dimension == "time":
        positive = [max(value, _LEAST_SECONDS) for value in values] or [_LEAST_SECONDS]
        low, high = decades(min(positive), max(positive))
        ticks = _decade_ticks(low, high)
        return lambda value: logarithmic(max(value, _LEAST_SECONDS), low, high), ticks
    top = steps(max([*values, 1.0]))
    words = _figures.number
    if series.dimension == "rate":
        words = _per_second
    up = [Tick(linear(y, 0.0, top[-1]), words(y) if y else "0") for y in top]
    return lambda value: linear(value, 0.0, top[-1]), up


def _figure(
    caption: str, drawn: Sequence[Line], across: Sequence[Tick], up: Sequence[Tick]
) -> Markup:
    names = [line.name for line in drawn]
    title = f"{caption}: {', '.join(names)}" if len(names) > 1 else caption
    parts = [element("figcaption", caption), chart(title, drawn, across=across, up=up)]
    if len(names) > 1:
        parts.insert(1, legend(names))
    return element("figure", *parts)


def _per_second(value: float) -> str:
    return f"{_figures.number(value)}/s"
