"""The parser of server-sent events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agno_cli.models._sse import MAX_EVENT_BYTES, EventDecoder, EventTooLong, ServerEvent


def decoded(*chunks: bytes) -> list[ServerEvent]:
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"data: a\n\n", [ServerEvent(b"a")]),
        (b"data:a\n\ndata:  b\n\n", [ServerEvent(b"a"), ServerEvent(b" b")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", list(map(ServerEvent, (b"a", b"b", b"c")))),
        (b"data: a\ndata: b\n\n", [ServerEvent(b"a\nb")]),
        (b"data\n\n", [ServerEvent(b"")]),
        (b"data: a: b\n\n", [ServerEvent(b"a: b")]),
        (b": ping\n\n:\n\ndata: a\n: in between\n\n", [ServerEvent(b"a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [ServerEvent(b"a", "error"), ServerEvent(b"b")]),
        (b"event: lost\n\ndata: a\n\n", [ServerEvent(b"a")]),
        (b"event: \xff\ndata: a\n\n", [ServerEvent(b"a", "\ufffd")]),
        (b"id: 7\nretry: 10\nnonsense\ndata: a\n\n", [ServerEvent(b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [ServerEvent(b"a")]),
        (b"data: unfinished\n", []),
        (b"", []),
    ],
)
def test_events(text: bytes, expected: list[ServerEvent]) -> None:
    assert decoded(text) == expected
    assert decoded(*(text[at : at + 1] for at in range(len(text)))) == expected


LINES = st.sampled_from([b"data: a", b"data: \xc3\xa9", b": c", b"event: e", b"", b"", b"id"])
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    lines=st.lists(st.tuples(LINES, ENDS), max_size=20),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
@example(lines=[(b"data: a", b"\r\n"), (b"", b"\r\n")], cuts=[8])
def test_it_does_not_matter_where_chunks_end(
    lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    text = b"".join(line + end for line, end in lines)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(edges)]
    # LF after CR is one end of line, so both sides must be told apart by whole texts.
    assert decoded(*chunks) == decoded(text)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8")), max_size=5))
def test_what_was_written_is_read(texts: list[str]) -> None:
    wire = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert [event.data.decode() for event in decoded(wire)] == texts


@given(st.binary(max_size=300))
def test_any_bytes_are_read(noise: bytes) -> None:
    decoded(noise)


@pytest.mark.parametrize("piece", [b"x" * (1 << 20), (b"data: " + b"x" * 1018 + b"\n") * 1024])
def test_an_event_is_bounded(piece: bytes) -> None:
    with pytest.raises(EventTooLong, match="longer than 8 MiB"):
        decoded(*[piece] * (MAX_EVENT_BYTES // len(piece) + 2))


def test_comments_are_no_part_of_an_event() -> None:
    decoder = EventDecoder()
    comments = (b": " + b"x" * 998 + b"\n") * 1000
    for _ in range(9):
        assert decoder.feed(comments) == []
    assert decoder.feed(b"data: a\n\n") == [ServerEvent(b"a")]
