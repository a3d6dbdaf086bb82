"""What more workers bring: throughput, speed-up and efficiency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from agno_cli.bench._results import Environment
from agno_cli.bench._scaling import Point, Scaling, explain_threads
from agno_cli.reports import _figures
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, row, table
from agno_cli.reports._plots import Line, Tick, chart, legend, linear, steps

_COLUMNS = (
    Column("workload", "text"),
    *map(Column, ("workers", "ops/s in all", "speed-up", "95 %", "efficiency")),
)
_LEAD = (
    "All workers together. Speed-up is against one worker of the same kind; the dotted line is"
    " what perfect scaling would give, and efficiency the share of it that was reached."
)

Place: TypeAlias = tuple[float, float]


def scaling(curves: Sequence[Scaling], environment: Environment) -> list[Section]:
    """Make the section, none without curves; threads depend on the Python of `environment`."""
    if not curves:
        return []
    threads = any(curve.kind == "threads" for curve in curves)
    body = joined(
        [
            legend(map(_name, curves)),
            element("div", _rates(curves), _speed_ups(curves), class_="charts"),
            table("Scaling", _COLUMNS, (cells for curve in curves for cells in _rows(curve))),
            element("p", spelled(explain_threads(environment)), class_="aside")
            if threads
            else EMPTY,
        ]
    )
    return [Section("Scaling", body, _LEAD)]


def _name(curve: Scaling) -> str:
    return f"{curve.work}, {curve.kind}"


def _rows(curve: Scaling) -> Iterator[Markup]:
    for point in curve.points:
        cells = [
            _name(curve),
            f"{point.workers:,}",
            _figures.rate(point.rate),
            f"{point.speed_up:.2f}x",
            _interval(point),
            _figures.percent(point.efficiency),
        ]
        yield row(_COLUMNS, cells)


def _interval(point: Point) -> str:
    if point.interval is None:
        return "-"
    return f"{point.interval.low:.2f} to {point.interval.high:.2f}"


def _rates(curves: Iterable[Scaling]) -> Markup:
    lines = [Line(_name(c), tuple((p.workers, p.rate) for p in c.points)) for c in curves]
    return _figure("ops/s by workers", lines, _figures.rate)


def _speed_ups(curves: Sequence[Scaling]) -> Markup:
    lines = [Line(_name(c), tuple((p.workers, p.speed_up) for p in c.points)) for c in curves]
    most = max(point.workers for curve in curves for point in curve.points)
    ideal = [(1.0, 1.0), (float(most), float(most))]
    return _figure("speed-up by workers", lines, "{:g}x".format, ideal=ideal)


def _figure(
    caption: str,
    curves: Sequence[Line],
    words: Callable[[float], str],
    *,
    ideal: Sequence[Place] = (),
) -> Markup:
    every = [*ideal, *(point for line in curves for point in line.points)]
    workers = sorted({x for x, _ in every})
    low, high = (workers[0], workers[-1]) if len(workers) > 1 else (0.0, 2 * workers[0])
    up = steps(max(y for _, y in every))

    def placed(points: Iterable[Place]) -> tuple[Place, ...]:
        return tuple((linear(x, low, high), linear(y, 0, up[-1])) for x, y in points)

    drawn = chart(
        f"{caption}: {', '.join(line.name for line in curves)}",
        [Line(line.name, placed(line.points)) for line in curves],
        across=[Tick(linear(x, low, high), f"{x:g}") for x in workers],
        up=[Tick(linear(y, 0, up[-1]), words(y) if y else "0") for y in up],
        ideal=placed(ideal),
    )
    return element("figure", element("figcaption", caption), drawn)
