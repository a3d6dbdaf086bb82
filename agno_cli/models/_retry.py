"""When a failed request is tried again, and how long that may take."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from time import time

from msgspec import Struct

from agno_cli._errors import AgnoError
from agno_cli.models._protocol import ModelRequest
from agno_cli.models._waiting import Allowance, TaskBell, ThreadBell

_logger = logging.getLogger("agno_cli")

RETRIED = frozenset({408, 409, 429})
_LONGEST_BACKOFF_SECONDS = 8.0  # what the SDKs of OpenAI and Anthropic use


class Patience(Struct, frozen=True, kw_only=True):
    """How long a provider is waited for, and how often it is asked again.

    Args:
        connect_seconds: to open a connection.
        silence_seconds: without a byte from the server. An answer that is not streamed is
            silence until it is complete.
        retries: attempts after the first, for answers 408, 409, 429 and 5xx and for broken
            connections. Silence is not retried: it has cost its time, and maybe money, already.
        backoff_seconds: the bound of the first random wait; it doubles with each attempt.
        longest_wait_seconds: the longest `Retry-After` that is waited for; a provider that
            asks for more fails at once.
    """

    connect_seconds: float = 10.0
    silence_seconds: float = 600.0
    retries: int = 3
    backoff_seconds: float = 0.5
    longest_wait_seconds: float = 60.0


class Failure(Exception):
    """One attempt failed.

    Args:
        error: what to raise when there is no further attempt.
        again: whether to make one.
        wait: seconds the provider asked to wait, None when it did not say.
    """

    def __init__(self, error: AgnoError, *, again: bool = False, wait: float | None = None) -> None:
        self.error = error
        self.again = again
        self.wait = wait
        super().__init__(str(error))


class Attempts(Allowance):
    """The attempts of one request: how many, until when, and who may stop them."""

    __slots__ = ("_made", "_patience")

    def __init__(self, patience: Patience, request: ModelRequest, provider: str) -> None:
        super().__init__(request, provider)
        self._patience = patience
        self._made = 0

    def silence(self) -> float:
        """Give the seconds that the server may be silent now."""
        remaining = self.remaining()
        bound = self._patience.silence_seconds
        return bound if remaining is None else max(min(bound, remaining), 0.001)

    def pause(self, failure: Failure, *, started: bool = False) -> None:
        """Wait before the next attempt; a used cancel token ends the wait.

        Raises:
            AgnoError: there is no next attempt: they are used up, the time would be, or
                something was already passed on.
        """
        self.wait(ThreadBell(), self._delay(failure, started=started))

    async def apause(self, failure: Failure, *, started: bool = False) -> None:
        """Wait before the next attempt without blocking the event loop; see `pause`."""
        await self.await_(TaskBell(), self._delay(failure, started=started))

    def _delay(self, failure: Failure, *, started: bool) -> float:
        """Give the seconds to wait: what the provider asked for, and a random part on top.

        The whole backoff is random ("full jitter"), so that callers who failed together do not
        come back together. Source: AWS Architecture Blog, "Exponential Backoff and Jitter".
        """
        patience = self._patience
        wait = failure.wait or 0.0
        bound = min(patience.backoff_seconds * 2.0**self._made, _LONGEST_BACKOFF_SECONDS)
        delay = wait + random.uniform(0.0, bound)  # noqa: S311 - no secret
        remaining = self.remaining()
        if (
            started
            or not failure.again
            or self._made >= patience.retries
            or wait > patience.longest_wait_seconds
            or (remaining is not None and delay >= remaining)
        ):
            raise _with_wait(failure) from failure.__cause__
        self._made += 1
        _logger.debug("attempt %d failed, next in %.2f s: %s", self._made, delay, failure)
        return delay


def asked_wait(error: BaseException) -> float | None:
    """Give the seconds that the provider which failed asked to wait, None when it did not say.

    Providers of this package, and any others, leave them on their error as `retry_after`.
    """
    wait = getattr(error, "retry_after", None)
    return wait if isinstance(wait, int | float) and wait >= 0 else None


def _with_wait(failure: Failure) -> AgnoError:
    if failure.wait is not None:
        vars(failure.error)["retry_after"] = failure.wait
    return failure.error


def is_retried(status: int) -> bool:
    """Tell whether the same request may succeed after an answer with this status."""
    return status in RETRIED or status >= 500  # noqa: PLR2004 - the server errors


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a provider asks to wait, None when it does not say.

    `Retry-After` holds seconds or a date (RFC 9110, section 10.2.3); `retry-after-ms`, which
    OpenAI and Azure send, is more precise and goes first.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0.0 <= number < float("inf") else None
