"""A model that answers when it is let go, stores of each kind, and a look at calls under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agno_cli import (
    CachedModel,
    MemoryCache,
    Model,
    ModelRequest,
    ModelResponse,
    RunCancelled,
    SqliteCache,
    Usage,
    say,
)
from tests.models.asking import (
    by_acomplete,
    by_astream,
    by_complete,
    by_stream,
)

WAYS = [by_complete, by_acomplete, by_stream, by_astream]
NOTHING = Usage(requests=0)


def is_idle(cached: CachedModel) -> bool:
    return not cached._flights._flying


def free(response: ModelResponse) -> ModelResponse:
    """Give a response as it comes out of a cache."""
    return ModelResponse(response.message, NOTHING, response.finish_reason, response.model)


@pytest.fixture(params=["memory", "dict", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Any]:
    if request.param == "sqlite":
        cache = SqliteCache(tmp_path / "a.db")
        yield cache
        cache.close()
    else:
        yield {} if request.param == "dict" else MemoryCache()


class Held(Model):
    """Answers when it is let go; the calls before may be told to fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.go = threading.Event()

    def complete(self, request: ModelRequest) -> ModelResponse:
        self.calls += 1
        until = time.monotonic() + 10
        while not self.go.wait(0.005):
            assert time.monotonic() < until
            if request.cancel is not None and request.cancel.cancelled:
                raise RunCancelled("the run was cancelled")
        if self.failures:
            raise self.failures.pop(0)
        return say("done")


def in_flight(cached: CachedModel, waiting: int) -> Callable[[], bool]:
    def is_so() -> bool:
        flights = list(cached._flights._flying.values())
        return bool(flights) and len(flights[0].waiting) == waiting

    return is_so


def start(target: Callable[[], Any], into: list[Any]) -> threading.Thread:
    def work() -> None:
        try:
            into.append(target())
        except Exception as error:
            into.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread
