"""Server-sent events: bytes in, events out, without I/O.

Follows the parsing rules of the HTML standard, section 9.2.6. `id` and `retry` mean nothing to a
model's answer and are dropped. Chunks may end anywhere: inside a line, between CR and LF, inside
a character.
"""

from __future__ import annotations

from msgspec import Struct

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Ten times the longest event seen from a provider; a server must not fill the memory.
MAX_EVENT_BYTES = 8 * 1024 * 1024


class ServerEvent(Struct, frozen=True, gc=False):
    """One event; `data` is as it came, not yet checked to be UTF-8."""

    data: bytes
    event: str = "message"


class EventTooLong(ValueError):
    """An event is longer than `MAX_EVENT_BYTES`."""


class EventDecoder:
    """Turns the chunks of one response into events."""

    __slots__ = ("_after_cr", "_data", "_event", "_first_line", "_line", "_size")

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the unfinished line; joined once, when it ends
        self._data: list[bytes] = []
        self._event = b""
        self._size = 0
        self._after_cr = False
        self._first_line = True

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next chunk and give the events that it completes.

        Raises:
            EventTooLong: an event passes `MAX_EVENT_BYTES`.
        """
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        *lines, rest = _with_lf(chunk).split(b"\n")
        events: list[ServerEvent] = []
        for line in lines:
            self._count(len(line))
            self._line.append(line)
            whole = b"".join(self._line)
            self._line.clear()
            self._take_line(whole, events)
        self._count(len(rest))
        self._line.append(rest)
        return events

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLong(f"an event is longer than {MAX_EVENT_BYTES >> 20} MiB")

    def _take_line(self, line: bytes, events: list[ServerEvent]) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            if self._data:
                name = self._event.decode("utf-8", "replace") or "message"
                events.append(ServerEvent(b"\n".join(self._data), name))
                self._data = []
            self._event = b""
            self._size = 0
            return
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._event = value.removeprefix(b" ")
        elif not field:
            self._size -= len(line)  # a comment, the usual sign of life, is no part of the event


def _with_lf(chunk: bytes) -> bytes:
    return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk
