"""Tables of Markdown, whole also where they are wider than the terminal.

rich cuts words that do not fit and writes `…` in their place.
"""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult  # noqa: TID253 - imported to draw
from rich.markdown import Markdown, TableElement  # noqa: TID253 - imported to draw
from rich.table import Table  # noqa: TID253 - imported to draw
from rich.text import Text  # noqa: TID253 - imported to draw

from agno_cli.cli._table import fits


class WholeTable(TableElement):
    """A table whose rows become paragraphs, a line for each cell, where it gets too narrow."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table, or else its rows."""
        assert self.header is not None  # Markdown has no tables without one
        assert self.header.row is not None
        heads = [cell.content for cell in self.header.row.cells]
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        columns = ([cell.plain for cell in column] for column in zip(heads, *rows, strict=False))
        if not fits(columns, options.max_width):
            yield from _paragraphs(heads, rows)
            return
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)
            for column in table.columns:
                column.overflow = "fold"
            yield table


def _paragraphs(heads: list[Text], rows: list[list[Text]]) -> RenderResult:
    for number, row in enumerate(rows):
        if number:
            yield Text()
        for head, cell in zip(heads, row, strict=False):
            title = Text.assemble(head, ": ") if head else head
            title.stylize("bold")
            yield Text.assemble(title, cell, overflow="fold")


class WholeMarkdown(Markdown):
    """Markdown with whole tables."""

    elements = {**Markdown.elements, "table_open": WholeTable}  # noqa: RUF012 - rich's way
