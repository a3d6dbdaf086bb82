"""The ways an answer is written to standard output."""

from __future__ import annotations

import os
import shutil
from typing import Protocol

import msgspec

from agno_cli._json import to_json
from agno_cli._messages import RunOutput
from agno_cli.cli._console import Console

NARROWEST = 20
"""Columns below which Markdown's frames and indents leave no room for words."""


class Answer(Protocol):
    """Where the text of a run goes."""

    def write(self, text: str) -> None:
        """Take a piece of the text as it comes."""

    def pause(self) -> None:
        """Make room for something else: a line on stderr, the text of the next turn, an error."""

    def finish(self, output: RunOutput) -> None:
        """Complete the answer with what the run gave."""


class PlainAnswer:
    """Writes the model's text as it is, and one newline at its end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = False  # whether the last line is unfinished

    def write(self, text: str) -> None:
        """Write a piece of the text."""
        if text:
            self._console.write(text)
            self._open = not text.endswith("\n")

    def pause(self) -> None:
        """End the line that was begun."""
        if self._open:
            self._console.write("\n")
            self._open = False

    def finish(self, output: RunOutput) -> None:  # noqa: ARG002 - all of it has been written
        """Write the final newline, also after a text that ends with one: none may get lost."""
        self._console.write("\n")


class DataAnswer:
    """Writes the data of a structured answer, when it is complete and fits."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        """Leave it: it may not fit, and be asked for again."""

    def pause(self) -> None:
        """Do nothing: no line is begun."""

    def finish(self, output: RunOutput) -> None:
        """Write the data as JSON, for people where it is people who look."""
        text = to_json(output.data)
        if self._console.out_is_terminal:
            text = msgspec.json.format(text)
        self._console.write(text + "\n")


class NoAnswer:
    """Writes nothing: a document follows."""

    def write(self, text: str) -> None:
        """Leave it."""

    def pause(self) -> None:
        """Do nothing."""

    def finish(self, output: RunOutput) -> None:
        """Do nothing."""


def make_answer(console: Console) -> Answer:
    """Choose Markdown for a terminal that can show it, the plain text for anything else."""
    if not console.out_is_terminal or not _can_draw():
        return PlainAnswer(console)
    from agno_cli.cli._markdown import MarkdownAnswer

    return MarkdownAnswer()


def _can_draw() -> bool:
    if os.environ.get("TERM") in {"dumb", "unknown"}:
        return False
    return shutil.get_terminal_size().columns >= NARROWEST
