"""Cassettes: the requests made of a model and its answers, one pair a line of a JSON Lines file.

The first line names the format and the model. A line counts when it ends, with its newline: a
recording that was killed keeps the answers before.

Errors are not recorded: a cassette stands in for a model that works, and a run that failed is
recorded again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from itertools import chain, repeat, takewhile, zip_longest
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._json import from_json, sorted_json, to_json
from agno_cli._messages import ModelResponse
from agno_cli.models._protocol import Model, ModelRequest

_VERSION = 1
_SHOWN = 60  # characters of a differing value
_ABSENT = object()

Piece: TypeAlias = TextDelta | ReasoningDelta


class Header(Struct, frozen=True):
    """The first line: the format, and what an agent must know of the model beforehand."""

    schema_version: int
    provider: str
    name: str
    native_schema: bool
    format: Literal["agno-cassette"] = "agno-cassette"


class Entry(Struct, frozen=True):
    """One answer to one request; `pieces` is None when it was not streamed."""

    request: dict[str, Any]
    response: ModelResponse
    pieces: list[Piece] | None = None


def canonical(request: ModelRequest) -> str:
    """Write what decides the answer, always in one way.

    Descriptions of tools are left out, so that they can be reworded; how the run may be stopped
    is no part of the question.
    """
    fields = {
        "system": request.system,
        "tools": [{"name": tool.name, "parameters": tool.parameters} for tool in request.tools],
        "options": request.options,
        "output_schema": request.output_schema,
        "messages": request.messages,
    }
    return sorted_json(fields)


class Recorder:
    """Writes a cassette, which appears with its first answer: a failed run leaves none.

    Raises:
        ConfigurationError: the file is there already, or its folder is not.
    """

    def __init__(self, path: Path, model: Model, *, overwrite: bool) -> None:
        self._path = path.absolute()
        self._overwrite = overwrite
        header = Header(_VERSION, model.provider, model.name, model.native_schema)
        self._head = f"{to_json(header)}\n".encode()
        self._size = 0
        self._lock = threading.Lock()
        if not self._path.parent.is_dir():
            raise ConfigurationError(
                f"cannot record to `{path}`: there is no folder `{self._path.parent}`; make it"
            )
        if os.path.lexists(self._path) and not (overwrite and self._path.is_file()):
            raise _exists(path)

    def add(self, request: str, response: ModelResponse, pieces: list[Piece] | None) -> None:
        """Add an answer to a canonical request.

        Raises:
            ConfigurationError: the file cannot be written; its earlier answers are kept.
        """
        answer = to_json({"response": response, "pieces": pieces})
        line = f'{{"request":{request},{answer[1:]}\n'.encode()
        with self._lock:
            try:
                write = self._append if self._size else self._begin
                write(line)
            except FileExistsError as error:
                raise _exists(self._path) from error
            except OSError as error:
                raise ConfigurationError(
                    f"cannot record to `{self._path}`: {error}; give another file"
                ) from error

    def _begin(self, line: bytes) -> None:
        """Make the file: by another name first when it replaces one."""
        made = self._path
        if self._overwrite:
            made = made.with_name(f"{made.name}.{os.getpid()}.{id(self):x}.tmp")
        with made.open("xb") as file:
            try:
                file.write(self._head + line)
                file.flush()
                if self._overwrite:
                    made.replace(self._path)
            except BaseException:
                made.unlink(missing_ok=True)
                raise
        self._size = len(self._head) + len(line)

    def _append(self, line: bytes) -> None:
        with self._path.open("r+b") as file:
            file.truncate(self._size)  # drops what a write that failed has left
            file.seek(self._size)
            file.write(line)
        self._size += len(line)


def _exists(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"`{path}` is there already; record to another file, or overwrite it (`--force`)"
    )


class Cassette:
    """A cassette that was read whole.

    Raises:
        ConfigurationError: the file cannot be read or holds no recording.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header, self._entries = _read(path)
        same: dict[str, list[Entry]] = {}
        for entry in self._entries:
            same.setdefault(sorted_json(entry.request), []).append(entry)
        # A request that was made again gets the answers in their order, then the last for ever.
        # `next` of a chain is one atomic step: threads need no lock.
        self._answers: dict[str, Iterator[Entry]] = {
            request: chain(entries, repeat(entries[-1])) for request, entries in same.items()
        }

    def find(self, request: ModelRequest) -> Entry:
        """Give the next answer that was recorded for a request.

        Raises:
            ConfigurationError: there is none; it names the first difference from the nearest.
        """
        text = canonical(request)
        answers = self._answers.get(text)
        if answers is not None:
            return next(answers)
        asked = from_json(text, dict[str, Any])
        nearest = max(self._entries, key=lambda entry: _likeness(entry.request, asked))
        difference = _difference(nearest.request, asked)
        raise ConfigurationError(
            f"`{self._path}` holds no answer to this request: {difference}; ask as it was"
            " recorded, or record again"
        )


def _read(path: Path) -> tuple[Header, list[Entry]]:
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline was cut off
    except OSError as error:
        raise ConfigurationError(f"cannot replay `{path}`: {error.strerror}") from error
    header = _header(path, lines)
    entries = []
    for number, line in enumerate(lines[1:], 2):
        try:
            entries.append(from_json(line, Entry))
        except ValueError as error:
            raise ConfigurationError(
                f"cannot replay `{path}`: line {number} is no recorded answer: {error};"
                " delete the line, or record again"
            ) from error
    if not entries:
        raise ConfigurationError(f"cannot replay `{path}`: it holds no answers; record again")
    return header, entries


def _header(path: Path, lines: list[bytes]) -> Header:
    try:
        header = from_json(lines[0] if lines else b"", Header)
    except ValueError as error:
        raise ConfigurationError(
            f"cannot replay `{path}`: its first line is no cassette header; record one first"
        ) from error
    if header.schema_version != _VERSION:
        raise ConfigurationError(
            f"cannot replay `{path}`: it has format {header.schema_version}, this version of"
            f" agno-cli knows format {_VERSION}; upgrade agno-cli, or record again"
        )
    return header


def _likeness(recorded: dict[str, Any], asked: dict[str, Any]) -> tuple[int, int]:
    """Count the equal messages at the start, then the equal fields."""
    fields = sum(recorded.get(field) == value for field, value in asked.items())
    return _alike(_messages(recorded), _messages(asked)), fields


def _alike(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Count the items that are equal before the first that are not."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _messages(request: dict[str, Any]) -> list[Any]:
    messages = request.get("messages")
    return messages if isinstance(messages, list) else []


def _difference(recorded: Any, asked: Any, place: str = "") -> str:
    """Name the first place where two JSON values differ, with both values."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        pairs = [
            (recorded.get(key, _ABSENT), asked.get(key, _ABSENT), f"{place}.{key}".lstrip("."))
            for key in sorted({*recorded, *asked})
        ]
    elif isinstance(recorded, list) and isinstance(asked, list):
        both = zip_longest(recorded, asked, fillvalue=_ABSENT)
        pairs = [(one, other, f"{place}[{number}]") for number, (one, other) in enumerate(both)]
    else:
        return f"`{place}` was {_shown(recorded, asked)} and is now {_shown(asked, recorded)}"
    # By their texts: to Python, 1, 1.0 and True are equal.
    return _difference(*next(pair for pair in pairs if to_json(pair[0]) != to_json(pair[1])))


def _shown(value: Any, other: Any) -> str:
    """Write a value, of a long one the part where it begins to differ from the other."""
    if value is _ABSENT:
        return "absent"
    text = to_json(value)
    start = max(0, _alike(text, to_json(other)) - _SHOWN // 3)
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
