"""What a profile says, in words and rows, whatever it is shown on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from agno_cli.profiling._diff import Change, Difference
from agno_cli.profiling._profile import (
    AnyProfile,
    Cost,
    CpuProfile,
    Figures,
    MemoryProfile,
    Module,
    Site,
    StartupProfile,
)
from agno_cli.reports import _figures

Row: TypeAlias = Sequence[str]

_VIEWS = {
    "kept": "what is alive while results are kept",
    "peak": "what was alive at the peak",
    "leaks": "what a run leaves behind",
    "temporary": "what was freed at once",
}
_SMALL = 0.0005


class Listing(Struct, frozen=True):
    """A table; `omitted` rows are not shown.

    Columns are counted from 0: `numbers` stand to the right, `name` says what a row is about and
    `place` where that is.
    """

    title: str
    headings: tuple[str, ...]
    numbers: frozenset[int]
    rows: tuple[tuple[str, ...], ...]
    name: int
    place: int
    omitted: int = 0


def headline(profile: AnyProfile) -> str:
    """Say what was profiled, by what, and for the time which one."""
    if isinstance(profile, CpuProfile):
        partial = " (partial)" if profile.partial else ""
        clock = "CPU time" if profile.clock == "cpu" else "wall time"
        return f"agno profile cpu: {clock} of {profile.target}, by {profile.engine}{partial}"
    if isinstance(profile, MemoryProfile):
        partial = " (partial)" if profile.partial else ""
        return f"agno profile mem: {profile.target}, by {profile.engine}{partial}"
    return f"agno profile startup: import {profile.target}"


def summary(profile: AnyProfile) -> list[str]:
    """Say what comes first: the figures of the whole, and how much they can be trusted."""
    if isinstance(profile, CpuProfile):
        return list(_of_time(profile))
    if isinstance(profile, MemoryProfile):
        return list(_of_memory(profile))
    return list(_of_import(profile))


def _of_time(profile: CpuProfile) -> Iterator[str]:
    if profile.parts is not None:
        parts = profile.parts
        named = ("model", parts.model), ("tools", parts.tools), ("framework", parts.framework)
        shares = ", ".join(_part(name, part, parts.total) for name, part in named)
        yield f"one run took {_figures.seconds(parts.total)}: {shares}"
    yield f"{_looked(profile)}{_each(profile)}"
    if profile.slowdown is None:
        yield "slowdown: not measured, for the program did not come to its end without a profiler"
    else:
        slow = profile.slowdown
        yield (
            f"slowdown {slow.factor:.2f}x: a {slow.of} takes {_figures.seconds(slow.bare)} bare,"
            f" {_figures.seconds(slow.profiled)} under {profile.engine}"
        )


def _part(name: str, seconds: float, total: float) -> str:
    share = f" ({_figures.percent(seconds / total)})" if seconds else ""
    return f"{name} {_seconds(seconds)}{share}"


def _seconds(value: float) -> str:
    return _figures.seconds(value) if value else "0 s"


def _looked(profile: CpuProfile) -> str:
    if not profile.samples:
        return f"every call counted in {_figures.seconds(profile.seconds)}; no margin"
    half = profile.margin(0.5) or 0.0
    return (
        f"{profile.samples:,} samples, one each {_figures.seconds(profile.interval or 0.0)}, in"
        f" {_figures.seconds(profile.seconds)}; margin at most ±{100 * half:.1f} %"
    )


def _each(profile: CpuProfile) -> str:
    if profile.parts is not None or profile.operations <= 0:
        return ""
    times = "once" if profile.operations == 1 else f"{profile.operations:,} times"
    return f"; the {profile.operation} was done {times}"


def _of_memory(profile: MemoryProfile) -> Iterator[str]:
    if profile.figures is not None:
        yield figures_line(profile.figures)
    if profile.totals is not None:
        totals = profile.totals
        said = [f"peak {_figures.size(totals.peak)}"]
        if totals.allocations is not None:
            said.append(f"{totals.allocations:,} allocations")
        if totals.resident:
            said.append(f"resident at most {_figures.size(totals.resident)}")
        yield ", ".join(said)
    if profile.view == "leaks" and profile.operation != "program":
        yield _leaks_line(profile)


def figures_line(figures: Figures) -> str:
    """Write the exact figures in one line."""
    rss = "unknown" if figures.rss is None else _size(figures.rss)
    line = (
        f"bytes per {figures.object}: live {_size(figures.live)}, peak {_size(figures.peak)},"
        f" RSS {rss}"
    )
    if figures.cold is not None and figures.warm is not None:
        line += (
            f"; allocations per {figures.operation}: cold {_figures.number(figures.cold)},"
            f" warm {_figures.number(figures.warm)}; tracemalloc"
            f" {_agreement(figures)}"
        )
    return line


def _agreement(figures: Figures) -> str:
    if figures.disagreement < _SMALL:
        return "agrees"
    return f"agrees to {_figures.percent(figures.disagreement)}"


def _size(value: float) -> str:
    return _figures.number(value) if abs(value) < 10 * 1024 else _figures.size(value)


def _leaks_line(profile: MemoryProfile) -> str:
    left = sum(site.bytes for site in profile.sites)
    noun = profile.operation
    times = f"{profile.operations:,} {noun}{'e' * noun.endswith('ch')}s"
    if not profile.sites:
        return f"nothing is left behind: 0 B a {profile.operation}, over {times} more"
    blocks = sum(site.allocations for site in profile.sites)
    return (
        f"each {profile.operation} leaves {_figures.size(left)} behind, in"
        f" {_figures.number(blocks)} allocation{'s' * (blocks != 1)}, over {times} more"
    )


def _of_import(profile: StartupProfile) -> Iterator[str]:
    yield (
        f"{_figures.seconds(profile.seconds)} ±{_figures.seconds(profile.spread)} for"
        f" {len(profile.modules)} modules, beside {_figures.seconds(profile.python)} that Python"
        f" itself takes; {profile.runs} processes"
    )
    slow = profile.slowdown
    yield f"slowdown {slow.factor:.2f}x, of noting the time of each module"


def listing(profile: AnyProfile, top: int) -> Listing:
    """Give the largest rows."""
    if isinstance(profile, CpuProfile):
        return _functions(profile, top)
    if isinstance(profile, MemoryProfile):
        return _sites(profile, top)
    return _modules(profile, top)


def _functions(profile: CpuProfile, top: int) -> Listing:
    shown = [cost for cost in profile.functions if cost.own >= _SMALL or cost.total >= _SMALL]
    counted = any(cost.calls is not None for cost in shown)
    timed = profile.bare > 0 and not counted
    headings = ["own", *(["calls"] if counted else ["±"]), "total"]
    headings += [f"own, a {profile.operation}"] * timed
    rows = tuple(_function_row(profile, cost, timed=timed) for cost in shown[:top])
    return Listing(
        "Functions",
        (*headings, "function", "where"),
        frozenset(range(len(headings))),
        rows,
        len(headings),
        len(headings) + 1,
        max(0, len(shown) - top),
    )


def _function_row(profile: CpuProfile, cost: Cost, *, timed: bool) -> tuple[str, ...]:
    margin = profile.margin(cost.own)
    second = f"{100 * margin:.1f} %" if margin is not None else ""
    if cost.calls is not None:
        second = f"{cost.calls:,.2f}".rstrip("0").rstrip(".")
    row = [_figures.percent(cost.own), second, _figures.percent(cost.total)]
    if timed:
        row.append(_seconds(cost.own * profile.bare))
    return (*row, cost.function or "?", where(cost.file, cost.line))


def _sites(profile: MemoryProfile, top: int) -> Listing:
    mine = any(site.origin == "yours" for site in profile.sites)
    first = ", your own lines first" if mine else ""
    rows = tuple(_site_row(site) for site in profile.sites[:top])
    each = "" if profile.operation == "program" else f", per {profile.operation}"
    width = 5 if any(row[-1] for row in rows) else 4
    return Listing(
        f"Sites: {_VIEWS[profile.view]}{each}{first}",
        ("bytes", "allocations", "function", "where", "asked for by")[:width],
        frozenset({0, 1}),
        tuple(row[:width] for row in rows),
        2,
        3,
        max(0, len(profile.sites) - top),
    )


def _site_row(site: Site) -> tuple[str, ...]:
    return (
        _figures.size(site.bytes),
        _figures.number(site.allocations),
        site.function or "?",
        where(site.file, site.line),
        site.by,
    )


def _modules(profile: StartupProfile, top: int) -> Listing:
    order = sorted(profile.modules, key=lambda module: -module.own)
    return Listing(
        "Modules",
        ("own", "total", "module", "loaded by"),
        frozenset({0, 1}),
        tuple(_module_row(profile, module) for module in order[:top]),
        2,
        3,
        max(0, len(order) - top),
    )


def _module_row(profile: StartupProfile, module: Module) -> tuple[str, ...]:
    by = profile.modules[module.parent].name if module.parent >= 0 else ""
    return _figures.seconds(module.own), _figures.seconds(module.total), module.name, by


def where(file: str, line: int) -> str:
    """Write a place in code."""
    return f"{file}:{line}" if file and line else file


def changes(difference: Difference, top: int) -> Listing:
    """Give what changed most; what chance explains is marked by `~`, and comes last."""
    sure = [row for row in difference.changes if row.is_sure and row.change]
    unsure = [row for row in difference.changes if not row.is_sure and row.change]
    rows = [_change_row(difference, row) for row in [*sure, *unsure][:top]]
    whole = Change("all", "", difference.before, difference.after)
    return Listing(
        f"Changes: {difference.what}",
        ("before", "after", "change", "±", "so", "name", "where"),
        frozenset({0, 1, 2, 3}),
        (_change_row(difference, whole), *rows),
        5,
        6,
        max(0, len(sure) + len(unsure) - top),
    )


def _change_row(difference: Difference, row: Change) -> tuple[str, ...]:
    write = _UNITS[difference.unit]
    verdict = "~"
    if row.is_sure and row.change:
        verdict = "more" if row.change > 0 else "less"
    if row.before is None and row.is_sure:
        verdict = "new"
    if row.after is None and row.is_sure:
        verdict = "gone"
    sign = "+" if row.change >= 0 else "-"
    return (
        "-" if row.before is None else write(row.before),
        "-" if row.after is None else write(row.after),
        f"{sign}{write(abs(row.change))}",
        write(row.margin) if row.margin else "",
        verdict,
        row.name or "?",
        row.place,
    )


_UNITS = {"second": _seconds, "share": _figures.percent, "byte": _figures.size}
