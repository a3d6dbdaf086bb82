"""This run held against an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from agno_cli.bench._compare import Comparison
from agno_cli.bench._statistics import Interval
from agno_cli.reports import _figures
from agno_cli.reports._further import HOW_CHANGED
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, mark, row, table
from agno_cli.reports._plots import Shape, Tick, drawing, grid, linear, sign, span, upright

# Most changes worth a report are smaller; those that are not get an arrow.
_REACH = 0.5
_COLUMNS = (
    Column("benchmark", "text"),
    Column("figure", "text"),
    Column("before"),
    Column("now"),
    Column("change"),
    Column(f"{-_REACH:.0%} to {_REACH:+.0%}", "text"),
    Column("p"),
    Column("verdict", "text"),
)
_LEAD = (
    "A mark left of the middle line is faster, or less; the shaded bar is the 95 % interval of the"
    f" change, p the probability of such a difference between equals. {HOW_CHANGED}"
)


def changes(baseline: str, comparisons: Sequence[Comparison]) -> list[Section]:
    """Make the section, none without comparisons; `baseline` names what was before."""
    if not comparisons:
        return []
    rows = (row(_COLUMNS, _cells(comparison)) for comparison in comparisons)
    body = table("Changes", _COLUMNS, rows)
    return [Section("Changes", body, f"This run against {baseline}. {_LEAD}")]


def _cells(of: Comparison) -> list[str]:
    return [
        element("code", of.benchmark),
        of.metric,
        _in_words(of.metric, of.before),
        _in_words(of.metric, of.after),
        "-" if of.ratio is None else f"{100 * (of.ratio - 1):+.1f} %",
        EMPTY if of.ratio is None else _drawn(of, of.ratio),
        "-" if of.probability is None else _probability(of.probability),
        joined([mark(of.outcome), f" {of.change}", element("small", spelled(of.reason))]),
    ]


def _in_words(metric: str, value: float | None) -> str:
    return "-" if value is None else _figures.in_words(metric, value)


def _probability(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "<0.0001"  # noqa: PLR2004 - four decimals are shown


def _drawn(of: Comparison, ratio: float) -> Markup:
    shape, at = _placed(ratio)
    ends = of.interval or Interval(ratio, ratio)
    return drawing(
        f"{of.benchmark}, {of.metric}: {ratio:.3g} times what it was",
        grid([Tick(0.0, ""), Tick(1.0, "")]),
        span(_placed(ends.low)[1], _placed(ends.high)[1], name="reach"),
        upright(0.5, name="one"),
        sign(shape, at, name=f"dot {of.outcome}"),
        name="change",
    )


def _placed(ratio: float) -> tuple[Shape, float]:
    """Place a ratio on the axis; an arrow stands at the end for what lies beyond it."""
    at = linear(ratio - 1, -_REACH, _REACH)
    if at < 0:
        return "left", 0.0
    return ("right", 1.0) if at > 1 else ("circle", at)
