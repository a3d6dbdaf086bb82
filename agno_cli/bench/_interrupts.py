"""Ctrl-C that waits, for what must be done whole once it was begun; and what else is like it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# What `kill`, a time limit of CI or a closed terminal sends, beside Ctrl-C.
_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ends_as_interrupts() -> Iterator[None]:
    """Let whatever politely ends this process be an interrupt, while the block lasts.

    By default it would end at once, without its children and without what they measured.
    """
    ours = [number for number in _ENDS if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold the first interrupt back until the block has ended; a second one acts at once.

    The second is for a block that hangs. Where no interrupt arrives, in other threads or where
    the signal is ignored, nothing is held.
    """
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDS)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        handlers = {}
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)
        if len(held) > 1:
            handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if len(held) == 1:
            handlers[held[0]](held[0], None)
