"""How far measuring has come: a bar on a terminal, a line a step elsewhere; both on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from agno_cli.bench._measure import Progress
from agno_cli.cli._console import Console

Report: TypeAlias = Callable[[Progress], None]
_Found = TypeVar("_Found")


def with_progress(console: Console, work: Callable[[Report], _Found]) -> _Found:
    """Do the work, which reports how far it has come."""
    if console.quiet:
        return work(lambda _: None)
    if not console.err_is_terminal:
        return work(lambda progress: console.note(in_words(progress)))
    return with_bar(work)


def in_words(progress: Progress) -> str:
    """Write one line."""
    place = f"[{progress.step}/{progress.steps}]"
    left = f"about {max(1, round(progress.seconds_left))} s left"
    return f"{place} {progress.benchmark}: {progress.what} ({left})"


def with_bar(work: Callable[[Report], _Found]) -> _Found:
    """Do the work under a bar that is gone afterwards."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(
        BarColumn(20),
        TextColumn("{task.description}"),
        console=RichConsole(stderr=True),
        transient=True,
        auto_refresh=False,  # a thread that draws would be measured too
    ) as bar:
        task = bar.add_task("")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.steps,
                completed=progress.step - 1,
                description=in_words(progress).replace("[", r"\["),
                refresh=True,
            )

        return work(show)
