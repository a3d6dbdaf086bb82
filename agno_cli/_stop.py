"""What can stop a run from outside: its time limit and its cancel token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from msgspec import Struct

from ._context import CancelToken
from ._errors import LimitReached, RunCancelled, RunError
from ._threads import start
from .models._protocol import ModelRequest

_TICKLE = object()  # wakes a waiting queue to look at the cancel token
_END = object()


class Stop(Struct, frozen=True, eq=False):
    """A time limit in seconds from now, a cancel token, or both.

    The calls a stopped wait leaves behind go on in their threads until they end by themselves;
    models get `timeout` and `cancel` with each request so that this is soon.
    """

    seconds: float | None
    deadline: float
    cancel: CancelToken | None

    def remaining(self) -> float | None:
        """Give the seconds left, None without a time limit."""
        return None if self.seconds is None else self.deadline - monotonic()

    def due(self) -> RunError | None:
        """Give the error to stop with, None while the run may go on."""
        if self.cancel is not None and self.cancel.cancelled:
            return RunCancelled("the run was cancelled")
        if self.seconds is not None and monotonic() >= self.deadline:
            return LimitReached(
                "time",
                f"limit of {self.seconds:g} seconds reached; raise it with `Limits(seconds=...)`",
            )
        return None

    def check(self) -> None:
        """Raise the error to stop with, if there is one."""
        error = self.due()
        if error is not None:
            raise error

    def inform(self, request: ModelRequest) -> ModelRequest:
        """Tell a model how long it has and how it will be stopped."""
        request.timeout = self.remaining()
        request.cancel = self.cancel
        return request

    def get(self, queue: SimpleQueue[Any]) -> Any:
        """Wait for the queue's next item.

        Raises:
            RunError: the run was stopped first.
        """
        unsubscribe = None
        if self.cancel is not None:
            unsubscribe = self.cancel.subscribe(lambda: queue.put(_TICKLE))
        try:
            while True:
                self.check()
                remaining = self.remaining()
                try:
                    item = queue.get(timeout=None if remaining is None else max(remaining, 0))
                except Empty:
                    continue
                if item is not _TICKLE:
                    return item
        finally:
            if unsubscribe is not None:
                unsubscribe()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that may wait, in a thread.

        Raises:
            RunError: the run was stopped first; the call is left behind.
        """
        self.check()
        answers: SimpleQueue[Any] = SimpleQueue()
        start(lambda: function(*args), lambda value, error: answers.put((value, error)))
        value, error = self.get(answers)
        if error is not None:
            raise error
        return value

    def iterate(self, make: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """Iterate in a thread; it closes its iterator when this one is closed or stopped."""
        self.check()
        items: SimpleQueue[Any] = SimpleQueue()
        abandoned: list[bool] = []

        def pump() -> None:
            iterator = make()
            try:
                for item in iterator:
                    if abandoned:
                        return
                    items.put((item, None))
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()

        start(pump, lambda _, error: items.put((_END, error)))
        try:
            while True:
                item, error = self.get(items)
                if error is not None:
                    raise error
                if item is _END:
                    return
                yield item
        finally:
            abandoned.append(True)

    @asynccontextmanager
    async def scope(self) -> AsyncIterator[None]:
        """Bound the awaits inside.

        Raises:
            RunError: the run was stopped; what was awaited has been cancelled.
        """
        import asyncio

        self.check()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.remaining()) as timeout:
                unsubscribe = None
                if self.cancel is not None:
                    unsubscribe = self.cancel.subscribe(
                        lambda: loop.call_soon_threadsafe(_expire, timeout, loop.time)
                    )
                try:
                    yield
                finally:
                    if unsubscribe is not None:
                        unsubscribe()
        except TimeoutError:
            if not timeout.expired():
                raise
            raise (self.due() or RunCancelled("the run was cancelled")) from None


def _expire(timeout: Any, now: Callable[[], float]) -> None:
    if timeout.when() is None or not timeout.expired():
        timeout.reschedule(now())


def stop_for(seconds: float | None, cancel: CancelToken | None) -> Stop | None:
    """Give the Stop of a run that starts now; None when nothing can stop it."""
    if seconds is None and cancel is None:
        return None
    return Stop(seconds, monotonic() + (seconds or 0.0), cancel)
