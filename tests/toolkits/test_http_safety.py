"""HTTP requests that must not be made: bad headers, secrets sent elsewhere, private addresses."""

import ssl
from pathlib import Path

import httpx
import pytest

from agno_cli import Rejected
from agno_cli.toolkits import _pinned

from ._server import get, post, redirect, serving, text, tools

# Self-signed, for the name `pinned.test`, until 2120; its key protects nothing.
CERTIFICATE = Path(__file__).with_name("pinned_test.pem")


# Headers


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Host": "internal"}, "header `Host` cannot be set"),
        ({"content-length": "0"}, "header `content-length` cannot be set"),
        ({"Transfer-Encoding": "chunked"}, "header `Transfer-Encoding` cannot be set"),
        ({"Proxy-Authorization": "x"}, "header `Proxy-Authorization` cannot be set"),
        ({"A": "b\r\nC: d"}, "header 'A' has characters"),
        ({"A": "é"}, "header 'A' has characters"),
        ({"A\nB": "c"}, r"header 'A\\nB' has characters"),
        ({"": "c"}, "header '' has characters"),
    ],
)
async def test_headers_that_could_break_the_request_are_refused(server, headers, reason):
    with pytest.raises(Rejected, match=reason):
        await get(server.url + "/", headers)
    assert server.seen == []


async def test_headers_are_sent(server):
    await get(server.url + "/", {"X-Key": "1"})

    assert server.seen[0][2]["X-Key"] == "1"


# Redirects


async def test_redirects_are_followed_and_the_last_address_is_told(server):
    server.answers |= {"/a": redirect("/b"), "/b": text(b"here")}

    assert (await get(server.url + "/a")).startswith(f"HTTP 200 OK\nURL: {server.url}/b\n")


async def test_redirects_are_limited(server):
    server.answers["/a"] = redirect("/a")

    with pytest.raises(Rejected, match="redirects more than 5 times"):
        await get(server.url + "/a")
    assert len(server.seen) == 6


async def test_secrets_do_not_follow_to_another_origin(server):
    headers = {"Authorization": "a", "X-Api-Key": "b", "Accept": "text/css", "Cookie": "c=d"}
    with serving({"/b": text(b"here")}) as other:
        server.answers |= {
            "/here": redirect("/b", 307),
            "/there": redirect(f"{other.url}/b", 307),
        }
        await post(server.url + "/here", "body", headers)
        await post(server.url + "/there", "body", headers)

    assert {"Authorization", "X-Api-Key"} <= set(server.seen[1][2])
    method, _, seen_headers, body = other.seen[0]
    assert (method, body) == ("POST", "body")
    assert {name.lower() for name in seen_headers} == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "content-type",
        "content-length",
    }


async def test_cookies_of_one_call_are_not_sent_by_the_next(server):
    server.answers["/"] = text(b"x", **{"Set-Cookie": "a=b"})
    http_get = tools()[0]

    await http_get(server.url + "/")
    await http_get(server.url + "/")

    assert "Cookie" not in server.seen[1][2]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "its address 169.254.169.254 is link-local"),
        ("http://metadata.test/", "its address fe80::1 is link-local"),
        ("file:///etc/passwd", "is not a web address"),
        ("ftp://example.com/", "is not a web address"),
        ("http://user:pw@example.com/", "may not hold a user name or password"),
    ],
)
async def test_every_redirect_is_checked(server, location, reason):
    server.answers["/"] = redirect(location)
    answers = {"127.0.0.1": ["127.0.0.1"], "metadata.test": ["fe80::1"]}

    with pytest.raises(Rejected, match=reason):
        await get(server.url + "/", resolve=lambda host, _: answers.get(host, [host]))


async def test_a_redirect_that_cannot_be_read_is_an_error(server):
    server.answers["/"] = redirect("http://x:abc/")

    with pytest.raises(ConnectionError, match="Invalid URL in location header"):
        await get(server.url + "/")


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_this_machine_is_not_reached_in_any_spelling(server, host):
    with pytest.raises((Rejected, ConnectionError)) as caught:
        await get(f"http://{host}:{server.port}/", allow_private=False)

    assert server.seen == []
    if isinstance(caught.value, Rejected):
        assert str(caught.value).endswith("is not a public address")


async def test_one_private_answer_among_public_ones_is_refused():
    with pytest.raises(Rejected) as caught:
        await get(
            "http://mixed.test/", allow_private=False, resolve=lambda *_: ["8.8.8.8", "10.0.0.1"]
        )

    assert str(caught.value) == (
        "`mixed.test` may not be reached: its address 10.0.0.1 is not a public address"
    )


async def test_a_name_is_resolved_once_so_it_cannot_change_its_address(server):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    server.answers["/"] = text(b"first")

    answer = await get(f"http://rebind.test:{server.port}/", resolve=lambda *_: next(answers))

    assert answer.endswith("\n\nfirst")
    assert server.seen[0][2]["Host"] == f"rebind.test:{server.port}"
    assert next(answers) == ["169.254.169.254"]


async def test_the_next_address_is_tried_when_one_does_not_answer(server):
    server.answers["/"] = text(b"second")

    answer = await get(
        f"http://two.test:{server.port}/", resolve=lambda *_: ["127.0.0.2", "127.0.0.1"]
    )

    assert answer.endswith("\n\nsecond")


@pytest.mark.parametrize(
    ("resolved", "reason"),
    [([], "the host has no address"), (["127.0.0.2"], "All connection attempts failed")],
)
async def test_a_host_that_does_not_answer(server, resolved, reason):
    with pytest.raises(ConnectionError, match=f"GET http://x.test:.* failed: {reason}"):
        await get(f"http://x.test:{server.port}/", resolve=lambda *_: resolved)


async def test_an_unknown_host():
    with pytest.raises(ConnectionError, match=r"GET http://.* failed: the host cannot be found"):
        await get("http://no-such-name.invalid/")


def test_the_system_resolver_refuses_an_overlong_label_like_any_unknown_host():
    with pytest.raises(OSError):  # noqa: PT011 - its text is the system's
        _pinned.resolve("x" * 100 + ".invalid", 80)


def test_the_system_resolver_gives_each_address_once():
    assert _pinned.resolve("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "is not a web address"),
        ("example.com", "is not a web address"),
        ("http:///x", "is not a web address"),
        ("", "is not a web address"),
        ("http://user@example.com/", "may not hold a user name or password"),
        ("http://example.com:22/", "port 22 may not be reached"),
        ("https://example.com:25/", "port 25 may not be reached"),
        ("https://example.com:99999/", "port 99999 may not be reached"),
    ],
)
async def test_addresses_that_are_refused_as_written(url, reason):
    with pytest.raises(Rejected, match=reason):
        await get(url, allow_private=False, resolve=lambda *_: pytest.fail("resolved"))


@pytest.mark.parametrize(
    "url", ["http://[::1/", "http://a\0b/", "http://x:abc/", "http://xn--/", "http://\ud800/"]
)
async def test_addresses_that_cannot_be_read(url):
    with pytest.raises(ConnectionError, match="GET "):
        await get(url)


async def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    with serving({}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        server.answers["/"] = text(b"direct")

        assert (await get(server.url + "/")).endswith("\n\ndirect")
        assert proxy.seen == []


async def test_a_broken_answer_is_an_error(server):
    server.answers["/"] = lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n")

    with pytest.raises(ConnectionError, match=f"GET {server.url}/ failed: "):
        await get(server.url + "/")


async def test_a_body_that_ends_early_is_an_error(server):
    def cut(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        handler.close_connection = True

    server.answers["/"] = cut

    with pytest.raises(ConnectionError, match="peer closed connection"):
        await get(server.url + "/")


# Encrypted connections


def pinned(context: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=_pinned.PinnedTransport(
            certificates=context, resolve=lambda *_: ["127.0.0.1"], allow_private=True
        ),
        trust_env=False,
    )


async def test_a_certificate_is_checked_against_the_name_not_the_address():
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    with serving({"/": text(b"secret")}, CERTIFICATE) as server:
        async with pinned(trusting) as client:
            answer = await client.get(f"https://pinned.test:{server.port}/")
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(f"https://other.test:{server.port}/")

    assert answer.text == "secret"
    assert str(answer.url) == f"https://pinned.test:{server.port}/"


async def test_an_untrusted_certificate_is_refused():
    with (
        serving({"/": text(b"secret")}, CERTIFICATE) as server,
        pytest.raises(ConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        await get(f"https://pinned.test:{server.port}/", resolve=lambda *_: ["127.0.0.1"])
