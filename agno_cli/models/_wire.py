"""What the wire forms of all providers have in common."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from agno_cli._tools import Tool

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def wire_name(name: str) -> str:
    """Make a tool name, or the id of a call, that any provider accepts.

    Models invent names, and conversations move from one provider to another.
    """
    return _FOREIGN.sub("_", name)[:_LONGEST_NAME] or "_"


def arguments_object(arguments: str) -> bytes:
    """Give the arguments of a call as the JSON object that providers demand in a history.

    A model may have written anything; what is no object is kept inside one.
    """
    try:
        text = arguments.encode("utf-8", "replace")
        if not text.strip():
            return b"{}"
        _object.decode(text)
    except (ValueError, RecursionError):
        return msgspec.json.encode({"invalid_arguments": text.decode()})
    return text


class EncodedTools:
    """The tools of the last request, encoded.

    Runs of one agent offer the same tuple, so this saves their encoding, 2 µs for each tool.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[tuple[Tool, ...], msgspec.Raw] = ((), msgspec.Raw(b"[]"))

    def __call__(self, tools: tuple[Tool, ...], describe: Any) -> msgspec.Raw:
        """Give `[describe(tool), ...]` as JSON."""
        last, encoded = self._last
        if last is not tools:
            encoded = msgspec.Raw(msgspec.json.encode([describe(tool) for tool in tools]))
            self._last = tools, encoded  # one assignment: threads see both or neither
        return encoded
