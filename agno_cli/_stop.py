"""What can stop a run from outside: its time limit and its cancel token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from queue import Empty, Full, Queue, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ._context import CancelToken
from ._errors import LimitReached, RunCancelled, RunError
from ._threads import start
from .models._protocol import ModelRequest

if TYPE_CHECKING:
    import asyncio

_READ_AHEAD = 64  # items of a stream that a slow reader leaves in memory
_TICKLE = object()  # wakes a waiting queue to look at the cancel token
_END = object()


class Stop(Struct, frozen=True, eq=False):
    """A time limit in seconds from now, a cancel token, or both.

    A thread cannot be killed: a call that is stopped is left behind, and goes on until it ends by
    itself. Models are told how long they have, and by a token of each call when nobody waits for
    it any more, so that this is soon.
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
            return _cancelled()
        if self.seconds is not None and monotonic() >= self.deadline:
            return _took_too_long(self.seconds)
        return None

    def check(self) -> None:
        """Raise the error to stop with, if there is one."""
        error = self.due()
        if error is not None:
            raise error

    @contextmanager
    def informed(self, request: ModelRequest) -> Iterator[ModelRequest]:
        """Let a model know how long it has, and when its answer is no longer wanted."""
        self.check()
        request.timeout = self.remaining()
        request.cancel = token = CancelToken()
        with self._subscribed(token.cancel):
            try:
                yield request
            except BaseException:
                token.cancel()
                raise

    def get(self, queue: SimpleQueue[Any] | Queue[Any]) -> Any:
        """Wait for the queue's next item.

        Raises:
            RunError: the run was stopped first.
        """
        with self._subscribed(lambda: _wake(queue)):
            while True:
                self.check()
                remaining = self.remaining()
                try:
                    item = queue.get(timeout=None if remaining is None else max(remaining, 0))
                except Empty:
                    continue
                if item is not _TICKLE:
                    return item

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

    def iterate(self, make: Callable[[], Iterator[Any]]) -> Generator[Any, None, None]:
        """Iterate in a thread; it closes its iterator when this one is closed or stopped."""
        self.check()
        items: Queue[Any] = Queue(_READ_AHEAD)
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
            with suppress(Empty):  # make room for a thread that waits to put its next item
                while True:
                    items.get_nowait()

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
                waiting = [True]
                expire = _expiry(timeout, loop, waiting)
                with self._subscribed(lambda: loop.call_soon_threadsafe(expire)):
                    try:
                        yield
                    finally:
                        waiting.clear()
        except TimeoutError:
            if not timeout.expired():
                raise
            # Not by `due`: the event loop may be awake a nanosecond before the deadline.
            if self.seconds is None or (self.cancel is not None and self.cancel.cancelled):
                raise _cancelled() from None
            raise _took_too_long(self.seconds) from None

    @contextmanager
    def _subscribed(self, callback: Callable[[], object]) -> Iterator[None]:
        if self.cancel is None:
            yield
            return
        unsubscribe = self.cancel.subscribe(callback)
        try:
            yield
        finally:
            unsubscribe()


def _cancelled() -> RunCancelled:
    return RunCancelled("the run was cancelled")


def _took_too_long(seconds: float) -> LimitReached:
    return LimitReached(
        "time", f"limit of {seconds:g} seconds reached; raise it with `Limits(seconds=...)`"
    )


def _wake(queue: SimpleQueue[Any] | Queue[Any]) -> None:
    """Have a waiting `get` look at its token; where items wait, it looks anyway."""
    with suppress(Full):
        queue.put_nowait(_TICKLE)


def _expiry(
    timeout: asyncio.Timeout, loop: asyncio.AbstractEventLoop, waiting: list[bool]
) -> Callable[[], None]:
    """Make the function that ends a wait; it may be called after the wait has ended."""

    def expire() -> None:
        if waiting and not timeout.expired():
            timeout.reschedule(loop.time())

    return expire


def stop_for(seconds: float | None, cancel: CancelToken | None) -> Stop | None:
    """Give the Stop of a run that starts now; None when nothing can stop it."""
    if seconds is None and cancel is None:
        return None
    return Stop(seconds, monotonic() + (seconds or 0.0), cancel)
