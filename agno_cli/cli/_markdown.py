"""Markdown on a terminal while it arrives.

Blocks that can no longer change - all but the last one - are written once and scroll away like
any text. Only the last block is drawn again, as much of it as the screen holds; when it is done
it is written whole. So a long answer costs no more than its length, nothing that has scrolled
off is ever rewritten, and no cursor is hidden: a killed process leaves a sane terminal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING

from agno_cli._messages import RunOutput
from agno_cli.cli._console import shown

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

# Lines at the start and the end that hold nothing but styles: rich's padding of code.
_EMPTY_EDGES = re.compile(r"\A(?:(?:\x1b\[[\d;]*m| )*\n)+|(?:\n(?:\x1b\[[\d;]*m| )*)+\Z")
_FASTEST_SECONDS = 0.05
_BUSY_SHARE = 0.1
"""The part of the time that may go into drawing: a block of a thousand lines is drawn rarely."""


class MarkdownAnswer:
    """Draws Markdown on standard output as it arrives.

    Args:
        rich: what renders; it knows the terminal's size and colours.
        clock: seconds, to draw no more often than is seen.
    """

    def __init__(
        self, rich: RichConsole | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        from markdown_it import MarkdownIt
        from rich.console import Console as RichConsole

        from agno_cli.cli._markdown_table import WholeMarkdown

        self._out = sys.stdout
        self._rich = rich or RichConsole(file=self._out)
        self._markdown = WholeMarkdown
        # As rich's own parser, so that both see the same blocks.
        self._parse = MarkdownIt().enable("strikethrough").enable("table").parse
        self._clock = clock
        self._next_draw = 0.0
        self._pending = ""
        self._drawn_lines = 0
        self._empty = True  # whether nothing has been written for good

    def write(self, text: str) -> None:
        """Take a piece of the answer and draw it, unless it was drawn just now."""
        self._pending += shown(text)
        started = self._clock()
        if started < self._next_draw:
            return
        *finished, last = self._blocks(self._pending)
        self._emit(finished, last)
        self._pending = last
        ended = self._clock()
        self._next_draw = ended + max(_FASTEST_SECONDS, (ended - started) / _BUSY_SHARE)

    def pause(self) -> None:
        """Write everything for good, so that something else may be written below."""
        self._emit(self._blocks(self._pending), "")
        self._pending = ""

    def finish(self, output: RunOutput) -> None:  # noqa: ARG002 - all of it has been written
        """Write everything for good."""
        self.pause()

    def _blocks(self, text: str) -> list[str]:
        """Part a text into its blocks: what comes later can only change the last one."""
        starts = [token.map[0] for token in self._parse(text) if token.level == 0 and token.map]
        lines = text.split("\n")  # as the parser counts them; `splitlines` knows other ends
        bounds = [0, *sorted(set(starts[1:])), len(lines)]
        return ["\n".join(lines[start:end]) for start, end in pairwise(bounds)]

    def _emit(self, finished: list[str], last: str) -> None:
        """Write what is finished over the last block as it was drawn, then draw what is last.

        Line by line: erasing the screen at once would put it into the scrollback of some terminals.
        """
        done: list[str] = []
        for block in finished:
            done += self._render(block, first=self._empty and not done)
        self._empty = self._empty and not done
        live = self._render(last, first=self._empty)[-max(self._rich.height - 2, 1) :]
        up = f"\x1b[{self._drawn_lines}F" if self._drawn_lines else ""
        self._out.write(up + "".join(f"\x1b[2K{line}\n" for line in (*done, *live)) + "\x1b[J")
        self._out.flush()
        self._drawn_lines = len(live)

    def _render(self, text: str, *, first: bool) -> list[str]:
        """Give the lines of one block, with an empty line before it unless it is the first."""
        if not text.strip():
            return []
        # The terminal's own colours fit light and dark; a link shows where it leads.
        markdown = self._markdown(text, code_theme="ansi_dark", hyperlinks=False)
        with self._rich.capture() as capture:
            self._rich.print(markdown)
        rendered = _EMPTY_EDGES.sub("", capture.get())
        if not rendered:  # such as the definition of a link
            return []
        lines = rendered.split("\n")
        return [*([] if first else [""]), *(line.rstrip(" ") for line in lines)]
