"""Rows: a table on a terminal, tab-separated lines without a head in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from agno_cli.cli._console import Console, shown

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_NARROWEST = 16
"""Columns of the terminal to which a longer word may be folded and still be read."""


def write_table(console: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows of text to stdout."""
    if not console.out_is_terminal:
        console.write("".join("\t".join(row) + "\n" for row in rows))
        return
    from rich.cells import cell_len
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    rich = RichConsole()
    first, *others = zip(*((head, *rows)), strict=True)
    if not fits(others, rich.width - max(map(cell_len, first))):
        _write_stacked(rich, head, rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(head):  # the first is what one copies from here
        table.add_column(title, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    rich.print(table)


def fits(columns: Iterable[Iterable[str]], width: int) -> bool:
    """Tell whether columns of text can stand side by side and be read, two spaces between them."""
    from rich.cells import cell_len

    words = ([cell_len(word) for cell in column for word in cell.split()] for column in columns)
    return sum(2 + min(_NARROWEST, max(lengths, default=0)) for lengths in words) <= width


def _write_stacked(rich: RichConsole, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write the first cell of each row on a line of its own, the others below it."""
    from rich.padding import Padding
    from rich.text import Text

    for number, (first, *others) in enumerate((head, *rows)):
        style = "" if number else "bold"
        rich.print(Text(shown(first), style, overflow="fold"))
        rest = "  ".join(shown(cell) for cell in others if cell)
        if rest:
            rich.print(Padding(Text(rest, style, overflow="fold"), (0, 0, 0, 2)))
