"""Other libraries beside ours, as the rows of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench.peers._results import COUNTED, TIMED, Comparison, PeerResult, figures
from agno_cli.reports import _figures

PeerUnit: TypeAlias = Literal["second", "byte", "allocation"]

_LABELS = {**TIMED, **COUNTED}
_ORDER = ("create", "create_tool", "run", "run_tool", "arun", "import", "bytes", "allocations")


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


def peer_rows(comparison: Comparison) -> list[PeerRow]:
    """Make the rows, one a library; the first is ours."""
    return [_row(result) for result in comparison.peers]


def _row(result: PeerResult) -> PeerRow:
    found = figures(result)
    return PeerRow(
        name=result.name,
        version=result.version,
        source=result.source,
        figures={
            _LABELS[name]: PeerFigure(found[name].value, found[name].unit)
            for name in _ORDER
            if name in found
        },
        notes=tuple(_notes(result)),
        problem=result.problem,
    )


def _notes(result: PeerResult) -> Iterator[str]:
    if result.equal:
        yield f"equal: {'; '.join(result.equal)}"
    if result.different:
        yield f"different: {'; '.join(result.different)}"
    yield from result.notes
    for name, why in result.problems.items():
        yield f"no {_LABELS.get(name, name)}: {why}"


def peer_caption(comparison: Comparison) -> list[str]:
    """Say how the figures were measured, one paragraph an entry."""
    settings, here = comparison.settings, comparison.environment
    processes = settings.rounds * settings.processes
    load = "" if here.load is None else f", load {here.load:.2f}"
    measured = (
        f"Medians of the medians of {processes} processes, {settings.values} values each, the"
        " libraries in turns; import: what a process takes longer that imports it. Each operation"
        " is one function call. Counted of `create`: bytes that are still live, and all requests"
        " for memory, one of which memray adds for each Python function called."
    )
    equal = (
        "All: the same prompt, answer and tool, checked in each timed value, the tool called"
        " once a run; no network, keys, telemetry or tracing; a fresh conversation in each run;"
        " the garbage collector is on."
    )
    machine = (
        f"{here.build.split()[0]} {here.python}, {here.os} {here.machine}, {here.cpu},"
        f" {here.cores} cores{load}."
    )
    return [measured, equal, machine]


def in_words(figure: PeerFigure) -> str:
    """Write a figure with its unit."""
    if figure.unit == "second":
        return _figures.seconds(figure.value)
    return _figures.size(figure.value) if figure.unit == "byte" else _figures.number(figure.value)


def said(row: PeerRow) -> str:
    """Write what is to be said of a library beside its figures, in one line."""
    problem = [f"could not be measured: {row.problem}"] if row.problem else []
    return ". ".join([*problem, *row.notes])


def ratios(rows: Sequence[PeerRow], name: str) -> list[tuple[PeerRow, float]]:
    """Hold the figures of a benchmark against the first row's, where that can be done."""
    base = rows[0].figures.get(name)
    if base is None or base.value <= 0:
        return []
    found = ((row, row.figures.get(name)) for row in rows)
    held = ((row, f.value / base.value) for row, f in found if f and f.unit == base.unit)
    return [(row, ratio) for row, ratio in held if ratio > 0 and math.isfinite(ratio)]
