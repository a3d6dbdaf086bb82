"""A transport that connects only to addresses that were checked.

A name is resolved once; all of its addresses are checked, and the connection goes to one of
these very addresses. Checking first and letting the HTTP library resolve again was rejected: the
second answer may be another one (DNS rebinding). Names, decimal, octal and hexadecimal spellings
of an address all come out of the resolver as addresses, so none needs care of its own.

Only loaded when a request is made.
"""

from __future__ import annotations

import socket
import ssl
from functools import cache

import httpx  # noqa: TID253 - this file is loaded with the first request

from agno_cli._errors import Rejected
from agno_cli._threads import acall
from agno_cli.toolkits._addresses import Resolve, refusal


class PinnedTransport(httpx.AsyncBaseTransport):
    """Sends requests to checked IP addresses.

    The Host header and the name in the TLS handshake, against which the certificate is checked,
    stay those of the URL.

    Args:
        certificates: whom to trust.
        resolve: gives the addresses of a host and port; called in a thread.
        allow_private: see `refusal`.
    """

    def __init__(
        self, *, certificates: ssl.SSLContext, resolve: Resolve, allow_private: bool
    ) -> None:
        # No connection is kept alive: two names on one address would share it, and the second
        # name would pass with the certificate of the first.
        self._inner = httpx.AsyncHTTPTransport(
            verify=certificates, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._resolve = resolve
        self._allow_private = allow_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, trying the addresses in order until one can be connected to.

        Raises:
            Rejected: one of the addresses may not be reached.
            httpx.ConnectError: the name is unknown, or no address answers.
        """
        *others, last = await self._addresses(request)
        for address in others:
            try:
                return await self._inner.handle_async_request(_addressed(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_addressed(request, last))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    async def _addresses(self, request: httpx.Request) -> list[str]:
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = list(await acall(lambda: self._resolve(host, port)))
        except OSError as error:
            raise httpx.ConnectError(f"the host cannot be found: {error.strerror}") from error
        if not addresses:
            raise httpx.ConnectError("the host has no address")
        for address in addresses:
            # One bad address among good ones is an attack or a fault; neither is worth a try.
            if reason := refusal(address, allow_private=self._allow_private):
                raise Rejected(f"`{host}` may not be reached: its address {address} {reason}")
        return addresses


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host.

    Raises:
        OSError: the host is not known.
    """
    # As bytes: a str would be encoded by the `idna` codec, whose errors are no OSErrors.
    answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@cache
def authorities() -> ssl.SSLContext:
    """Load the certificates of authorities, once: it takes 50 ms."""
    return httpx.create_ssl_context()


def _addressed(request: httpx.Request, address: str) -> httpx.Request:
    host = request.url.raw_host.decode("ascii")
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
