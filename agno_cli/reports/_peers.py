"""Other libraries beside ours: their figures, how many times ours they are, what was equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from agno_cli.reports import _figures
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, listing, row, table
from agno_cli.reports._peer_rows import PeerRow, in_words, ratios, said
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

_LEAD = (
    "The same work on the same machine in the same run, unless its source says otherwise."
    " What was equal and what was not stands below each row."
)
_RATIO_LEAD = (
    "How many times the figure of the first row, on a logarithmic axis. Bars to the right of 1x"
    " take longer or need more than it does, outlined bars to the left less."
)
_FEW_DECADES = 4

Limits: TypeAlias = tuple[float, float]


def peers(rows: Sequence[PeerRow], caption: Iterable[str] = ()) -> list[Section]:
    """Make the sections, none without rows. The first row is the one all are held against.

    Args:
        rows: one a library.
        caption: how they were measured.
    """
    if not rows:
        return []
    names = list(dict.fromkeys(name for entry in rows for name in entry.figures))
    captions = listing(map(spelled, caption), name="captions")
    sections = [Section("Other libraries", joined([_table(rows, names), captions]), _LEAD)]
    found = {name: ratios(rows, name) for name in names}
    # The first row alone is no comparison.
    compared = {name: bars for name, bars in found.items() if len(bars) > 1}
    if compared:
        sections.append(_ratio_section(compared))
    return sections


def _ratio_section(compared: Mapping[str, Sequence[tuple[PeerRow, float]]]) -> Section:
    every = [ratio for bars in compared.values() for _, ratio in bars]
    limits = decades(min(every), max(every))
    charts = (_chart(name, bars, limits) for name, bars in compared.items())
    return Section("Ratios", element("div", *charts, class_="charts"), _RATIO_LEAD)


def _table(rows: Iterable[PeerRow], names: Sequence[str]) -> Markup:
    columns = [Column("library", "text"), *map(Column, names)]
    lines = (line for entry in rows for line in _lines(entry, columns))
    return table("Figures of other libraries", columns, lines)


def _lines(entry: PeerRow, columns: Sequence[Column]) -> Iterator[Markup]:
    origin = ", ".join(filter(None, (entry.version, entry.source)))
    name = joined([entry.name, element("small", origin) if origin else EMPTY])
    figures = [entry.figures.get(column.heading) for column in columns[1:]]
    yield row(columns, [name, *("-" if f is None else in_words(f) for f in figures)])
    about = said(entry)
    if about:
        text = element("div", spelled(about), class_="aside")
        yield element("tr", element("td", text, colspan=len(columns)), class_="notes")


def _chart(name: str, found: Iterable[tuple[PeerRow, float]], limits: Limits) -> Markup:
    bars = (_bar(name, entry, ratio, limits) for entry, ratio in found)
    return element("figure", element("figcaption", name), plot_rows(bars, _ticks(limits)))


def _bar(name: str, entry: PeerRow, ratio: float, limits: Limits) -> Markup:
    one, end = logarithmic(1, *limits), logarithmic(ratio, *limits)
    bar = drawing(
        f"{entry.name}, {name}: {_figures.times(ratio)}",
        grid(_ticks(limits)),
        span(one, end, name="bar" if ratio >= 1 else "bar less"),
        upright(one, name="one"),
        name="bars",
    )
    value = joined([_figures.times(ratio), element("small", in_words(entry.figures[name]))])
    return plot_row(entry.name, bar, value)


def _ticks(limits: Limits) -> list[Tick]:
    first, last = (round(math.log10(limit)) for limit in limits)
    step = math.ceil((last - first) / _FEW_DECADES)
    powers = [power for power in range(first, last + 1) if power % step == 0]
    return [Tick((power - first) / (last - first), f"{_power(power)}x") for power in powers]


def _power(exponent: int) -> str:
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"
