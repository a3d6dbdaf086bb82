"""A benchmark table for a terminal, and for a pipe.

The verdict comes as a word, so that nothing is lost without colour. Below 120 columns figures
are stacked, and those that can be done without go: operations per second follow from the time,
and Agno-Go's from another machine are in the Markdown and on a wider terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TextIO

from agno_cli.reports._document import BenchReport
from agno_cli.reports._further import FurtherTable, further_tables
from agno_cli.reports._rows import Row, caption, remarks, rows, tally

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDE = 120
# A pipe has no width; whoever reads the file has.
_PIPE_WIDTH = 132
_HEADINGS = (
    *("benchmark", "time", "±", "ops/s", "live", "allocs", "targets"),
    *("Agno-Go\ndocumented", "Agno-Go\nelsewhere"),
)
_NARROW_HEADINGS = ("benchmark", "time\n±", "live\nallocs", "targets", "Agno-Go\ndocumented")
_NARROW_LIBRARIES = 3
_COLOURS = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


def write(report: BenchReport, out: TextIO, *, width: int | None = None) -> None:
    """Write the table, its caption, what else must be known, and the tally.

    Args:
        report: what to write.
        out: where to; coloured when it is a terminal that wants colours.
        width: columns to use, by default the terminal's, or 132 on a pipe.
    """
    from rich.console import Console
    from rich.markup import escape

    if width is None and not out.isatty():
        width = _PIPE_WIDTH
    console = Console(file=out, width=width, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(_table(report, wide=console.width >= WIDE))
        libraries = None if console.width >= WIDE else _NARROW_LIBRARIES
        for further in further_tables(report, libraries=libraries):
            console.print(_plain_table(further))
            for note in further.notes:
                console.print(escape(note), style="dim")
        for paragraph in caption(report):
            console.print(escape(paragraph), style="dim")
        for remark in remarks(report):
            console.print(escape(remark), style="yellow")
        console.print(escape(tally(report)), style="bold")
    # rich fills lines with blanks, which are noise in a file.
    out.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _table(report: BenchReport, *, wide: bool) -> Table:
    from rich import box
    from rich.table import Table

    partial = " (partial)" if report.result.partial else ""
    title = f"agno bench{partial}"
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    lines = rows(report)
    headings: tuple[str, ...] = _HEADINGS if wide else _NARROW_HEADINGS
    if not any(row.documented for row in lines):
        headings = tuple(heading for heading in headings if not heading.startswith("Agno-Go"))
    for heading in headings:
        justify: Literal["left", "right"] = (
            "left" if heading in {"benchmark", "targets"} else "right"
        )
        table.add_column(heading, justify=justify, no_wrap=heading != "targets")
    for row in lines:
        cells = _cells(row) if wide else _narrow_cells(row)
        table.add_row(*cells[: len(headings)])
    return table


def _plain_table(further: FurtherTable) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(further.title)
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for number, heading in enumerate(further.headings):
        table.add_column(Text(heading), justify="right" if number else "left")
    for cells in further.rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in cells))
    return table


def _cells(row: Row) -> list[Text | str]:
    return [
        *(row.name, row.time, row.spread, row.rate, row.live, row.allocations),
        _target_cell(row),
        "\n".join(row.documented),
        "\n".join(row.measured_elsewhere),
    ]


def _narrow_cells(row: Row) -> list[Text | str]:
    return [
        row.name,
        f"{row.time}\n{row.spread}",
        f"{row.live}\n{row.allocations}",
        _target_cell(row),
        "\n".join(row.documented),
    ]


def _target_cell(row: Row) -> Text:
    from rich.text import Text

    if row.problem and not row.targets:
        return Text("not measured", style="bold red")
    return Text("\n").join(
        Text(line.text)
        if line.outcome is None
        else Text.assemble((line.outcome, _COLOURS[line.outcome]), f" {line.text}")
        for line in row.targets
    )
