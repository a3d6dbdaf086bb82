"""Worker threads for calls that wait: slow tools, and calls that must stop in time.

The threads are daemons, kept for reuse: a thread cannot be killed, so a call that outlives its
time limit is left behind, and must not hold up the end of the process as the threads of
`concurrent.futures` and of `asyncio.to_thread` would.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct

_IDLE_SECONDS = 30.0

Done = Callable[[Any, BaseException | None], object]


class _Task(Struct):
    call: Callable[[], Any]
    done: Done


class _Worker:
    __slots__ = ("inbox",)

    def __init__(self) -> None:
        self.inbox: SimpleQueue[_Task] = SimpleQueue()
        threading.Thread(target=self._serve, name="agno-worker", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                task = self.inbox.get(timeout=_IDLE_SECONDS)
            except Empty:
                try:
                    _idle.remove(self)
                except ValueError:
                    continue  # just taken from the list: a task is on its way
                return
            self._carry_out(task)
            del task  # a waiting worker must not keep the last call's values alive

    def _carry_out(self, task: _Task) -> None:
        value, error = None, None
        try:
            value = task.call()
        except BaseException as raised:  # handed to whoever waits
            error = raised
        _idle.append(self)  # before `done`, so that the waiter's next call finds it
        task.done(value, error)


_idle: list[_Worker] = []

if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_idle.clear)  # threads do not survive a fork


def start(call: Callable[[], Any], done: Done) -> None:
    """Run `call` in a worker thread, in a copy of this context; `done(value, error)` there."""
    context = contextvars.copy_context()
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.inbox.put(_Task(lambda: context.run(call), done))


def call_with_timeout(call: Callable[[], Any], seconds: float | None) -> Any:
    """Run `call` in a worker thread and wait for it, without bound when `seconds` is None.

    Raises:
        TimeoutError: it took longer; it is left behind.
    """
    answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    start(call, lambda value, error: answers.put((value, error)))
    try:
        value, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"timed out after {seconds:g} s") from None
    if error is not None:
        raise error
    return value


async def acall(call: Callable[[], Any]) -> Any:
    """Run `call` in a worker thread and await it; a cancelled wait leaves it behind."""
    import asyncio

    loop = asyncio.get_running_loop()
    # The error travels as a value: a future refuses to hold a StopIteration.
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((value, error))

    def done(value: Any, error: BaseException | None) -> None:
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:  # the loop has been closed: nobody waits any more
            return

    start(call, done)
    value, error = await future
    if error is not None:
        raise error
    return value
