"""A profile as one HTML file: its figures, a flame graph and a table; nothing is loaded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from agno_cli.profiling._diff import Difference
from agno_cli.profiling._profile import AnyProfile, CpuProfile, StartupProfile
from agno_cli.reports._flame import (
    SCRIPT,
    STYLE,
    Node,
    Tint,
    flame,
    tree_of,
    tree_of_modules,
)
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, definitions, page, row, table
from agno_cli.reports._page import listing as bullets
from agno_cli.reports._profile_words import Listing, changes, headline, listing, summary
from agno_cli.reports.profile_text import in_words


def to_html(
    profile: AnyProfile,
    *,
    command: Sequence[str],
    top: int,
    difference: Difference | None = None,
    tables: bool = True,
) -> str:
    """Write the page.

    Args:
        profile: what to show.
        command: what was typed, for whoever wants to do it again.
        top: how many rows of a table.
        difference: to an earlier profile; colours the flame graph by what changed.
        tables: whether there is more than the flame graph.
    """
    sections = [_flame_section(profile, difference)]
    if tables:
        sections += _tables(profile, top, difference)
        sections += [_environment(profile), _again(command)]
    return page(
        headline(profile),
        _header(profile, difference),
        sections,
        style=STYLE.read_text(encoding="utf-8"),
        script=SCRIPT.read_text(encoding="utf-8"),
    )


def _header(profile: AnyProfile, difference: Difference | None) -> Markup:
    title, _, rest = headline(profile).partition(": ")
    notes = profile.notes if difference is None else (*profile.notes, *difference.notes)
    partial = getattr(profile, "partial", False)
    banner = element("p", "The target did not come to its end: partial results.", class_="banner")
    return joined(
        [
            element("h1", title),
            element("p", element("strong", rest), class_="command"),
            banner if partial else EMPTY,
            *(element("p", line, class_="lead") for line in summary(profile)),
            bullets(map(spelled, notes), name="remarks"),
        ]
    )


def _flame_section(profile: AnyProfile, difference: Difference | None) -> Section:
    if isinstance(profile, StartupProfile):
        body = flame(tree_of_modules(profile.modules), in_words(profile), "Modules by their time")
        return Section("Import tree", body, "A module stands below the one that loads it.")
    root = tree_of(profile.frames, profile.stacks, _tints(difference))
    lead = "A function stands below the one that called it; its width is its share."
    if isinstance(profile, CpuProfile) and not profile.stacks and profile.functions:
        return Section("Flame graph", EMPTY, "This engine counts calls and keeps no stacks.")
    return Section("Flame graph", _drawn(root, profile), lead)


def _drawn(root: Node, profile: AnyProfile) -> Markup:
    return flame(root, in_words(profile), "Flame graph")


def _tints(difference: Difference | None) -> Mapping[tuple[str, str], Tint] | None:
    if difference is None:
        return None
    tints: dict[tuple[str, str], Tint] = {}
    for change in difference.changes:
        if change.is_sure and change.change:
            tints[change.name, change.place] = "more" if change.change > 0 else "less"
    return tints


def _tables(profile: AnyProfile, top: int, difference: Difference | None) -> Iterator[Section]:
    if difference is not None:
        yield _table_section(changes(difference, top))
    yield _table_section(listing(profile, top))


def _table_section(listed: Listing) -> Section:
    columns = [
        Column(heading, "number" if number in listed.numbers else "text")
        for number, heading in enumerate(listed.headings)
    ]
    # What a row is about stands first, for it stays where it is when a narrow window scrolls.
    order = [listed.name, *(n for n in range(len(columns)) if n not in (listed.name, listed.place))]
    shown = [columns[number] for number in order]
    lines = (row(shown, _cells(listed, cells, order)) for cells in listed.rows)
    title, _, lead = listed.title.partition(": ")
    more = f"{listed.omitted:,} more are not shown." if listed.omitted else ""
    body = joined(
        [
            table(title, shown, lines),
            element("p", more, class_="lead") if more else EMPTY,
        ]
    )
    return Section(title, body, lead[:1].upper() + lead[1:] + "." * bool(lead))


def _cells(listed: Listing, cells: Sequence[str], order: Sequence[int]) -> list[str]:
    place, heading = cells[listed.place], listed.headings[listed.place]
    if place and heading != "where":
        place = f"{heading} {place}"
    about = joined([element("code", cells[listed.name]), element("small", place)])
    return [about, *(cells[number] for number in order[1:])]


def _environment(profile: AnyProfile) -> Section:
    environment = profile.environment
    pairs = [
        ("Python", f"{environment.python} ({environment.build})"),
        ("System", f"{environment.os} {environment.machine}"),
        ("Processor", f"{environment.cpu}, {environment.cores} cores"),
        ("Load", "-" if environment.load is None else f"{environment.load:.2f}"),
        ("agno-cli", environment.packages.get("agno-cli", "-")),
        ("Commit", environment.commit or "-"),
    ]
    return Section("Environment", definitions(pairs, name="environment"))


def _again(command: Sequence[str]) -> Section:
    return Section(
        "Do it again", element("pre", element("code", shlex.join(command)), tabindex="0")
    )
