"""What a provider's refusals and broken answers are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli._errors import CredentialsError, ModelError
from agno_cli.models._links import Broken
from agno_cli.models._retry import Failure, is_retried, retry_after
from agno_cli.models._servers import is_loopback

_MAX_TEXT = 500
_MAX_REQUEST_ID = 128
_REQUEST_ID_HEADERS = ("x-request-id", "request-id")
_REFUSED_KEY = (401, 403)
# Words are used as keys for servers that want none (`ollama`, `none`); keys are longer.
_SHORTEST_KEY = 8


class Reported(Exception):
    """The provider reports an error inside an answer whose status was fine."""

    def __init__(self, error: Any) -> None:
        self.text = _said(error) or "an error without a text"
        self.status = _status_of(error)
        super().__init__(self.text)


class Peer(Struct, frozen=True):
    """Who is asked: for error texts, which must not show the key."""

    provider: str
    place: str
    key: str
    key_variable: str | None

    def __repr__(self) -> str:
        return f"Peer({self.provider!r}, {self.place!r})"

    def failure(
        self, text: str, *, status: int | None, headers: Mapping[str, str], again: bool
    ) -> Failure:
        """Describe an answer that is of no use."""
        error = ModelError(
            self.cleaned(text),
            provider=self.provider,
            status=status,
            request_id=_request_id(headers),
            retryable=again,
        )
        return Failure(error, again=again, wait=retry_after(headers))

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """Describe an answer whose status is not fine."""
        text = self.cleaned(error_text(body) or "no explanation")
        if status in _REFUSED_KEY:
            return Failure(self._credentials(status, headers, text))
        if "location" in headers:
            text = f"redirected to {headers['location']}; set `base_url` to where it answers"
        hint = headers.get("x-should-retry")  # OpenAI and Anthropic know better than the status
        again = hint == "true" or (hint != "false" and is_retried(status))
        return self.failure(text, status=status, headers=headers, again=again)

    def reported(self, report: Reported, headers: Mapping[str, str]) -> Failure:
        """Describe an error that came inside an answer."""
        status = report.status
        if status in _REFUSED_KEY:
            return Failure(self._credentials(status, headers, self.cleaned(report.text)))
        again = status is None or is_retried(status)
        return self.failure(report.text, status=status, headers=headers, again=again)

    def misunderstood(
        self, status: int, headers: Mapping[str, str], body: bytes, error: Exception
    ) -> Failure:
        """Describe an answer that is not what the provider's API promises.

        It is not retried: it was computed, and maybe paid for, already.
        """
        kind = headers.get("content-type") or "no content type"
        text = (
            f"{self.place} answered with something else than a model's answer"
            f" ({kind}: {_brief(body)!r}): {error}"
        )
        is_json = "json" in kind or "event-stream" in kind
        if not is_json:
            text += "; check `base_url`"
        failure = self.failure(text, status=status, headers=headers, again=is_json)
        failure.again = False
        return failure

    def broken(self, error: Broken) -> Failure:
        """Describe a connection that could not be made, or broke."""
        text = self.cleaned(f"{self.place}: {error.reason}{self._way_out(error)}")
        failure = ModelError(text, provider=self.provider, retryable=error.retryable)
        return Failure(failure, again=error.again)

    def _way_out(self, error: Broken) -> str:
        if not error.unreached:
            return ""
        variable = f"{self.provider.upper()}_BASE_URL"
        if is_loopback(self.place):
            return f"; is {self.provider} running? Start it, or set {variable} to where it is"
        return f"; check the network and the address, which {variable} sets"

    def cleaned(self, text: str) -> str:
        """Make a text safe to show: bounded, printable, without the key."""
        if len(self.key) >= _SHORTEST_KEY:
            text = text.replace(self.key, "***")
        text = "".join(char if char.isprintable() else " " for char in text[: 2 * _MAX_TEXT])
        return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"

    def _credentials(self, status: int, headers: Mapping[str, str], text: str) -> CredentialsError:
        request_id = _request_id(headers)
        facts = f"status {status}" + (f", request id {request_id}" if request_id else "")
        way_out = f"`{self.key_variable}` or `api_key`" if self.key_variable else "`api_key`"
        used = "the key" if self.key else "a request without a key"
        return CredentialsError(
            f"{self.provider} refused {used} ({facts}): {text.rstrip('.')}; check {way_out}"
        )


def error_text(body: bytes) -> str:
    """Find what a provider says in the body of an error; the bodies have many forms."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _brief(body)
    return _said(value) or _brief(body)


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_said, value[:3])))
    if isinstance(value, dict):
        for field in ("error", "message", "detail", "msg", "type"):
            said = _said(value.get(field))
            if said:
                return said
    return ""


_STATUS_OF_TYPE = {
    "api_error": 500,
    "authentication_error": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "request_too_large": 413,
    "timeout_error": 504,
}


def _status_of(error: Any) -> int | None:
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    if isinstance(code, int) and 400 <= code <= 599:  # noqa: PLR2004 - what a status can be
        return code
    return _STATUS_OF_TYPE.get(str(error.get("type")))


def _brief(body: bytes) -> str:
    text = body[:_MAX_TEXT].decode("utf-8", "replace")
    return " ".join(text.split())[:200]


def _request_id(headers: Mapping[str, str]) -> str | None:
    for name in _REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value:
            return "".join(filter(str.isprintable, value[:_MAX_REQUEST_ID]))
    return None
