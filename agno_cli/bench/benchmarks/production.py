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
_TASKS = 1_000
# More a minute than any machine asks for, so that nothing waits.
_REQUESTS, _TOKENS = 1e12, 1e15


def cache_hit() -> Operation:
    """Find an answer in memory: the request's key made, and the answer looked up."""
    return _hit(CachedModel(ScriptedModel([ANSWER])), "result = model.complete(request)")


def cache_hit_async() -> Operation:
    """Find an answer in memory in a task."""
    return _hit(CachedModel(ScriptedModel([ANSWER])), "result = await model.acomplete(request)")


def cache_hit_sqlite() -> Operation:
    """Find an answer in a SQLite file."""
    folder = TemporaryDirectory()
    store = SqliteCache(Path(folder.name, "answers.db"))

    def close() -> None:
        store.close()
        folder.cleanup()

    model = CachedModel(ScriptedModel([ANSWER]), store=store)
    return _hit(model, "result = model.complete(request)", close)


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


def limiter_queue() -> Operation:
    """Have 1,000 tasks share eight places, so that nearly all of them wait in the queue."""
    import asyncio

    class Yielding(ScriptedModel):
        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            await asyncio.sleep(0)
            return self.complete(request)

    limited = ConcurrencyLimit(Yielding([ANSWER]), _PLACES)

    def check(responses: list[ModelResponse]) -> None:
        expect([response.message.content for response in responses], [ANSWER] * _TASKS)

    return Operation(
        statement="result = await gather(*[model.acomplete(request) for _ in tasks])",
        names={
            "gather": asyncio.gather,
            "model": limited,
            "request": _request(),
            "tasks": range(_TASKS),
        },
        check=check,
        per_statement=_TASKS,
    )


def _request() -> ModelRequest:
    return ModelRequest([Message("user", PROMPT)], "Be brief.")


def _hit(model: CachedModel, statement: str, close: Callable[[], Any] | None = None) -> Operation:
    model.complete(_request())

    def check(response: ModelResponse) -> None:
        expect((response.message.content, response.usage), (ANSWER, Usage(requests=0)))

    return Operation(
        statement=statement,
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
