"""How a scenario is getting on: one line that is written over on a terminal, a log elsewhere.

Drawn by hand: a redraw by rich takes milliseconds of a processor that is being measured.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from agno_cli.cli._console import Console, shown
from agno_cli.reports import _figures
from agno_cli.scenarios._result import Progress, Report

_Found = TypeVar("_Found")
_LINE_SECONDS = 5.0
_DRAW_SECONDS = 0.5


def with_progress(console: Console, work: Callable[[Report], _Found]) -> _Found:
    """Do the work, which reports how far it has come."""
    if console.quiet:
        return work(lambda _: None)
    if not console.err_is_terminal or os.environ.get("TERM") == "dumb":
        return work(_Log(console))
    try:
        return work(_Line())
    finally:
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()


def in_words(progress: Progress) -> str:
    """Write one line.

    >>> in_words(Progress(run="fast", step=1, steps=2, done=3, total=30, rate=9998, p99=3e-4))
    '[1/2] fast: 3 of 30 s, 10.0 k/s, p(99) 300 µs'
    """
    place = f"[{progress.step}/{progress.steps}] {progress.run}"
    done, total = (_figures.number(float(f"{n:.1f}")) for n in (progress.done, progress.total))
    parts = [progress.what or f"{done} of {total} {progress.unit}"]
    if progress.rate is not None:
        parts.append(f"{_figures.rate(progress.rate)}/s")
    if progress.p99 is not None:
        parts.append(f"p(99) {_figures.seconds(progress.p99)}")
    if progress.in_flight is not None:
        parts.append(f"{progress.in_flight:,} in flight")
    if progress.errors:
        parts.append(f"{progress.errors:,} errors")
    return f"{place}: {', '.join(parts)}"


class _Log:
    """A line when something begins, and every five seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._about: tuple[int, str, str] | None = None
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        about = (progress.step, progress.run, progress.what)
        if about == self._about and monotonic() < self._next:
            return
        self._about, self._next = about, monotonic() + _LINE_SECONDS
        self._console.note(in_words(progress))


class _Line:
    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + _DRAW_SECONDS
        try:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
        except OSError:
            width = 80
        sys.stderr.write(f"\r\x1b[2K{shown(in_words(progress))[: width - 1]}")
        sys.stderr.flush()
