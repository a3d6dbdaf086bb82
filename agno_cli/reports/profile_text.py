"""A profile for a terminal, and for a pipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from agno_cli.profiling._diff import Difference
from agno_cli.profiling._profile import AnyProfile, CpuProfile, StartupProfile
from agno_cli.reports import _figures
from agno_cli.reports._flame import Node, tree_of, tree_of_modules
from agno_cli.reports._profile_words import Listing, changes, headline, listing, summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.tree import Tree

# A pipe has no width; whoever reads the file has.
_PIPE_WIDTH = 132
_LEAST_BRANCH = 0.005
_DEEPEST = 60
_COLOURS = {"more": "red", "new": "red", "less": "green", "gone": "green", "~": "dim"}


def write_summary(profile: AnyProfile, out: TextIO, *, width: int | None = None) -> None:
    """Write what comes first, and no table."""
    _write(lambda console: _print_summary(console, profile), out, width)


def write_table(
    profile: AnyProfile,
    out: TextIO,
    *,
    top: int,
    difference: Difference | None = None,
    width: int | None = None,
) -> None:
    """Write the figures of the whole, the largest rows, what changed, and the notes.

    Args:
        profile: what to write.
        out: where to; coloured when it is a terminal that wants colours.
        top: how many rows.
        difference: to an earlier profile, whose rows come in place of the profile's.
        width: columns to use, by default the terminal's, or 132 on a pipe.
    """

    def body(console: Console) -> None:
        _print_summary(console, profile)
        table = listing(profile, top) if difference is None else changes(difference, top)
        if table.rows:
            console.print()
            console.print(table.title, markup=False)
            console.print(_table(table))
        if table.omitted:
            console.print(f"{table.omitted:,} more; `--top` shows them", style="dim")
        _print_notes(console, profile, difference)

    _write(body, out, width)


def write_tree(profile: AnyProfile, out: TextIO, *, width: int | None = None) -> None:
    """Write the figures of the whole, and who called whom."""

    def body(console: Console) -> None:
        _print_summary(console, profile)
        console.print(_tree(profile))
        _print_notes(console, profile, None)

    _write(body, out, width)


def _write(body: Callable[[Console], None], out: TextIO, width: int | None) -> None:
    from rich.console import Console

    if width is None and not out.isatty():
        width = _PIPE_WIDTH
    console = Console(file=out, width=width, highlight=False, emoji=False)
    with console.capture() as captured:
        body(console)
    # rich fills lines with blanks, which are noise in a file.
    out.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _print_summary(console: Console, profile: AnyProfile) -> None:
    from rich.text import Text

    console.print(Text(headline(profile), style="bold"))
    for line in summary(profile):
        console.print(Text(line))


def _print_notes(console: Console, profile: AnyProfile, difference: Difference | None) -> None:
    from rich.text import Text

    notes = profile.notes if difference is None else (*profile.notes, *difference.notes)
    for note in notes:
        console.print(Text(f"note: {note}", style="yellow"))


def _table(listed: Listing) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(listed.headings):
        right = number in listed.numbers
        table.add_column(heading, justify="right" if right else "left", no_wrap=right)
    for row in listed.rows:
        table.add_row(*(Text(cell, _COLOURS.get(cell, ""), overflow="fold") for cell in row))
    return table


def _tree(profile: AnyProfile) -> Tree:
    from rich.tree import Tree

    whole = (
        tree_of_modules(profile.modules)
        if isinstance(profile, StartupProfile)
        else tree_of(profile.frames, profile.stacks)
    )
    tree = Tree(_label(whole, whole, profile), guide_style="dim")
    _grow(tree, whole, whole, profile, 0)
    return tree


def _grow(tree: Tree, node: Node, whole: Node, profile: AnyProfile, depth: int) -> None:
    for child in sorted(node.children.values(), key=lambda n: -n.value):
        if depth < _DEEPEST and child.value >= _LEAST_BRANCH * whole.value:
            _grow(tree.add(_label(child, whole, profile)), child, whole, profile, depth + 1)


def _label(node: Node, whole: Node, profile: AnyProfile) -> str:
    from rich.markup import escape

    share = _figures.percent(node.value / whole.value) if whole.value else "0 %"
    place = f" [dim]{escape(node.place)}[/dim]" if node.place else ""
    return f"{share} [bold]{escape(node.name)}[/bold] {in_words(profile)(node.value)}{place}"


def in_words(profile: AnyProfile) -> Callable[[float], str]:
    """Give what writes a value of the profile's stacks with its unit."""
    if isinstance(profile, StartupProfile):
        return _figures.seconds
    if isinstance(profile, CpuProfile):
        whole = sum(stack.weight for stack in profile.stacks) or 1.0
        if profile.bare > 0:
            scale = profile.bare / whole
            return lambda value: f"{_figures.seconds(value * scale)} a {profile.operation}"
        return lambda value: _figures.seconds(value / whole * profile.seconds)
    operations = profile.operations
    if operations == 1:
        return _figures.size
    return lambda value: f"{_figures.size(value / operations)} a {profile.operation}"
