"""How a request waits: until a bell rings, its time is over, or its run is cancelled.

Limits of requests are shared by threads and by tasks of several event loops. What they wait for
is decided once, under a lock; only the bell, which wakes a thread or a task, is of one kind.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing, suppress
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from agno_cli._errors import ModelError, RunCancelled
from agno_cli.models._protocol import ModelRequest

# The run's own limit, which knows its size, is to be the one that reports.
_GRACE_SECONDS = 0.05
_LEAST_SECONDS = 0.001

Waits = Generator[float | None, None, None]


class OutOfTime(ModelError):
    """The time of a request is over, or cannot be enough; another request may have more."""


class Bell(Protocol):
    """Wakes one who waits."""

    def ring(self) -> bool:
        """Ring, from any thread; give whether anybody can still hear it."""


class ThreadBell:
    """Wakes a thread. A ring is kept for the next wait.

    A bare lock rather than an Event: a stream may be closed, and so hand its place on, by the
    garbage collector, in the middle of any of these calls.
    """

    __slots__ = ("_silence",)

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> bool:
        """Wake the thread."""
        with suppress(RuntimeError):  # it has been rung already
            self._silence.release()
        return True

    def wait(self, seconds: float | None) -> None:
        """Wait for a ring, or for some seconds."""
        self._silence.acquire(timeout=-1 if seconds is None else _waitable(seconds))


class TaskBell:
    """Wakes a task of the event loop that is running where it is made."""

    __slots__ = ("_event", "_loop", "_running")

    def __init__(self) -> None:
        import asyncio

        self._running = asyncio.get_running_loop
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> bool:
        """Wake the task, unless its loop has been closed."""
        try:
            if self._running() is self._loop:
                self._event.set()  # without the system call that wakes a loop from outside
                return True
        except RuntimeError:
            pass  # no loop runs in this thread
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            return False
        return True

    async def wait(self, seconds: float | None) -> None:
        """Wait for a ring, or for some seconds."""
        import asyncio

        with suppress(TimeoutError):
            async with asyncio.timeout(None if seconds is None else _waitable(seconds)):
                await self._event.wait()
        self._event.clear()


class Allowance:
    """How long a request may take, and who may stop it.

    Args:
        request: whose `timeout` begins now.
        provider: for error texts.
        missing: what there is not when the time is over.
    """

    __slots__ = ("_cancel", "_deadline", "_missing", "_provider", "_seconds")

    def __init__(
        self, request: ModelRequest, provider: str, missing: str = "complete answer"
    ) -> None:
        self._provider = provider
        self._missing = missing
        self._seconds = request.timeout
        self._deadline = None
        if request.timeout is not None:
            self._deadline = monotonic() + request.timeout + _GRACE_SECONDS
        self._cancel = request.cancel

    def remaining(self) -> float | None:
        """Give the seconds left, None without a limit."""
        return None if self._deadline is None else self._deadline - monotonic()

    def left(self, request: ModelRequest) -> ModelRequest:
        """Give the request with what is left of its time."""
        remaining = self.remaining()
        if remaining is None:
            return request
        return replace(request, timeout=max(remaining - _GRACE_SECONDS, _LEAST_SECONDS))

    def is_over(self) -> bool:
        """Tell whether the request's time is over, or its run cancelled."""
        remaining = self.remaining()
        cancelled = self._cancel is not None and self._cancel.cancelled
        return cancelled or (remaining is not None and remaining <= _GRACE_SECONDS)

    def check(self) -> None:
        """Stop when the run was cancelled or its time is over.

        Raises:
            RunCancelled: the cancel token was used.
            ModelError: the time is over.
        """
        if self._cancel is not None and self._cancel.cancelled:
            raise RunCancelled("the run was cancelled")
        if self._deadline is not None and monotonic() >= self._deadline:
            raise self.too_late()

    def too_late(self) -> ModelError:
        """Describe that the time of the request is over."""
        message = f"no {self._missing} within {self._seconds:g} s"
        return OutOfTime(message, provider=self._provider, retryable=True)

    def wait(self, bell: ThreadBell, seconds: float | None = None) -> None:
        """Wait until the bell rings, or for some seconds.

        Raises:
            RunCancelled: the cancel token was used.
            ModelError: the time is over.
        """
        self.check()
        unsubscribe = None if self._cancel is None else self._cancel.subscribe(bell.ring)
        try:
            bell.wait(self._bounded(seconds))
        finally:
            if unsubscribe is not None:
                unsubscribe()
        self.check()

    async def await_(self, bell: TaskBell, seconds: float | None = None) -> None:
        """Wait without blocking the event loop; see `wait`."""
        self.check()
        unsubscribe = None if self._cancel is None else self._cancel.subscribe(bell.ring)
        try:
            await bell.wait(self._bounded(seconds))
        finally:
            if unsubscribe is not None:
                unsubscribe()
        self.check()

    def wait_through(self, bell: ThreadBell, waits: Waits) -> None:
        """Wait again and again, as long as `waits` yields how long; it is closed in the end."""
        with closing(waits):
            for seconds in waits:
                self.wait(bell, seconds)

    async def await_through(self, bell: TaskBell, waits: Waits) -> None:
        """Wait without blocking the event loop; see `wait_through`."""
        with closing(waits):
            for seconds in waits:
                await self.await_(bell, seconds)

    def _bounded(self, seconds: float | None) -> float | None:
        remaining = self.remaining()
        if seconds is None or remaining is None:
            return remaining if seconds is None else seconds
        return min(seconds, remaining)


def _waitable(seconds: float) -> float:
    return min(max(seconds, 0.0), threading.TIMEOUT_MAX)
