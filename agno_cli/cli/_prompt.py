"""The prompt: from the argument, from standard input, or both.

Standard input is read when the argument asks for it or is missing, and otherwise when it holds
something: a file always, a pipe when data or its end is there within `_PATIENCE`. A call that
has a prompt must not hang on a pipe that its parent left open and silent.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from typing import BinaryIO, TextIO

from agno_cli._errors import InputError
from agno_cli.cli._console import Console

_PATIENCE = 0.1
"""Seconds a pipe may stay silent. Programs of one pipeline start together, and this one has
loaded Python meanwhile; a slower one needs `-`."""

_MOST_BYTES = 32 * 1024 * 1024
"""No model takes more, and `yes | agno run` must end."""


def read_prompt(words: Sequence[str], console: Console, source: TextIO | None = None) -> str:
    """Put the prompt together: the words, a blank line, then standard input.

    Raises:
        InputError: there is no prompt, or it is not text.
    """
    source = sys.stdin if source is None else source
    argument = " ".join(word for word in words if word != "-")
    piped = ""
    if source is not None and ("-" in words or _is_offered(words, source, console)):
        piped = read_text(source.buffer, "standard input").rstrip("\r\n")
    prompt = "\n\n".join(part for part in (argument, piped) if part.strip())
    if not prompt:
        raise InputError(
            'the prompt is empty; give one as an argument, as in `agno run "Hello"`, or on'
            " standard input"
        )
    return _checked(prompt)


def _is_offered(words: Sequence[str], source: TextIO, console: Console) -> bool:
    if source.isatty():
        return False
    if not words:
        return True
    import select

    try:
        if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            return True
        ready = bool(select.select([source], [], [], _PATIENCE)[0])
    except (OSError, ValueError):  # closed, no file at all, or a pipe on Windows
        return False
    if not ready:
        console.note("note: standard input is open but silent, so it is left out; `-` waits for it")
    return ready


def read_text(source: BinaryIO, name: str) -> str:
    """Read a text to its end, though not an endless one.

    Raises:
        InputError: it is too long, or not UTF-8.
    """
    data = source.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InputError(
            f"{name} holds more than {_MOST_BYTES // 2**20} MiB; give the model a part"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 text (byte {data[error.start]:#04x} at offset"
            f" {error.start}); convert it first, as by `iconv`"
        ) from None


def _checked(prompt: str) -> str:
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise InputError("the prompt is not UTF-8 text; convert it first") from None
    return prompt
