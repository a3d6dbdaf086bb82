"""The tables that follow the figures: scaling, comparisons, other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from agno_cli.bench._compare import Comparison
from agno_cli.bench._scaling import Scaling
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport
from agno_cli.reports._peer_rows import PeerRow, in_words, ratios, said

Cells: TypeAlias = tuple[str, ...]

_SCALING = ("workload", "workers", "ops/s in all", "speed-up", "95 %", "efficiency")
_COMPARISONS = ("benchmark", "figure", "before", "now", "change", "p", "verdict", "it is")
HOW_CHANGED = (
    "change of a time: of its ratio to a reference loop that each process timed beside it, because"
    " seconds drift with whatever else a machine does; so it may differ from what the seconds say."
    " What takes too long for that is compared by its seconds."
)
_NOTHING = "-"
_FAILED = "failed"


class FurtherTable(Struct, frozen=True):
    """A table as text; a cell may have several lines. `notes` are what to know beside it."""

    title: str
    headings: Cells
    rows: list[Cells]
    notes: tuple[str, ...] = ()


def further_tables(report: BenchReport, *, libraries: int | None = None) -> Iterator[FurtherTable]:
    """Give each table that has rows.

    Args:
        report: what they are made from.
        libraries: how many others a table may hold beside ours, None for all of them.
    """
    if report.scaling:
        yield FurtherTable("Scaling", _SCALING, list(_scaling(report.scaling)))
    if report.comparisons:
        title, rows = f"Changes against {report.baseline}", list(_comparisons(report.comparisons))
        yield FurtherTable(title, _COMPARISONS, rows, (HOW_CHANGED,))
    if report.peers:
        yield from _peer_tables(report, libraries or len(report.peers))


def _scaling(curves: Iterable[Scaling]) -> Iterator[Cells]:
    for curve in curves:
        for point in curve.points:
            width = _NOTHING
            if point.interval is not None:
                low, high = point.interval.low, point.interval.high
                width = f"{low:.2f} to {high:.2f}"
            yield (
                f"{curve.work}, {curve.kind}",
                f"{point.workers}",
                _figures.rate(point.rate),
                f"{point.speed_up:.2f}x",
                width,
                f"{point.efficiency:.0%}".replace("%", " %"),
            )


def _comparisons(comparisons: Iterable[Comparison]) -> Iterator[Cells]:
    for one in comparisons:
        change = _NOTHING if one.ratio is None else f"{100 * (one.ratio - 1):+.1f} %"
        p = _NOTHING if one.probability is None else f"{one.probability:.4f}"
        yield (
            one.benchmark,
            one.metric,
            _NOTHING if one.before is None else _figures.in_words(one.metric, one.before),
            _NOTHING if one.after is None else _figures.in_words(one.metric, one.after),
            change,
            p,
            one.outcome,
            one.change,
        )


def _peer_tables(report: BenchReport, libraries: int) -> Iterator[FurtherTable]:
    ours, *others = report.peers
    names = list(dict.fromkeys(name for row in report.peers for name in row.figures))
    groups = [others[at : at + libraries] for at in range(0, len(others), libraries)] or [[]]
    for group in groups:
        rows = [ours, *group]
        headings = ("", *(f"{row.name}\n{row.version}".strip() for row in rows))
        cells = [(name, *_across(rows, name)) for name in names]
        notes = _peer_notes(report) if group is groups[-1] else ()
        yield FurtherTable("Other libraries", headings, cells, notes)


def _across(rows: Sequence[PeerRow], name: str) -> Iterator[str]:
    """Give a figure of each library, and how many times the first one's it is."""
    found = {id(row): ratio for row, ratio in ratios(rows, name)}  # names may be equal
    for place, row in enumerate(rows):
        figure = row.figures.get(name)
        if figure is None:
            yield _FAILED if row.problem else _NOTHING
        elif place and id(row) in found:
            yield f"{in_words(figure)}\n{_figures.times(found[id(row)])}"
        else:
            yield in_words(figure)


def _peer_notes(report: BenchReport) -> tuple[str, ...]:
    rows = report.peers
    names = dict.fromkeys(name for row in rows for name in row.figures)
    less = [
        f"{row.name} in `{name}` ({_figures.times(ratio)})"
        for name in names
        for row, ratio in ratios(rows, name)
        if ratio < 1
    ]
    first = f"x: how many times the figure of {rows[0].name}."
    return (
        f"{first} Less than it: {', '.join(less) or 'none'}.",
        *(f"{row.name}: {said(row)}" for row in rows if said(row)),
        *report.peer_caption,
    )
