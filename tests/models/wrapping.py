"""Models to be wrapped in tests: they count, wait for a gate, and tell how many are at work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

from agno_cli import Model, ModelRequest, ModelResponse, TextDelta, say
from agno_cli.models import StreamItem


class Busy(Model):
    """Answers with the last message's text, and counts the calls that are under way.

    Each takes `seconds`; one that is streamed comes in two pieces, half the time before each.
    """

    provider = "busy"
    name = "bee"

    def __init__(self, seconds: float = 0.002) -> None:
        self.seconds = seconds
        self.calls = 0
        self.now = 0
        self.most = 0
        self.timeouts: list[float | None] = []
        self._lock = threading.Lock()

    def _begin(self, request: ModelRequest) -> None:
        with self._lock:
            self.timeouts.append(request.timeout)
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)

    def _end(self) -> None:
        with self._lock:
            self.now -= 1

    def complete(self, request: ModelRequest) -> ModelResponse:
        self._begin(request)
        try:
            time.sleep(self.seconds)
            return answer_to(request)
        finally:
            self._end()

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        self._begin(request)
        try:
            await asyncio.sleep(self.seconds)
            return answer_to(request)
        finally:
            self._end()

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        self._begin(request)
        try:
            for item in pieces_of(request):
                time.sleep(self.seconds / 2)
                yield item
        finally:
            self._end()

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        self._begin(request)
        try:
            for item in pieces_of(request):
                await asyncio.sleep(self.seconds / 2)
                yield item
        finally:
            self._end()


def answer_to(request: ModelRequest) -> ModelResponse:
    return say(f"to {request.messages[-1].content}")


def pieces_of(request: ModelRequest) -> list[StreamItem]:
    text = request.messages[-1].content
    return [TextDelta("to "), TextDelta(text), say(f"to {text}")]


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is true that another thread brings about."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.001)


class Clock:
    """Seconds that pass when told."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
