"""The tables that follow the figures: scaling, comparisons, other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from agno_cli.bench._compare import Comparison
from agno_cli.bench._scaling import Scaling
from agno_cli.reports import _figures
from agno_cli.reports._document import BenchReport
from agno_cli.reports._peers import PeerRow, in_words

Cells: TypeAlias = tuple[str, ...]

_SCALING = ("workload", "workers", "ops/s in all", "speed-up", "95 %", "efficiency")
_COMPARISONS = ("benchmark", "figure", "before", "now", "change", "p", "verdict", "it is")
_NOTHING = "-"


def further_tables(report: BenchReport) -> Iterator[tuple[str, Cells, list[Cells]]]:
    """Give each table that has rows: its title, its headings and its cells."""
    if report.scaling:
        yield "Scaling", _SCALING, list(_scaling(report.scaling))
    if report.comparisons:
        title = f"Changes against {report.baseline}"
        yield title, _COMPARISONS, list(_comparisons(report.comparisons))
    if report.peers:
        yield "Other libraries", *_peers(report.peers)


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


def _peers(peers: Sequence[PeerRow]) -> tuple[Cells, list[Cells]]:
    names = list(dict.fromkeys(name for peer in peers for name in peer.figures))
    cells = [
        (
            f"{peer.name} {peer.version}".strip(),
            *(in_words(peer.figures[name]) if name in peer.figures else _NOTHING for name in names),
        )
        for peer in peers
    ]
    return ("library", *names), cells
