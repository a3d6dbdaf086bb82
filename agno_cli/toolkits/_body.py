"""Read the body of a response within a bound, and make a text of it."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import AsyncIterable, Callable

from agno_cli._errors import Rejected

# Not Python's other codecs: `punycode` takes quadratic time, `zlib` and `base64` give bytes.
_CHARSETS = re.compile(
    r"ascii|utf-(8|16|32)(-.+)?|iso8859-\d+|iso2022_.+|cp\d+|koi8-.|mac-.+|shift_jis.*|euc_.+"
    r"|gb.+|big5.*|hz|johab"
)

Inflate = Callable[[bytes, int], bytes]


async def read_body(
    chunks: AsyncIterable[bytes], *, encoding: str, limit: int
) -> tuple[bytes, bool]:
    """Read and decompress up to `limit` bytes, and tell whether there was more.

    No more than that is ever unpacked: the decoders of HTTP libraries unpack what arrives whole,
    and 64 kB of brotli can hold gigabytes.

    Args:
        chunks: the body as it arrives.
        encoding: its `Content-Encoding`, in lower case.
        limit: bytes after decompression.

    Raises:
        Rejected: the encoding is one that was not asked for.
        zlib.error: the compressed data are damaged.
    """
    inflate = _inflater(encoding)
    body = bytearray()
    async for chunk in chunks:
        body += inflate(chunk, limit + 1 - len(body))
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def as_text(body: bytes, *, media_type: str, charset: str, cut: bool) -> str | None:
    """Decode a body to text, or give None when it is not one.

    Args:
        body: its bytes.
        media_type: such as `text/html`, in lower case; empty when not declared.
        charset: as declared, or empty.
        cut: whether the body ends early, perhaps within a character.
    """
    declared = _codec(charset)
    lenient = bool(declared) or media_type.startswith("text/")
    decoder = codecs.getincrementaldecoder(declared or "utf-8")("replace" if lenient else "strict")
    try:
        text = decoder.decode(body, not cut)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return ""
    return name if _CHARSETS.fullmatch(name) else ""


def _inflater(encoding: str) -> Inflate:
    if encoding in {"", "identity"}:
        return lambda chunk, _: chunk
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _Unzip()
    raise Rejected(f"the answer is encoded as `{encoding}`, which was not asked for")


class _Unzip:
    """Unpacks gzip and both forms of deflate that servers send."""

    __slots__ = ("_started", "_stream")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
        self._started = False

    def __call__(self, chunk: bytes, most: int) -> bytes:
        try:
            data = self._stream.decompress(chunk, most)
        except zlib.error:
            if self._started:
                raise
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without a header
            data = self._stream.decompress(chunk, most)
        self._started = True
        return data
