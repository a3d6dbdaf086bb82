"""How far a download has come: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from agno_cli.cli._console import Console

Report: TypeAlias = Callable[[int, int], object]
"""Called with the bytes fetched so far and the bytes expected in all."""

_STEP = 25  # percent between two lines of a log


@contextmanager
def progress(console: Console, label: str) -> Iterator[Report]:
    """Show the progress of one download on stderr while the context lasts."""
    if console.quiet:
        yield lambda *_: None
    elif console.err_is_terminal:
        with _bar(label) as report:
            yield report
    else:
        yield _lines(console, label)


@contextmanager
def _bar(label: str) -> Iterator[Report]:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (label, BarColumn(), DownloadColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=RichConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(console: Console, label: str) -> Report:
    last = -_STEP

    def report(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // max(total, 1)
        if percent >= last + _STEP:
            last = percent - percent % _STEP
            console.note(f"{label}: {percent} % of {total / 1e6:.0f} MB")

    return report
