"""Reads HTTP/1.1 answers from one kept-alive connection: as much of HTTP as a load needs.

A client of its own because the client must not be what is measured: with 64 requests under way
httpx gives 500 a second, aiohttp 9,000, asyncio's streams 21,000 (on one core of 2025), and the
goal is 10,000 held with room to spare.
"""

from __future__ import annotations

from msgspec import Struct

from agno_cli._errors import AgnoError

_MOST_BYTES = 64 * 1024**2
_MOST_HEADS = 64
_NO_BODY = (204, 304)


class BadAnswer(AgnoError):
    """What came is not HTTP/1.1, or is too long."""


class Answer(Struct, frozen=True):
    """A whole answer; `keep` says whether the connection can be used again."""

    status: int
    body: bytes
    keep: bool


class _Head(Struct, frozen=True):
    """What a head says; `length` is None for a chunked body, -1 for one that ends with EOF."""

    status: int
    length: int | None
    keep: bool


class Reader:
    """Collects what a connection gives until an answer is whole."""

    __slots__ = ("_buffer",)
    # Heads repeat but for the date: reading one costs 3 µs, finding it here 0.1 µs.
    _heads: dict[bytes, _Head] = {}  # noqa: RUF012 - shared by all, and emptied when full

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Answer | None:
        """Take what has come; give the answer when it is whole.

        Raises:
            BadAnswer: it is none.
        """
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return self._wait(buffer)
        text = buffer[:end]
        head = self._heads.get(text) or self._learn(text)
        length = head.length
        if length is None:
            return self._chunked(buffer, end + 4, head)
        if length < 0 or len(buffer) < end + 4 + length:
            return self._wait(buffer)
        if head.status < 200:  # noqa: PLR2004 - 1xx comes before the answer
            self._buffer = b""
            rest = buffer[end + 4 :]
            return self.feed(rest) if rest else None
        self._buffer = b""
        body = buffer[end + 4 : end + 4 + length]
        # More than the answer: whatever it is, it is nothing that was asked for.
        return Answer(head.status, body, head.keep and len(buffer) == end + 4 + length)

    def finish(self) -> Answer | None:
        """Take the end of the connection, which ends an answer without a length."""
        buffer, self._buffer = self._buffer, b""
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._heads.get(buffer[:end]) or self._learn(buffer[:end])
        if head.length != -1:
            return None
        return Answer(head.status, buffer[end + 4 :], keep=False)

    def _wait(self, buffer: bytes) -> Answer | None:
        if len(buffer) > _MOST_BYTES:
            raise BadAnswer(f"an answer is longer than {_MOST_BYTES // 1024**2} MiB")
        self._buffer = buffer
        return None

    def _learn(self, text: bytes) -> _Head:
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        head = self._heads[text] = _read_head(text)
        return head

    def _chunked(self, buffer: bytes, at: int, head: _Head) -> Answer | None:
        pieces: list[bytes] = []
        while True:
            line = buffer.find(b"\r\n", at)
            if line < 0:
                return self._wait(buffer)
            size = _chunk_size(buffer[at:line])
            after = line + 2 + size + 2
            if size == 0:
                # Trailers are nobody's use here: they end with an empty line as the head does.
                end = buffer.find(b"\r\n\r\n", line)
                if end < 0:
                    return self._wait(buffer)
                self._buffer = b""
                keep = head.keep and end + 4 == len(buffer)
                return Answer(head.status, b"".join(pieces), keep)
            if len(buffer) < after:
                return self._wait(buffer)
            pieces.append(buffer[line + 2 : after - 2])
            at = after


def _read_head(text: bytes) -> _Head:
    first, *lines = text.split(b"\r\n")
    words = first.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():  # noqa: PLR2004
        raise BadAnswer(f"an answer began with {first[:60]!r}, which is not HTTP/1.1")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in lines)
    }
    status = int(words[1])
    connection = fields.get(b"connection", b"").lower()
    keep = connection != b"close" if words[0] == b"HTTP/1.1" else connection == b"keep-alive"
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        return _Head(status, None, keep)
    length = fields.get(b"content-length")
    if length is not None and not length.isdigit():
        raise BadAnswer(f"an answer has a length of {length[:60]!r}")
    if length is None:
        bodiless = status < 200 or status in _NO_BODY  # noqa: PLR2004 - 1xx
        return _Head(status, 0 if bodiless else -1, keep and bodiless)
    return _Head(status, int(length), keep)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        size = int(digits, 16)
    except ValueError:
        size = -1
    if not 0 <= size <= _MOST_BYTES:
        raise BadAnswer(f"an answer has a chunk of size {digits[:60]!r}")
    return size
