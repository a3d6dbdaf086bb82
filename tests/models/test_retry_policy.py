"""A model is asked again after it failed, within bounds, and never twice for one stream."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CachedModel,
    CancelToken,
    ConcurrencyLimit,
    ConfigurationError,
    FallbackModel,
    LimitReached,
    Limits,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    RateLimit,
    RetryPolicy,
    RunCancelled,
    ScriptedModel,
    TextDelta,
    say,
)
from agno_cli.models import StreamItem
from agno_cli.models._retry import Patience
from tests.models.asking import (
    QUICK,
    Ask,
    by_complete,
    every_way,
    facts,
    failure,
    good,
    openai_at,
    question,
    server,
    streamed,
)
from tests.models.fault_server import HANG_UP, FaultServer, answer, chunk, delta, event, head

__all__ = ["server"]  # the fixture

DOWN = ModelError("down", provider="acme", status=503, retryable=True)
WRONG = ModelError("wrong", provider="acme", status=400)
NO_RETRIES = Patience(retries=0, connect_seconds=2, silence_seconds=0.3)


def failing(*errors: Exception) -> tuple[ScriptedModel, list[Any]]:
    """Make a model that raises these, then answers; with the list of what is still to come."""
    script: list[Any] = [*errors, say("up")]
    return ScriptedModel(lambda _: script.pop(0) if len(script) > 1 else script[0]), script


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"attempts": 0}, "`attempts` is 0; give a whole number from 1 up"),
        ({"attempts": 2.0}, "`attempts` is 2.0; give a whole number from 1 up"),
        ({"backoff_seconds": -1}, "`backoff_seconds` is -1; give seconds, 0 or more"),
        ({"backoff_seconds": "1"}, "`backoff_seconds` is '1'; give seconds, 0 or more"),
        (
            {"longest_wait_seconds": float("inf")},
            "`longest_wait_seconds` is inf; give seconds, 0 or more",
        ),
    ],
)
def test_bounds_that_make_no_sense(given, problem):
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(ScriptedModel(), **given)
    assert str(caught.value) == problem


@every_way
def test_what_may_pass_is_tried_again(ask):
    model, script = failing(DOWN, DOWN)
    assert ask(RetryPolicy(model, backoff_seconds=0.01), question()) == say("up")
    assert script == [say("up")]


@every_way
def test_the_last_error_is_raised_when_the_attempts_are_used_up(ask):
    last = ModelError("still down", provider="acme", retryable=True)
    model, script = failing(DOWN, last, DOWN)
    with pytest.raises(ModelError, match="acme: still down"):
        ask(RetryPolicy(model, attempts=2, backoff_seconds=0.01), question())
    assert len(script) == 2


@every_way
@pytest.mark.parametrize("error", [WRONG, ValueError("bug"), ConfigurationError("no key")])
def test_what_will_not_pass_is_raised_at_once(ask, error):
    model, script = failing(error)
    with pytest.raises(type(error)):
        ask(RetryPolicy(model), question())
    assert script == [say("up")]


@every_way
@pytest.mark.parametrize("wait", [0.2, 0])
def test_the_wait_that_an_error_asks_for(ask, wait):
    error = ModelError("slow down", provider="acme", retryable=True)
    vars(error)["retry_after"] = wait
    model, _ = failing(error)
    started = time.monotonic()
    assert ask(RetryPolicy(model, backoff_seconds=0), question()) == say("up")
    assert wait <= time.monotonic() - started < 5


@every_way
def test_a_wait_that_is_too_long_is_not_begun(ask):
    error = ModelError("slow down", provider="acme", retryable=True)
    vars(error)["retry_after"] = 100.0
    for policy in (RetryPolicy(failing(error)[0]), RetryPolicy(failing(error)[0])):
        with pytest.raises(ModelError, match="slow down"):
            ask(policy, question())
    patient = RetryPolicy(failing(error)[0], longest_wait_seconds=200.0)
    with pytest.raises(ModelError, match="slow down"):
        ask(patient, question(timeout=5.0))


class Breaking(Model):
    """Breaks after the first piece of a stream."""

    calls = 0

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        self.calls += 1
        yield TextDelta("half")
        raise DOWN

    async def astream(self, request: ModelRequest) -> Any:
        for item in self.stream(request):
            yield item


@streamed
@pytest.mark.parametrize(
    "wrap",
    [RetryPolicy, lambda model: FallbackModel(model, ScriptedModel(["up"]))],
)
def test_a_stream_that_has_begun_is_not_begun_again(ask: Ask, wrap: Callable[[Model], Model]):
    breaking = Breaking()
    with pytest.raises(ModelError, match="acme: down"):
        ask(wrap(breaking), question())
    assert breaking.calls == 1


@every_way
def test_a_used_cancel_token_ends_the_wait(ask):
    error = ModelError("slow down", provider="acme", retryable=True)
    vars(error)["retry_after"] = 30.0
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled):
        ask(RetryPolicy(failing(error)[0]), question(cancel=token))
    assert time.monotonic() - started < 5


def test_the_time_limit_of_a_run_counts_the_waits():
    error = ModelError("slow down", provider="acme", retryable=True)
    vars(error)["retry_after"] = 0.04
    model = ScriptedModel(lambda _: error)
    agent = Agent(RetryPolicy(model, attempts=1000), limits=Limits(seconds=0.2))
    started = time.monotonic()
    with pytest.raises((LimitReached, ModelError)):
        agent.run("hi")
    assert time.monotonic() - started < 5


def test_each_attempt_has_what_is_left_of_the_time():
    seen: list[float] = []

    def note(request: ModelRequest) -> Any:
        assert request.timeout is not None
        seen.append(request.timeout)
        return DOWN if len(seen) < 3 else say("up")

    policy = RetryPolicy(ScriptedModel(note), backoff_seconds=0.01)
    assert policy.complete(question(timeout=30.0)) == say("up")
    assert 30.0 >= seen[0] > seen[1] > seen[2] > 20.0


def test_a_pickled_policy():
    copy = pickle.loads(pickle.dumps(RetryPolicy(Breaking(), attempts=5)))
    assert copy._patience == Patience(retries=4)


# On a real server.


@every_way
def test_a_provider_behind_the_policy(server: FaultServer, ask: Ask):
    server.reply(
        answer({"error": {"message": "later"}}, 429, retry_after_ms="200"),
        answer({"error": {"message": "broken"}}, 500),
        [HANG_UP],
        good(ask),
    )
    policy = RetryPolicy(
        openai_at(server, patience=NO_RETRIES), attempts=4, backoff_seconds=0.01
    )  # fmt: skip
    started = time.monotonic()
    assert ask(policy, question()).message.content == "Paris."
    assert time.monotonic() - started >= 0.2
    assert len(server.requests) == 4


@every_way
def test_the_attempts_of_provider_and_policy_multiply(server: FaultServer, ask: Ask):
    server.reply(answer({"error": {"message": "broken"}}, 500, x_request_id="r7"))
    policy = RetryPolicy(openai_at(server, patience=QUICK), attempts=2, backoff_seconds=0.01)
    assert facts(failure(ask, policy)) == ("openai", 500, "r7", True)
    assert len(server.requests) == 6


@streamed
def test_a_stream_that_broke_half_way_is_not_asked_for_again(server: FaultServer, ask: Ask):
    begun = [head(200, "text/event-stream", transfer_encoding="chunked")]
    server.reply([*begun, chunk(event(delta(content="Par"))), HANG_UP])
    with pytest.raises(ModelError):
        ask(RetryPolicy(openai_at(server, patience=NO_RETRIES)), question())
    assert len(server.requests) == 1


@every_way
def test_all_wrappers_around_a_server_that_fails(server: FaultServer, ask: Ask):
    """Two providers on one server: the first fails for good, the second once; then the cache."""
    refused = answer({"error": {"message": "no such model"}}, 404)
    server.reply(refused, answer({}, 503), refused, good(ask))
    first = openai_at(server, patience=NO_RETRIES)
    second = openai_at(server, patience=NO_RETRIES)
    model = CachedModel(
        RetryPolicy(
            FallbackModel(RateLimit(first, requests=600), ConcurrencyLimit(second, 2)),
            backoff_seconds=0.01,
        )
    )
    assert ask(model, question()).message.content == "Paris."
    assert ask(model, question()).usage.requests == 0
    assert len(server.requests) == 4


async def test_100_requests_at_once_through_a_limit_on_a_server_that_fails(server: FaultServer):
    server.reply(*[answer({}, 503)] * 5, good(by_complete))
    model = RetryPolicy(
        ConcurrencyLimit(openai_at(server, patience=NO_RETRIES), 8),
        attempts=8,
        backoff_seconds=0.01,
    )
    asked = [model.acomplete(question(str(number))) for number in range(100)]
    responses: list[ModelResponse] = await asyncio.gather(*asked)
    assert {response.message.content for response in responses} == {"Paris."}
    assert len(server.requests) == 105
    assert max(request.connection for request in server.requests) <= 8 + 5
    await model.aclose()
