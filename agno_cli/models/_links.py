"""Connections to providers: one POST, and the pieces of its answer.

Synchronous requests go through `httpx.Client`, asynchronous ones through aiohttp: httpx's own
pool collapses beyond some ten connections, and its client costs as much again as the transport
(1,000 in flight on two cores: aiohttp 2,700 requests per second, httpx with aiohttp's transport
1,150, httpx 150). A client that the user hands in, of either kind, is used as it is; so is
`httpx.AsyncClient` where the environment names a proxy, because it knows all kinds of them.

The default connections are shared by all models: one pool for the process's threads, and one
for each event loop, because connections cannot leave their loop. A loop's pool closes with its
loop, see `_keep`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle

    import aiohttp
    import httpx

# As the SDKs of OpenAI and Anthropic have it; more requests wait for a free connection.
_MAX_CONNECTIONS = 1000
_IDLE_SECONDS = 60.0
_WATCH_SECONDS = 1.0


class Broken(Exception):
    """A connection could not be made, or broke.

    Args:
        reason: what the library says.
        again: whether to try once more, at once.
        retryable: whether a later request may succeed.
        unreached: whether no server was there to be asked.
    """

    def __init__(
        self, reason: str, *, again: bool = True, retryable: bool = True, unreached: bool = False
    ) -> None:
        self.reason = reason
        self.again = again
        self.retryable = retryable
        self.unreached = unreached
        super().__init__(reason)


class Post(Struct, frozen=True):
    """One request; `connect` and `silence` bound its waits, in seconds."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    connect: float
    silence: float

    def __repr__(self) -> str:
        return f"Post({len(self.body)} bytes)"  # the URL and the headers may hold secrets


class Reply(Protocol):
    """An answer that is coming in."""

    status: int
    headers: Mapping[str, str]

    def read(self) -> bytes:
        """Wait for the next piece of the body, empty at its end; raises `Broken`."""

    def close(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""


class AsyncReply(Protocol):
    """An answer that is coming in."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """Wait for the next piece of the body, empty at its end; raises `Broken`."""

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""


class AsyncLink(Protocol):
    """Something that can post from one event loop."""

    async def post(self, post: Post) -> AsyncReply:
        """Send a request and wait for the head of its answer; raises `Broken`."""

    async def aclose(self) -> None:
        """Close all connections."""


class _HttpxReply:
    __slots__ = ("_pieces", "_response", "_silence", "headers", "status")

    def __init__(self, response: httpx.Response, silence: float) -> None:
        self._response = response
        self._silence = silence
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._pieces = response.iter_bytes()

    def read(self) -> bytes:
        import httpx

        try:
            return next(self._pieces, b"")
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _broken_httpx(error, self._silence) from error

    def close(self) -> None:
        self._response.close()


class _AsyncHttpxReply:
    __slots__ = ("_pieces", "_response", "_silence", "headers", "status")

    def __init__(self, response: httpx.Response, silence: float) -> None:
        self._response = response
        self._silence = silence
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._pieces = response.aiter_bytes()

    async def read(self) -> bytes:
        import httpx

        try:
            return await anext(self._pieces, b"")
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _broken_httpx(error, self._silence) from error

    async def aclose(self) -> None:
        await self._response.aclose()


class HttpxLink:
    """Posts through an `httpx.Client`."""

    __slots__ = ("client",)

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def post(self, post: Post) -> Reply:
        """Send a request and wait for the head of its answer; raises `Broken`."""
        import httpx

        try:
            request = self.client.build_request("POST", post.url, **_httpx_arguments(post))
            response = self.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # of host names
            raise _broken_httpx(error, post.silence) from error
        return _HttpxReply(response, post.silence)


class AsyncHttpxLink:
    """Posts through an `httpx.AsyncClient`."""

    __slots__ = ("client",)

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, post: Post) -> AsyncReply:
        """Send a request and wait for the head of its answer; raises `Broken`."""
        import httpx

        try:
            request = self.client.build_request("POST", post.url, **_httpx_arguments(post))
            response = await self.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # of host names
            raise _broken_httpx(error, post.silence) from error
        return _AsyncHttpxReply(response, post.silence)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.aclose()


def _httpx_arguments(post: Post) -> dict[str, Any]:
    import httpx

    timeout = httpx.Timeout(post.silence, connect=min(post.connect, post.silence), pool=None)
    return {"content": post.body, "headers": post.headers, "timeout": timeout}


def _broken_httpx(error: Exception, silence: float) -> Broken:
    import httpx

    reason = str(error) or type(error).__name__
    if isinstance(error, (httpx.ReadTimeout, httpx.WriteTimeout)):
        return _silent(silence)
    if isinstance(error, httpx.ConnectTimeout):
        return Broken("no connection in time", unreached=True)
    hopeless = isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError))
    if hopeless or "CERTIFICATE_VERIFY_FAILED" in reason:
        return Broken(reason, again=False, retryable=False)
    return Broken(reason, unreached=isinstance(error, httpx.ConnectError))


def _silent(seconds: float) -> Broken:
    return Broken(f"the server was silent for {seconds:g} s", again=False)


class _AiohttpReply:
    __slots__ = ("_response", "_silence", "_watch", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, silence: float) -> None:
        self._response = response
        self._silence = silence
        self._watch: TimerHandle | None = None
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        import aiohttp

        content = self._response.content
        try:
            if content.is_eof():
                return await content.readany()
            self._check()
            return await content.readany()
        except (aiohttp.ClientError, OSError) as error:  # its timeouts are OSErrors
            raise _broken_aiohttp(error, self._silence) from error
        finally:
            if self._watch is not None:
                self._watch.cancel()

    def _check(self) -> None:
        """Look every second whether the connection is gone.

        A chunk whose length cannot be read makes aiohttp (3.14) close the connection and stop
        its timers without telling who waits for the body: that wait would never end.
        """
        import asyncio

        import aiohttp

        content, connection = self._response.content, self._response.connection
        transport = None if connection is None else connection.transport
        if transport is not None and not transport.is_closing():
            self._watch = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._check)
        elif not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the answer is garbled"))

    async def aclose(self) -> None:
        self._response.close()  # does nothing to a connection that was given back at the end


class _AiohttpLink:
    """Posts through an `aiohttp.ClientSession`."""

    __slots__ = ("session",)

    def __init__(self) -> None:
        import aiohttp

        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),  # many users may share one pool
        )

    async def post(self, post: Post) -> AsyncReply:
        """Send a request and wait for the head of its answer; raises `Broken`."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(sock_connect=post.connect, sock_read=post.silence)
        try:
            response = await self.session.post(
                post.url,
                data=post.body,
                headers=post.headers,
                timeout=timeout,
                ssl=_tls_context() if post.url.startswith("https:") else False,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, UnicodeError) as error:  # of host names
            raise _broken_aiohttp(error, post.silence) from error
        return _AiohttpReply(response, post.silence)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.session.close()


def _broken_aiohttp(error: Exception, silence: float) -> Broken:
    import aiohttp

    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Broken("no connection in time", unreached=True)
    if isinstance(error, TimeoutError):
        return _silent(silence)
    hopeless = (aiohttp.InvalidURL, aiohttp.ClientConnectorCertificateError, UnicodeError)
    reason = str(error) or type(error).__name__
    if isinstance(error, hopeless):
        return Broken(reason, again=False, retryable=False)
    return Broken(reason, unreached=isinstance(error, aiohttp.ClientConnectorError))


_tls: Any = None


def _tls_context() -> Any:
    """Make the context that httpx would: certifi's roots, or those the environment names."""
    global _tls  # noqa: PLW0603 - reading the roots takes 20 ms: once for the process
    if _tls is None:
        import httpx

        _tls = httpx.create_ssl_context()
    return _tls


_lock = threading.Lock()
_shared_client: httpx.Client | None = None
_loop_links: dict[tuple[AbstractEventLoop, bool], tuple[AsyncLink, AsyncGenerator[None, None]]] = {}


def shared_link() -> HttpxLink:
    """Give the connections that the synchronous requests of all models share."""
    global _shared_client  # noqa: PLW0603 - a pool is worth nothing unless it is shared
    with _lock:
        if _shared_client is None:
            import atexit

            _shared_client = _new_client()
            atexit.register(close_shared_link)
        return HttpxLink(_shared_client)


def _new_client() -> httpx.Client:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    return httpx.Client(
        limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # many users may share it
    )


def close_shared_link() -> None:
    """Close the connections of the synchronous requests; later ones open new connections."""
    global _shared_client
    with _lock:
        client, _shared_client = _shared_client, None
    if client is not None:
        client.close()


async def loop_link(*, proxied: bool) -> AsyncLink:
    """Give the connections that the requests of all models share in the running event loop."""
    import asyncio

    loop = asyncio.get_running_loop()
    found = _loop_links.get((loop, proxied))
    if found is not None:
        return found[0]
    for key in [key for key in _loop_links if key[0].is_closed()]:
        del _loop_links[key]
    link: AsyncLink = _proxied_link() if proxied else _AiohttpLink()
    keeper = _keep((loop, proxied), link)
    _loop_links[loop, proxied] = link, keeper
    await anext(keeper)
    return link


def _proxied_link() -> AsyncHttpxLink:
    import httpx

    return AsyncHttpxLink(httpx.AsyncClient(limits=httpx.Limits(max_connections=_MAX_CONNECTIONS)))


async def _keep(key: tuple[AbstractEventLoop, bool], link: AsyncLink) -> AsyncGenerator[None, None]:
    """Close a loop's connections when the loop shuts down.

    A loop closes the asynchronous generators it has seen before it ends (`asyncio.run`,
    `asyncio.Runner` and uvloop all do); there is no other hook for that. It holds them weakly,
    so `_loop_links` keeps this one alive.
    """
    try:
        yield
    finally:
        _loop_links.pop(key, None)
        await link.aclose()


async def close_loop_links() -> None:
    """Close the shared connections of the running event loop; later requests open new ones."""
    import asyncio

    loop = asyncio.get_running_loop()
    for _, keeper in [kept for key, kept in _loop_links.items() if key[0] is loop]:
        await keeper.aclose()


def is_proxied(url: str) -> bool:
    """Tell whether the environment names a proxy for this URL."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    named = parts.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(parts.hostname or "")


_inherited: list[Any] = []


def _forget_after_fork() -> None:
    """Leave the parent's sockets alone: the child must neither use nor close them."""
    global _lock, _shared_client  # noqa: PLW0603 - as above
    _lock = threading.Lock()  # another thread may have held it
    _inherited.append((_shared_client, dict(_loop_links)))
    _shared_client = None
    _loop_links.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows cannot fork
    os.register_at_fork(after_in_child=_forget_after_fork)
