"""HTTP requests to public addresses, bounded in size and time."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError, Rejected
from agno_cli._tools import Toolkit, tool
from agno_cli.toolkits._addresses import Resolve

if TYPE_CHECKING:
    import httpx

Body: TypeAlias = str | dict[str, Any] | list[Any]

_MAX_REDIRECTS = 5
_FIRST_FREE_PORT = 1_024
_LAST_PORT = 65_535
_MAX_SHOWN = 200
_MAX_URL_SHOWN = 2_000
# Not `email`, which httpx parses it with: it takes quadratic time for crafted headers.
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# They say where a message goes and where it ends: the library's business.
_OWN_HEADERS = {
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
# What may follow a redirect to another origin: nothing that could be a secret.
_HARMLESS_HEADERS = {
    "accept", "accept-encoding", "accept-language", "connection", "content-length",
    "content-type", "host", "user-agent",
}  # fmt: skip


def http(
    *,
    allow_private: bool = False,
    max_bytes: int = 100_000,
    timeout: float = 30.0,
    resolve: Resolve | None = None,
) -> Toolkit:
    """Make the toolkit: `http_get` and `http_post`.

    A model can be talked into asking for anything, so only public addresses are reached: each
    address of a name is checked, after each redirect too, and the connection goes to the address
    that was checked. Proxies of the environment are not used: they would resolve names themselves.

    Args:
        allow_private: whether loopback and private networks, and ports below 1024 other than the
            scheme's own, may be reached. Link-local addresses, where clouds serve credentials,
            never are.
        max_bytes: bytes of a body, decompressed, that are read; the rest is cut off.
        timeout: seconds for a call as a whole, redirects included.
        resolve: gives the addresses of a host and port, instead of the system.

    Raises:
        ConfigurationError: a bound that is not positive.
    """
    for name, value in {"max_bytes": max_bytes, "timeout": timeout}.items():
        if not value > 0:
            raise ConfigurationError(f"`{name}` is {value!r}; give a positive number")
    client = _Client(allow_private, max_bytes, timeout, resolve)
    return Toolkit("http", [tool(client.http_get), tool(client.http_post)])


class _Client(Struct, frozen=True):
    allow_private: bool
    max_bytes: int
    timeout: float
    resolve: Resolve | None

    async def http_get(self, url: str, headers: dict[str, str] | None = None) -> str:
        """Fetch a web page or call an API with GET. Gives status, content type and text.

        Args:
            url: the full address, such as "https://example.com/page?id=1".
            headers: request headers, only if the server needs some.
        """
        return await self._fetch("GET", url, headers or {}, None)

    async def http_post(
        self, url: str, body: Body = "", headers: dict[str, str] | None = None
    ) -> str:
        """Send data to a web address with POST. Gives status, content type and text.

        Args:
            url: the full address, such as "https://example.com/items".
            body: what to send: an object or a list is sent as JSON, a text as it is.
            headers: request headers, only if the server needs some. Set Content-Type here if
                the text is neither JSON nor plain, such as "application/x-www-form-urlencoded".
        """
        content = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        given = headers or {}
        if body and "content-type" not in map(str.lower, given):
            given = given | {"Content-Type": _guessed_type(content)}
        return await self._fetch("POST", url, given, content)

    async def _fetch(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> str:
        import asyncio
        import zlib

        import httpx

        _check_headers(headers)
        try:
            async with asyncio.timeout(self.timeout):
                return await self._exchange(method, url, headers, content)
        except TimeoutError:
            raise TimeoutError(f"{method} {url} took more than {self.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, zlib.error) as error:
            reason = str(error)[:_MAX_SHOWN] or type(error).__name__
            raise ConnectionError(f"{method} {url} failed: {reason}") from error

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> str:
        async with self._connection() as client:
            request = client.build_request(method, url, headers=headers, content=content)
            for _ in range(_MAX_REDIRECTS + 1):
                self._check_url(request.url)
                response = await client.send(request, stream=True)
                async with aclosing(response):
                    if response.next_request is None:
                        return await self._described(response)
                request = _redirected(request, response.next_request)
        raise Rejected(f"{url} redirects more than {_MAX_REDIRECTS} times")

    def _connection(self) -> httpx.AsyncClient:
        """Make a client for one call: cookies of one call are no business of the next."""
        import httpx

        from agno_cli.toolkits import _pinned

        transport = _pinned.PinnedTransport(
            certificates=_pinned.authorities(),
            resolve=self.resolve or _pinned.resolve,
            allow_private=self.allow_private,
        )
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            headers={"User-Agent": "agno-cli", "Accept-Encoding": "gzip, deflate"},
            # Time is limited for the call as a whole. A third of it for each connection, so that
            # a silent address leaves some for the next.
            timeout=httpx.Timeout(None, connect=self.timeout / 3),
        )

    def _check_url(self, url: httpx.URL) -> None:
        if url.scheme not in {"http", "https"} or not url.host:
            raise Rejected(f"`{url}` is not a web address; give one that begins with https://")
        if url.userinfo:
            raise Rejected("a web address may not hold a user name or password; use a header")
        if url.port is None:  # the scheme's own, also when it is written out
            return
        lowest = 1 if self.allow_private else _FIRST_FREE_PORT
        if not lowest <= url.port <= _LAST_PORT:
            raise Rejected(
                f"port {url.port} may not be reached; the scheme's own may, and"
                f" {lowest} to {_LAST_PORT}"
            )

    async def _described(self, response: httpx.Response) -> str:
        from agno_cli.toolkits._body import as_text, read_body

        encoding = response.headers.get("content-encoding", "").strip().lower()
        chunks = cast("AsyncGenerator[bytes]", response.aiter_raw())
        async with aclosing(chunks):
            body, cut = await read_body(chunks, encoding=encoding, limit=self.max_bytes)
        content_type = response.headers.get("content-type", "")[:_MAX_SHOWN]
        charset = _CHARSET.search(content_type)
        text = as_text(
            body,
            media_type=content_type.partition(";")[0].strip().lower(),
            charset=charset[1] if charset else "",
            cut=cut,
        )
        if text is None:
            text = f"[{len(body)}{' or more' if cut else ''} bytes that are not text]"
        elif cut:
            text += f"\n[cut after {self.max_bytes} bytes]"
        return (
            f"HTTP {response.status_code} {response.reason_phrase[:_MAX_SHOWN]}\n"
            f"URL: {str(response.url)[:_MAX_URL_SHOWN]}\n"
            f"Content-Type: {content_type or 'not given'}\n\n{text}"
        )


def _redirected(request: httpx.Request, following: httpx.Request) -> httpx.Request:
    if _origin(request.url) != _origin(following.url):
        for name in set(following.headers) - _HARMLESS_HEADERS:
            del following.headers[name]
    return following


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check_headers(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise Rejected(f"header {name!a} has characters that a header cannot have")
        if name.lower() in _OWN_HEADERS or name.lower().startswith("proxy-"):
            raise Rejected(f"header `{name}` cannot be set; leave it out")


def _guessed_type(content: bytes) -> str:
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return "text/plain; charset=utf-8"
    return "application/json"
