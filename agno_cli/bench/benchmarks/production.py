"""What models cost that wrap another: its answer out of a cache, and a limit that lets it pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agno_cli import (
    CachedModel,
    ConcurrencyLimit,
    FallbackModel,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    RateLimit,
    RetryPolicy,
    ScriptedModel,
    SqliteCache,
    Usage,
    say,
)
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import ANSWER, PROMPT, UNROLLED

_PLACES = 8
# More a minute than any machine asks for, so that nothing waits.
_REQUESTS, _TOKENS = 1e12, 1e15


def cache_hit() -> Operation:
    """Find an answer in memory: the request's key made, and the answer looked up."""
    return _hit(CachedModel(ScriptedModel([ANSWER])))


def cache_hit_sqlite() -> Operation:
    """Find an answer in a SQLite file."""
    folder = TemporaryDirectory()
    store = SqliteCache(Path(folder.name, "answers.db"))

    def close() -> None:
        store.close()
        folder.cleanup()

    model = CachedModel(ScriptedModel([ANSWER]), store=store)
    return _hit(model, close)


def model_call() -> Operation:
    """Ask the scripted model itself: what the others are to be compared with."""
    return _pass(ScriptedModel([ANSWER]))


def limiter() -> Operation:
    """Pass a concurrency limit that has a free place."""
    return _pass(ConcurrencyLimit(ScriptedModel([ANSWER]), _PLACES))


def rate_limit() -> Operation:
    """Pass a rate limit of requests and tokens that has room."""
    limited = RateLimit(ScriptedModel([ANSWER]), requests=_REQUESTS, tokens=_TOKENS)
    return _pass(limited)


def retry() -> Operation:
    """Pass a retry policy whose model answers."""
    return _pass(RetryPolicy(ScriptedModel([ANSWER])))


def fallback() -> Operation:
    """Pass a fallback whose first model answers."""
    return _pass(FallbackModel(ScriptedModel([ANSWER]), ScriptedModel(["stand-in"])))


def _request() -> ModelRequest:
    return ModelRequest([Message("user", PROMPT)], "Be brief.")


def _hit(model: CachedModel, close: Callable[[], Any] | None = None) -> Operation:
    model.complete(_request())

    def check(response: ModelResponse) -> None:
        expect((response.message.content, response.usage), (ANSWER, Usage(requests=0)))

    return Operation(
        statement="result = model.complete(request)",
        names={"model": model, "request": _request()},
        check=check,
        unrolled=UNROLLED,
        close=close,
    )


def _pass(model: Model) -> Operation:
    return Operation(
        statement="result = model.complete(request)",
        names={"model": model, "request": _request()},
        check=lambda response: expect(response, say(ANSWER)),
        unrolled=UNROLLED,
    )
