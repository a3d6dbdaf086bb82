"""Drawings in SVG that need neither a script nor a fixed width.

Positions are percentages of the drawing, sizes of signs and letters are pixels: the page may be
as narrow as a phone, and no letter shrinks. Each drawing says in its title what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.reports._markup import Markup, element, joined

Shape: TypeAlias = Literal["circle", "square", "diamond", "triangle", "left", "right"]
_SHAPES: dict[Shape, str] = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M-3.6-3.6h7.2v7.2h-7.2z",
    "diamond": "M0-5l5 5l-5 5l-5-5z",
    "triangle": "M0-5l4.8 8.4h-9.6z",
    "left": "M-5 0l8-4.5v9z",
    "right": "M5 0l-8-4.5v9z",
}
_CURVE_SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond", "triangle")
_BINS = 64
_STACKED = 3
_STEP_PX = 5
# Labels of an axis that are nearer to each other than this share of it would touch on a phone.
_APART = 0.08
_TOUCHING = 1e-9


class Tick(Struct, frozen=True):
    """A place on an axis, as a share of its length, and what is written there."""

    at: float
    label: str


class Line(Struct, frozen=True):
    """A curve: points as shares of the width and, from the bottom, of the height.

    Of many points only each `every`-th has a sign.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    every: int = 1


def linear(value: float, low: float, high: float) -> float:
    """Place a value on an axis from low to high, as a share of its length."""
    return (value - low) / (high - low)


def logarithmic(value: float, low: float, high: float) -> float:
    """Place a positive value on a logarithmic axis."""
    return linear(math.log10(value), math.log10(low), math.log10(high))


def decades(low: float, high: float) -> tuple[float, float]:
    """Give the whole powers of ten around two positive values, at least one decade apart."""
    first = math.floor(math.log10(low))
    return 10.0**first, 10.0 ** max(math.ceil(math.log10(high)), first + 1)


def steps(high: float) -> list[float]:
    """Give the round values of an axis from 0 that reaches a positive value.

    >>> steps(7)
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    rough = high / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * (1 - _TOUCHING))
    size = step * magnitude
    return [number * size for number in range(math.ceil(high / size * (1 - _TOUCHING)) + 1)]


def drawing(title: str, *content: str, name: str) -> Markup:
    """Frame a drawing; `name` is its class, which sets its size."""
    return element("svg", element("title", title), *content, class_=name, role="img")


def percent(share: float) -> str:
    """Write a share as an SVG length.

    >>> percent(0.12345)
    '12.34%'
    """
    return f"{round(100 * share, 2):g}%"


def sign(shape: Shape, at: float, *, height: float = 0.5, shift: float = 0, name: str) -> Markup:
    """Draw a sign.

    Args:
        shape: its form.
        at: share of the width.
        height: share of the height, from the top.
        shift: pixels to move it up.
        name: its class.
    """
    # A drawing inside gives the path, which is in pixels, an origin in percent.
    path = element("path", d=_SHAPES[shape], transform=f"translate(0 {-shift:g})")
    place = {"x": percent(at), "y": percent(height)}
    return element("svg", path, **place, width=1, height=1, class_=name)


def upright(at: float, *, name: str) -> Markup:
    """Draw a line from top to bottom."""
    x = percent(at)
    return element("line", x1=x, x2=x, y1="0", y2="100%", class_=name)


def span(start: float, end: float, *, name: str) -> Markup:
    """Draw a rectangle between two shares of the width; the class gives its height."""
    low, high = sorted((start, end))
    return element("rect", x=percent(low), width=percent(high - low), class_=name)


def grid(ticks: Iterable[Tick]) -> Markup:
    """Draw the lines of an axis behind a drawing."""
    return joined(upright(tick.at, name="grid") for tick in ticks)


def axis(ticks: Sequence[Tick]) -> Markup:
    """Write the labels of an axis below drawings that have its lines."""
    labels = (
        element("text", tick.label, x=percent(tick.at), y="1em", class_="tick")
        for tick in thinned(ticks)
    )
    return element("svg", *labels, class_="axis", aria_hidden="true")


def thinned(ticks: Iterable[Tick]) -> list[Tick]:
    """Leave out the ticks whose labels would touch the one before."""
    kept: list[Tick] = []
    for tick in ticks:
        if not kept or tick.at - kept[-1].at >= _APART:
            kept.append(tick)
    return kept


def dots(shares: Iterable[float]) -> Markup:
    """Draw one dot a value, beside each other where they would cover each other.

    A value outside the axis is an arrow at its end.
    """
    return joined(_dots(sorted(shares)))


def _dots(shares: Iterable[float]) -> Iterator[Markup]:
    stacks: dict[int, int] = {}
    for share in shares:
        if not 0 <= share <= 1:
            yield sign("left" if share < 0 else "right", float(share > 1), name="dot outside")
            continue
        column = round(share * _BINS)
        stacked = stacks.get(column, 0)
        stacks[column] = stacked + 1
        # 0, +1, -1, 0, ...: a high stack begins anew, and its dots darken.
        level = (0, 1, -1)[stacked % _STACKED]
        yield sign("circle", share, shift=level * _STEP_PX, name="dot")


def chart(
    title: str,
    lines: Sequence[Line],
    *,
    across: Sequence[Tick],
    up: Sequence[Tick],
    ideal: Sequence[tuple[float, float]] = (),
) -> Markup:
    """Draw curves over two axes; from the fifth on they look like the first ones again.

    Args:
        title: what it shows.
        lines: the curves.
        across: the horizontal axis.
        up: the vertical axis.
        ideal: points of a dashed curve to hold the others against.
    """
    content = [_level(tick) for tick in up]
    content += [
        element("text", tick.label, x=percent(tick.at), y="100%", dy="1.5em", class_="tick")
        for tick in thinned(across)
    ]
    content.append(_path(ideal, name="line ideal"))
    for number, line in enumerate(lines):
        content += [_path(line.points, name=_series("line", number)), _signs(number, line)]
    return drawing(title, *content, name="chart")


def legend(names: Iterable[str]) -> Markup:
    """Name the curves of `chart`, in the same order."""
    entries = (element("li", _sample(number), name) for number, name in enumerate(names))
    return element("ul", *entries, class_="legend")


def _sample(number: int) -> Markup:
    name = _series("line", number)
    line = element("line", x1="0", x2="100%", y1="50%", y2="50%", class_=name)
    here = sign(_shape(number), 0.5, name=_series("sign", number))
    return element("svg", line, here, class_="sample", aria_hidden="true")


def _shape(number: int) -> Shape:
    return _CURVE_SHAPES[number % len(_CURVE_SHAPES)]


def _series(name: str, number: int) -> str:
    return f"{name} series-{number % len(_CURVE_SHAPES)}"


def _level(tick: Tick) -> Markup:
    y = percent(1 - tick.at)
    line = element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")
    label = element("text", tick.label, x="0", y=y, dx="-0.6em", dy="0.32em", class_="tick level")
    return joined([line, label])


def _path(points: Sequence[tuple[float, float]], *, name: str) -> Markup:
    # Segment by segment: the points of an SVG polyline cannot be percentages.
    return joined(
        element(
            "line",
            x1=percent(x1),
            y1=percent(1 - y1),
            x2=percent(x2),
            y2=percent(1 - y2),
            class_=name,
        )
        for (x1, y1), (x2, y2) in pairwise(points)
    )


def _signs(number: int, line: Line) -> Markup:
    name = _series("sign", number)
    signed = line.points[:: line.every]
    return joined(sign(_shape(number), x, height=1 - y, name=name) for x, y in signed)


def plot_row(label: str, plot: str, value: str) -> Markup:
    """Put a drawing between its name and its figures; on a phone, below them."""
    return element(
        "li",
        element("span", label, class_="label"),
        element("span", plot, class_="plot"),
        element("span", value, class_="value"),
    )


def plot_rows(rows: Iterable[Markup], ticks: Sequence[Tick]) -> Markup:
    """Stack rows of drawings over one axis."""
    below = element(
        "li", element("span", axis(ticks), class_="plot"), class_="below", aria_hidden="true"
    )
    return element("ul", *rows, below, class_="plots")
