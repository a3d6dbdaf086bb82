"""Other libraries beside ours: their figures, how many times ours they are, what was equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.reports import _figures
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, row, table
from agno_cli.reports._plots import (
    Tick,
    decades,
    drawing,
    grid,
    logarithmic,
    plot_row,
    plot_rows,
    span,
    upright,
)

PeerUnit: TypeAlias = Literal["second", "byte", "allocation"]
_LEAD = (
    "The same work on the same machine in the same run, unless its source says otherwise."
    " What was equal and what was not stands below each row."
)
_RATIO_LEAD = (
    "How many times the figure of the first row, on a logarithmic axis. Bars to the right of 1x"
    " take longer or need more than it does, outlined bars to the left less."
)
_FEW_DECADES = 4
_WHOLE = 10

Limits: TypeAlias = tuple[float, float]


class PeerFigure(Struct, frozen=True):
    """A median or an exact count, per operation."""

    value: float
    unit: PeerUnit


class PeerRow(Struct, frozen=True, kw_only=True):
    """One library.

    Attributes:
        source: where the figures come from, e.g. `measured here` or `imported from go.txt`.
        figures: by the name of the benchmark; the columns stand in the order of appearance.
        notes: what was equal to the first row, and what was not.
        problem: why nothing could be measured, else empty.
    """

    name: str
    version: str = ""
    source: str = ""
    figures: dict[str, PeerFigure] = {}
    notes: tuple[str, ...] = ()
    problem: str = ""


def peers(rows: Sequence[PeerRow]) -> list[Section]:
    """Make the sections, none without rows. The first row is the one all are held against."""
    if not rows:
        return []
    names = list(dict.fromkeys(name for entry in rows for name in entry.figures))
    sections = [Section("Other libraries", _table(rows, names), _LEAD)]
    found = {name: _ratios(rows, name) for name in names}
    # The first row alone is no comparison.
    compared = {name: ratios for name, ratios in found.items() if len(ratios) > 1}
    if compared:
        sections.append(_ratio_section(compared))
    return sections


def _ratio_section(compared: Mapping[str, Sequence[tuple[PeerRow, float]]]) -> Section:
    every = [ratio for ratios in compared.values() for _, ratio in ratios]
    limits = decades(min(every), max(every))
    charts = (_chart(name, ratios, limits) for name, ratios in compared.items())
    return Section("Ratios", element("div", *charts, class_="charts"), _RATIO_LEAD)


def _table(rows: Iterable[PeerRow], names: Sequence[str]) -> Markup:
    columns = [Column("library", "text"), *map(Column, names)]
    lines = (line for entry in rows for line in _lines(entry, columns))
    return table("Figures of other libraries", columns, lines)


def _lines(entry: PeerRow, columns: Sequence[Column]) -> Iterator[Markup]:
    about = ", ".join(filter(None, (entry.version, entry.source)))
    name = joined([entry.name, element("small", about) if about else EMPTY])
    figures = [entry.figures.get(column.heading) for column in columns[1:]]
    yield row(columns, [name, *("-" if f is None else in_words(f) for f in figures)])
    said = [f"could not be measured: {entry.problem}"] if entry.problem else []
    said += entry.notes
    if said:
        text = element("div", spelled("; ".join(said)), class_="aside")
        yield element("tr", element("td", text, colspan=len(columns)), class_="notes")


def in_words(figure: PeerFigure) -> str:
    """Write a figure with its unit."""
    if figure.unit == "second":
        return _figures.seconds(figure.value)
    return _figures.size(figure.value) if figure.unit == "byte" else _figures.number(figure.value)


def _ratios(rows: Sequence[PeerRow], name: str) -> list[tuple[PeerRow, float]]:
    """Hold the figures of a benchmark against the first row's, where that can be done."""
    base = rows[0].figures.get(name)
    if base is None or base.value <= 0:
        return []
    found = ((entry, entry.figures.get(name)) for entry in rows)
    ratios = ((entry, f.value / base.value) for entry, f in found if f and f.unit == base.unit)
    return [(entry, ratio) for entry, ratio in ratios if ratio > 0 and math.isfinite(ratio)]


def _chart(name: str, ratios: Iterable[tuple[PeerRow, float]], limits: Limits) -> Markup:
    bars = (_bar(name, entry, ratio, limits) for entry, ratio in ratios)
    return element("figure", element("figcaption", name), plot_rows(bars, _ticks(limits)))


def _bar(name: str, entry: PeerRow, ratio: float, limits: Limits) -> Markup:
    one, end = logarithmic(1, *limits), logarithmic(ratio, *limits)
    bar = drawing(
        f"{entry.name}, {name}: {_times(ratio)}",
        grid(_ticks(limits)),
        span(one, end, name="bar" if ratio >= 1 else "bar less"),
        upright(one, name="one"),
        name="bars",
    )
    value = joined([_times(ratio), element("small", in_words(entry.figures[name]))])
    return plot_row(entry.name, bar, value)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= _WHOLE else f"{ratio:.2g}x"


def _ticks(limits: Limits) -> list[Tick]:
    first, last = (round(math.log10(limit)) for limit in limits)
    step = math.ceil((last - first) / _FEW_DECADES)
    powers = [power for power in range(first, last + 1) if power % step == 0]
    return [Tick((power - first) / (last - first), f"{_power(power)}x") for power in powers]


def _power(exponent: int) -> str:
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"
