"""A scenario's result for a terminal, and for a pipe.

The verdict comes as a word, so that nothing is lost without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from agno_cli.reports._scenario_rows import (
    NOTHING,
    Line,
    best_trial,
    bins,
    budget,
    conclusion,
    has_notes,
    lines,
    summary_lines,
    tally,
    times,
    title_of,
    trials,
)
from agno_cli.scenarios._result import RunResult, ScenarioResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_PIPE_WIDTH = 120
_BAR = 40
_BESIDE = 23  # columns that the figures beside a bar take
_EIGHTHS = " ▏▎▍▌▋▊▉"
_COLOURS = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}
_TRIALS = ("rate", "held", "response p(99)", "lag p(99)", "verdict")
_TIMES = ("time", "p(50)", "p(90)", "p(99)", "p(99.9)", "max")


def write(result: ScenarioResult, out: TextIO, *, width: int | None = None) -> None:
    """Write each run with its tables, its histogram and what follows, and the tally.

    Args:
        result: what to write.
        out: where to; coloured when it is a terminal that wants colours.
        width: columns to use, by default the terminal's, or 120 on a pipe.
    """
    from rich.console import Console

    if width is None and not out.isatty():
        width = _PIPE_WIDTH
    console = Console(file=out, width=width, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        partial = " (partial)" if result.partial else ""
        _say(console, f"agno scenario {result.scenario.name}{partial}", style="bold")
        _say(console, result.scenario.summary, style="dim")
        if result.trials:
            console.print(_trials_table(result))
        for run in best_trial(result):
            _write_run(run, result, console, plain=_is_plain(out))
        if result.summary_rows:
            console.print()
            console.print(_figures_table(summary_lines(result)))
            for note in has_notes(summary_lines(result)):
                _say(console, note, style="dim")
        console.print()
        _say(console, tally(result), style="bold")
    # rich fills lines with blanks, which are noise in a file.
    out.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _is_plain(out: TextIO) -> bool:
    """Tell whether bars must be made of ASCII."""
    return not (out.encoding or "").lower().startswith("utf")


def _write_run(run: RunResult, result: ScenarioResult, console: Console, *, plain: bool) -> None:
    console.print()
    _say(console, title_of(run, result), style="bold")
    _say(console, run.conditions)
    rows = lines(run)
    if run.histograms:
        console.print(_times_table(run))
    if rows:
        console.print(_figures_table(rows))
    _write_histogram(run, console, plain=plain)
    _write_budget(run, console)
    for kind, count in run.errors.items():
        _say(console, f"errors: {count:,} {kind}", style="yellow")
    for note in (*has_notes(rows), *run.notes):
        _say(console, note, style="dim")
    outcome, said = conclusion(run)
    _say(console, said, style=_COLOURS[outcome])


def _new_table(headings: Iterable[str], *, left: Sequence[str] = ()) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        is_left = number == 0 or heading in left
        table.add_column(
            heading, justify="left" if is_left else "right", no_wrap=heading not in left
        )
    return table


def _times_table(run: RunResult) -> Table:
    table = _new_table(_TIMES)
    for row in times(run):
        table.add_row(row.name, *row.cells)
    return table


def _trials_table(result: ScenarioResult) -> Table:
    from rich.text import Text

    table = _new_table(
        ("rate", "held", "response p(99)", "lag p(99)", "verdict"), left=("verdict",)
    )
    for *cells, (outcome, said) in trials(result):
        table.add_row(*cells, Text(said, style=_COLOURS[outcome]))
    return table


def _figures_table(rows: Sequence[Line]) -> Table:
    headings = ["figure", "measured", "stated", "threshold", "verdict"]
    if not any(row.stated for row in rows):
        headings.remove("stated")
    if not any(row.bounds for row in rows):
        headings = [heading for heading in headings if heading not in {"threshold", "verdict"}]
    table = _new_table(headings, left=("stated", "verdict"))
    for row in rows:
        cells: dict[str, str | Text] = {
            "figure": row.name,
            "measured": row.measured,
            "stated": _told(row.stated) or NOTHING,
            "threshold": "\n".join(bound for _, bound in row.bounds) or NOTHING,
            "verdict": _verdicts(row),
        }
        table.add_row(*(cells[heading] for heading in headings))
    return table


def _verdicts(row: Line) -> Text:
    from rich.text import Text

    words = [Text(outcome, style=_COLOURS[outcome]) for outcome, _ in row.bounds]
    return Text("\n").join(words) if words else Text(NOTHING)


def _say(console: Console, text: str, *, style: str | None = None) -> None:
    console.print(_told(text), style=style)


def _told(text: str) -> str:
    """Take out what would act on a terminal: texts can be from another's file, or answer."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _write_histogram(run: RunResult, console: Console, *, plain: bool) -> None:
    name, histogram = next(iter(run.histograms.items()), ("", None))
    if histogram is None or not histogram.count:
        return
    bars = bins(histogram)
    most = max(bar.share for bar in bars)
    widest = max(len(bar.label) for bar in bars)
    room = max(min(_BAR, console.width - widest - _BESIDE), 1)
    _say(console, f"{name}, {histogram.count:,} of them")
    for bar in bars:
        drawn = _bar(bar.share / most * room, plain=plain)
        _say(console, f"  {bar.label:>{widest}}  {bar.share:>6.1%} {bar.count:>10,}  {drawn}")


def _bar(length: float, *, plain: bool) -> str:
    """Draw a bar; what is not nothing is to be seen."""
    if plain:
        return "#" * max(round(length), length > 0)
    eighths = max(round(8 * length), length > 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _write_budget(run: RunResult, console: Console) -> None:
    parts = budget(run)
    if not parts:
        return
    said = ", ".join(f"{name} {time} ({share:.0%})" for name, time, share in parts)
    whole = sum(run.budget.values())
    _say(console, f"processor time of each: {1e6 * whole:.1f} µs: {said}")
