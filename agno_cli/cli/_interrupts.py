"""Ctrl-C while a run is under way."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agno_cli._context import CancelToken

_GRACE_SECONDS = 1.0
"""A run stops at once, unless it waits for what cannot be left: a commit, code of the user's."""


@contextmanager
def cancelled_by_interrupt(token: CancelToken) -> Iterator[None]:
    """Have Ctrl-C cancel a run, which then gives the work done.

    Where that does not end it, or for a second Ctrl-C, KeyboardInterrupt is raised as ever.
    """
    if not _is_usual():
        yield
        return
    under_way = [True]

    def stop(thread: int) -> None:
        token.cancel()
        time.sleep(_GRACE_SECONDS)
        if under_way:
            interrupt(thread)

    def handle(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # In another thread: this one may be in the code that holds the token's lock.
        _thread.start_new_thread(stop, (threading.get_ident(),))

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        under_way.clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_usual() -> bool:
    """Tell whether Ctrl-C raises here: not where it is ignored, nor in a program of others."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def interrupt(thread: int) -> None:
    """Interrupt the main thread, which has this identifier, also where it waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:  # Windows
        signal.raise_signal(signal.SIGINT)
