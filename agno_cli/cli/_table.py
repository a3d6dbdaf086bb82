"""Rows: a table on a terminal, tab-separated lines without a head in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from agno_cli.cli._console import Console, shown


def write_table(console: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows of text to stdout."""
    if not console.out_is_terminal:
        console.write("".join("\t".join(row) + "\n" for row in rows))
        return
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(head):  # the first is what one copies from here
        table.add_column(title, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    RichConsole().print(table)
