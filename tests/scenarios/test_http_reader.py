"""HTTP answers as connections give them: in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.scenarios._http_reader import Answer, BadAnswer, Reader

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3;name=value\r\nhel\r\n2\r\nlo\r\n0\r\ntrailer: x\r\n\r\n"
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nhello"


def feed(data: bytes, cuts: list[int]) -> Answer | None:
    """Feed in pieces; nothing must come before the last one."""
    reader = Reader()
    places = sorted({cut for cut in cuts if 0 < cut < len(data)})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    return reader.feed(pieces[-1])


@given(
    data=st.sampled_from([PLAIN, CHUNKED, CONTINUED]),
    cuts=st.lists(st.integers(1, 150), max_size=8),
)
def test_an_answer_is_the_same_however_it_is_cut(data, cuts):
    assert feed(data, cuts) == Answer(200, b"hello", keep=True)


@given(st.lists(st.integers(1, 30), max_size=3))
def test_an_answer_without_a_length_ends_with_its_connection(cuts):
    reader = Reader()
    assert feed(ENDLESS, cuts) is None
    assert reader.feed(ENDLESS) is None
    assert reader.finish() == Answer(200, b"hello", keep=False)
    assert reader.finish() is None


def test_an_answer_cut_short_is_none():
    reader = Reader()
    assert reader.feed(PLAIN[:-1]) is None
    assert reader.finish() is None


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nconnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_the_head_says_whether_the_connection_is_kept(head, keep):
    answer = Reader().feed(head + b"Content-Length: 0\r\n\r\n")
    assert answer == Answer(200, b"", keep=keep)


def test_an_answer_may_have_no_body():
    assert Reader().feed(b"HTTP/1.1 204 No Content\r\n\r\n") == Answer(204, b"", keep=True)


def test_more_than_was_asked_for_ends_the_connection():
    assert Reader().feed(PLAIN + b"x") == Answer(200, b"hello", keep=False)
    assert Reader().feed(CHUNKED + b"x") == Answer(200, b"hello", keep=False)


def test_a_connection_gives_one_answer_after_another():
    reader = Reader()
    for number in range(200):  # more heads than are remembered
        data = b"HTTP/1.1 200 OK\r\nDate: %d\r\nContent-Length: 1\r\n\r\nx" % number
        assert reader.feed(data) == Answer(200, b"x", keep=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "an answer began with b'SSH-2.0-OpenSSH', which is not HTTP"),
        (b"HTTP/1.1 abc\r\n\r\n", "which is not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "an answer has a length of b'-5'"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "an answer has a chunk of size b'zz'",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", "chunk of size"),
    ],
)
def test_what_is_no_answer_is_refused(data, message):
    with pytest.raises(BadAnswer, match=message):
        Reader().feed(data)
