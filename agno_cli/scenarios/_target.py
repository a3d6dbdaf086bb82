"""Somebody's own service: where it is, and whether it may be asked."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from msgspec import Struct

from agno_cli._errors import InputError

_HTTP = 80


class Target(Struct, frozen=True):
    """An address to connect to, and what to ask for there."""

    address: str
    host: str
    port: int
    path: str


def find_target(url: str, *, allow_remote: bool) -> Target:
    """Resolve a URL.

    Raises:
        InputError: it is not plain HTTP, does not resolve, or is on another machine and that
            was not allowed.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _HTTP
    except ValueError as error:
        raise InputError(f"`--url {url}` is no URL: {error}") from error
    if parts.scheme != "http" or not host:
        raise InputError(
            f"`--url {url}` is not plain HTTP; write `http://HOST:PORT/PATH` (https would measure"
            " its encryption: put the service's own port there)"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise InputError(f"`--url {url}` has a path that HTTP cannot carry; percent-encode it")
    address = _resolve(host, port, url)
    if not ipaddress.ip_address(address).is_loopback and not allow_remote:
        raise InputError(
            f"`--url {url}` is on another machine ({address}); load is sent there only with"
            " `--allow-remote`: make sure that its owner agrees"
        )
    return Target(address, host, port, path)


def _resolve(host: str, port: int, url: str) -> str:
    import socket

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"`--url {url}`: `{host}` does not resolve: {reason}") from error
    return str(found[0][4][0])
