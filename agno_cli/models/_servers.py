"""Model servers on this machine: where they are, and which models they serve."""

from __future__ import annotations

import os
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Struct

_SECONDS = 0.3
_MOST_BYTES = 1 << 20
_OLLAMA_PORT = 11434
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def base_url(provider: str, preset: str) -> str:
    """Give a provider's base URL: from `<PROVIDER>_BASE_URL`, else as it is known.

    Ollama's own variable, OLLAMA_HOST, is understood too: a host, a port, both, or a URL.
    """
    named = os.environ.get(f"{provider.upper()}_BASE_URL")
    if named:
        return named.rstrip("/")
    host = os.environ.get("OLLAMA_HOST", "").strip() if provider == "ollama" else ""
    return _ollama_url(host) if host else preset


def _ollama_url(host: str) -> str:
    parts = _split(host if "://" in host else f"http://{host}")
    # A server that listens on all addresses is asked on the loopback one.
    name = parts.hostname if parts.hostname not in (None, "0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 - compared, not bound
    name = f"[{name}]" if ":" in str(name) else name
    port = _port(parts) or (_OLLAMA_PORT if "://" not in host else None)
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}/v1"


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # an unclosed bracket
        return urlsplit("http://")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine."""
    return _split(url).hostname in _LOOPBACK


class _Model(Struct):
    id: str


class _Models(Struct):
    data: list[_Model] | None


def served_models(url: str) -> list[str] | None:
    """Ask the server at a base URL for its models, 0.3 s at most; no key is sent.

    Returns:
        Their names, or None when no such server answers.
    """
    from agno_cli._threads import call_with_timeout

    try:
        # The time limits of sockets are for each step; this one is for all of them.
        body: bytes = call_with_timeout(lambda: _get(f"{url}/models"), _SECONDS)
        return [model.id for model in msgspec.json.decode(body, type=_Models).data or ()]
    except (OSError, ValueError):  # time-outs and bad JSON are of these kinds
        return None


def _get(url: str) -> bytes:
    """Make a GET request, straight: no proxy stands between this machine and itself."""
    from http.client import HTTPConnection, HTTPException

    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.read(_MOST_BYTES) if answer.status == 200 else b""  # noqa: PLR2004 - HTTP's
    except HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
