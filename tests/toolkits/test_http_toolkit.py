"""HTTP requests against a real server: what the model reads, and how long and much it may be."""

import gzip
import random
import time
import zlib
from typing import Any

import pytest

from agno_cli import Agent, ConfigurationError, Rejected, ScriptedModel, say
from agno_cli.toolkits.http import http

from ._server import Handler, get, post, text

# What the model reads


async def test_status_type_and_text_are_given(server):
    server.answers["/a?b=1"] = text("Grüße".encode())

    assert await get(f"{server.url}/a?b=1") == (
        f"HTTP 200 OK\nURL: {server.url}/a?b=1\nContent-Type: text/plain\n\nGrüße"
    )
    assert server.seen == [
        (
            "GET",
            "/a?b=1",
            {
                "Host": f"127.0.0.1:{server.port}",
                "User-Agent": "agno-cli",
                "Accept-Encoding": "gzip, deflate",
                "Accept": "*/*",
                "Connection": "keep-alive",
            },
            "",
        )
    ]


async def test_an_error_status_is_an_answer(server):
    assert await get(f"{server.url}/none") == (
        f"HTTP 404 Not Found\nURL: {server.url}/none\nContent-Type: text/plain\n\nnone"
    )


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        (b"caf\xe9", "text/plain; charset=ISO-8859-1", "café"),
        ("漢字".encode("shift_jis"), "text/html; charset=shift_jis", "漢字"),
        ("x".encode("utf-16"), "text/plain; charset=utf-16", "x"),
        (b"caf\xe9", "text/plain", "caf\ufffd"),
        (b"caf\xc3\xa9", "text/plain; charset=punycode", "café"),
        (b"caf\xc3\xa9", "text/plain; charset=zlib", "café"),
        (b"caf\xc3\xa9", "text/plain; charset=no-such", "café"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"plain", "", "plain"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "[4 bytes that are not text]"),
        (b"GIF89a\0", "text/plain", "[7 bytes that are not text]"),
        (b"", "text/plain", ""),
    ],
)
async def test_the_body_is_decoded_as_declared(server, body, content_type, shown):
    server.answers["/"] = text(body, content_type)

    assert (await get(server.url + "/")).split("\n\n", 1)[1] == shown


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
)
async def test_compressed_bodies_are_unpacked(server, encoding, pack):
    data = b"hello " * 30_000
    server.answers["/"] = text(pack(data), **{"Content-Encoding": encoding})

    answer = await get(server.url + "/", max_bytes=1_000_000)

    assert answer.split("\n\n", 1)[1] == data.decode()


async def test_an_encoding_that_was_not_asked_for_is_refused(server):
    server.answers["/"] = text(b"x", **{"Content-Encoding": "br"})

    with pytest.raises(Rejected, match="is encoded as `br`, which was not asked for"):
        await get(server.url + "/")


async def test_damaged_compression_is_an_error(server):
    whole = gzip.compress(random.Random(1).randbytes(300_000))
    damaged = {"/start": whole[:40] + b"\xff" * 100_000, "/end": whole[:-8] + bytes(8)}
    headers = {"Content-Encoding": "gzip"}
    server.answers |= {path: text(data, **headers) for path, data in damaged.items()}

    for path in damaged:
        with pytest.raises(ConnectionError, match=f"GET {server.url}{path} failed: Error -3"):
            await get(server.url + path, max_bytes=10**6)


# Bounds


async def test_a_long_body_is_cut_between_characters(server):
    server.answers["/"] = text("é".encode() * 100)

    assert (await get(server.url + "/", max_bytes=5)).split("\n\n", 1)[1] == (
        "éé\n[cut after 5 bytes]"
    )


async def test_long_binary_data_are_counted_as_far_as_read(server):
    server.answers["/"] = text(bytes(100), "image/png")

    assert (await get(server.url + "/", max_bytes=5)).endswith(
        "\n\n[5 or more bytes that are not text]"
    )


async def test_a_compression_bomb_is_never_unpacked(server):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(50)) + packer.flush()
    server.answers["/"] = text(bomb, **{"Content-Encoding": "gzip"})

    started = time.perf_counter()
    answer = await get(server.url + "/", max_bytes=10)

    assert answer.endswith("\n\n0000000000\n[cut after 10 bytes]")
    assert time.perf_counter() - started < 4


async def test_an_endless_body_is_cut(server):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 10_000)

    server.answers["/"] = endless

    assert (await get(server.url + "/", max_bytes=3)).endswith("\n\nxxx\n[cut after 3 bytes]")


def drip(handler: Handler, start: bytes) -> None:
    handler.wfile.write(start)
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: "])
async def test_a_server_that_drips_is_stopped_in_time(server, start):
    server.answers["/"] = lambda handler: drip(handler, start)

    started = time.perf_counter()
    with pytest.raises(TimeoutError, match=r"GET http://.* took more than 0\.4 s"):
        await get(server.url + "/", timeout=0.4)
    assert time.perf_counter() - started < 3


def slow(seconds: float) -> Any:
    def resolve(*_):
        time.sleep(seconds)
        return []

    return resolve


async def test_a_resolver_that_never_answers_is_left_in_time():
    with pytest.raises(TimeoutError, match=r"took more than 0\.2 s"):
        await get("http://slow.test/", timeout=0.2, resolve=slow(1))


def test_a_synchronous_run_ends_in_time_too():
    kit = http(timeout=0.2, resolve=slow(3))
    model = ScriptedModel([say("", ("http_get", {"url": "http://slow.test/"})), "done"])

    started = time.perf_counter()
    output = Agent(model, tools=[kit]).run("Fetch it")

    assert output.messages[2].content == (
        "TimeoutError: GET http://slow.test/ took more than 0.2 s"
    )
    assert time.perf_counter() - started < 2.5


# Posting


@pytest.mark.parametrize(
    ("body", "headers", "sent", "content_type"),
    [
        ({"a": "é"}, None, '{"a":"é"}', "application/json"),
        ([1, 2], {"X-Other": "1"}, "[1,2]", "application/json"),
        ('{"a": 1}', None, '{"a": 1}', "application/json"),
        ("hello é", None, "hello é", "text/plain; charset=utf-8"),
        ("a=1&b=2", {"content-type": "text/x-form"}, "a=1&b=2", "text/x-form"),
        ("[" * 50_000, None, "[" * 50_000, "text/plain; charset=utf-8"),
        ("", None, "", None),
    ],
)
async def test_a_body_is_sent_with_its_type(server, body, headers, sent, content_type):
    server.answers["/"] = text(b"thanks")

    await post(server.url + "/", body, headers)

    method, _, seen_headers, seen_body = server.seen[0]
    lowered = {name.lower(): value for name, value in seen_headers.items()}
    assert (method, seen_body, lowered.get("content-type")) == ("POST", sent, content_type)


def test_a_model_may_give_the_body_as_an_object(server):
    call = say("", ("http_post", {"url": server.url + "/", "body": {"a": 1}}))
    output = Agent(ScriptedModel([call, "done"]), tools=[http(allow_private=True)]).run("Send it")

    assert server.seen[0][3] == '{"a":1}'
    assert output.messages[2].content.startswith("HTTP 404 Not Found")


# Making the toolkit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bytes": 0}, "`max_bytes` is 0; give a positive number"),
        ({"timeout": -1}, "`timeout` is -1; give a positive number"),
        ({"timeout": float("nan")}, "`timeout` is nan; give a positive number"),
    ],
)
def test_bounds_are_positive(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        http(**settings)
