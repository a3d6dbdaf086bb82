"""Equal requests at the same time make one call, whatever becomes of it, and none waits in vain."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CachedModel,
    CancelToken,
    LimitReached,
    Limits,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunCancelled,
    TextDelta,
    say,
)
from agno_cli.models import StreamItem, _flights, _forks
from agno_cli.models.caches import CachedAnswer
from tests.models.asking import (
    by_complete,
    by_stream,
    every_way,
    question,
)
from tests.models.caching import (
    WAYS,
    Held,
    free,
    in_flight,
    is_idle,
    start,
    store,
)
from tests.models.wrapping import Busy, answer_to, eventually

__all__ = ["store"]  # the fixture


@pytest.mark.parametrize("ways", [WAYS[:1], WAYS[1:2], WAYS[2:3], WAYS[3:], WAYS])
def test_200_equal_requests_in_threads_make_one_call(store, ways):
    busy = Busy(0.05)
    cached = CachedModel(busy, store=store)
    barrier = threading.Barrier(40)

    def one(number: int) -> ModelResponse:
        if number < 40:
            barrier.wait(20)
        response: ModelResponse = ways[number % len(ways)](cached, question("a"))
        return response

    with ThreadPoolExecutor(40) as pool:
        responses = list(pool.map(one, range(200)))

    assert busy.calls == 1
    assert [response.message.content for response in responses] == ["to a"] * 200
    assert sum(response.usage.requests for response in responses) == 1
    assert is_idle(cached)


async def test_200_equal_requests_in_tasks_make_one_call(store):
    busy = Busy(0.05)
    cached = CachedModel(busy, store=store)

    async def streamed() -> ModelResponse:
        *_, last = [item async for item in cached.astream(question("a"))]
        assert isinstance(last, ModelResponse)
        return last

    asked = [cached.acomplete(question("a")) if n % 3 else streamed() for n in range(200)]
    responses = await asyncio.gather(*asked)
    assert busy.calls == 1
    assert sum(response.usage.requests for response in responses) == 1
    assert {response.message.content for response in responses} == {"to a"}


def test_different_requests_do_not_wait_for_each_other():
    busy = Busy(0.1)
    cached = CachedModel(busy)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: cached.complete(question(str(n))), range(10)))
    assert (busy.calls, busy.most) == (10, 10)


@every_way
def test_those_who_wait_get_a_copy_of_the_error(ask):
    """One call fails for all: 200 requests do not queue up to fail one after the other."""
    cause = OSError("refused")
    error = ModelError("down", provider="acme", status=503, retryable=True)
    error.__cause__ = cause
    held = Held(error)
    cached = CachedModel(held)
    outcomes: list[Any] = []
    threads = [start(lambda: by_complete(cached, question()), outcomes)]
    eventually(in_flight(cached, 0))
    threads += [start(lambda: ask(cached, question()), outcomes) for _ in range(4)]
    eventually(in_flight(cached, 4))
    held.go.set()
    for thread in threads:
        thread.join(10)

    assert held.calls == 1
    assert {str(outcome) for outcome in outcomes} == {"acme: down (status 503, a retry could help)"}
    assert len({id(outcome) for outcome in outcomes}) == 5
    assert {outcome.__cause__ for outcome in outcomes} == {cause}
    assert is_idle(cached)


def test_an_error_that_cannot_be_copied_leaves_each_to_its_own_call():
    class Odd(Exception):
        def __new__(cls, text: str, *, secret: object) -> Any:
            return super().__new__(cls, text)

        def __init__(self, text: str, *, secret: object) -> None:
            super().__init__(text)

    held = Held(Odd("odd", secret=1))
    cached = CachedModel(held)
    outcomes: list[Any] = []
    first = start(lambda: by_complete(cached, question()), outcomes)
    eventually(in_flight(cached, 0))
    second = start(lambda: by_complete(cached, question()), outcomes)
    eventually(in_flight(cached, 1))
    held.go.set()
    first.join(10)
    second.join(10)
    assert {type(outcome) for outcome in outcomes} == {Odd, ModelResponse}
    assert held.calls == 2


@every_way
def test_when_the_call_is_cancelled_one_who_waits_makes_it(ask):
    held = Held()
    cached = CachedModel(held)
    token = CancelToken()
    outcomes: list[Any] = []
    leader = start(lambda: by_complete(cached, question(cancel=token)), outcomes)
    eventually(in_flight(cached, 0))
    answers: list[Any] = []
    others = [start(lambda: ask(cached, question()), answers) for _ in range(5)]
    eventually(in_flight(cached, 5))
    token.cancel()
    leader.join(10)
    assert str(outcomes[0]) == "the run was cancelled"
    eventually(in_flight(cached, 4))
    held.go.set()
    for thread in others:
        thread.join(10)
    assert held.calls == 2
    assert sorted(answer.usage.requests for answer in answers) == [0, 0, 0, 0, 1]


async def test_when_a_task_is_cancelled_another_makes_the_call():
    busy = Busy(0.1)
    cached = CachedModel(busy)
    tasks = [asyncio.create_task(cached.acomplete(question("a"))) for _ in range(20)]
    for task in tasks[:15]:
        await asyncio.sleep(0)
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in done[:15]] == [asyncio.CancelledError] * 15
    assert {one.message.content for one in done[15:]} == {"to a"}  # type: ignore[union-attr]
    assert (busy.now, is_idle(cached)) == (0, True)


@every_way
def test_a_storm_of_cancellations(ask):
    """Whoever is cancelled and whenever, the others have their answer from as few calls."""
    busy = Busy(0.03)
    cached = CachedModel(busy)

    async def storm() -> list[Any]:
        async def streamed() -> StreamItem:
            return [item async for item in cached.astream(question("a"))][-1]

        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(cached.acomplete(question("a")) if n % 2 else streamed())
            for n in range(200)
        ]
        for number, task in enumerate(tasks[:150]):
            if number % 10 == 0:
                await asyncio.sleep(0.001)
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with ThreadPoolExecutor(8) as pool:
        threads = [pool.submit(ask, cached, question("a")) for _ in range(8)]
        done = asyncio.run(storm())
        assert {thread.result().message.content for thread in threads} == {"to a"}
    assert {one.message.content for one in done if isinstance(one, ModelResponse)} == {"to a"}
    assert len([one for one in done if isinstance(one, ModelResponse)]) >= 50
    assert (busy.now, is_idle(cached)) == (0, True)


def test_the_time_of_one_run_is_not_that_of_another():
    class Slow(Held):
        def complete(self, request: ModelRequest) -> ModelResponse:
            if request.timeout is not None:
                time.sleep(request.timeout)
                self.calls += 1
                raise ModelError("silent for too long", provider="acme", retryable=True)
            return super().complete(request)

    slow = Slow()
    slow.go.set()
    cached = CachedModel(slow)
    outcomes: list[Any] = []
    hurried = start(lambda: by_complete(cached, question(timeout=0.3)), outcomes)
    eventually(in_flight(cached, 0))
    assert by_complete(cached, question()) == say("done")
    hurried.join(5)
    assert str(outcomes[0]) == "acme: silent for too long (a retry could help)"
    assert slow.calls == 2


@every_way
def test_one_who_waits_has_limits_too(ask):
    held = Held()
    cached = CachedModel(held)
    outcomes: list[Any] = []
    leader = start(lambda: by_complete(cached, question()), outcomes)
    eventually(in_flight(cached, 0))
    with pytest.raises(ModelError, match=r"no complete answer within 0.05 s"):
        ask(cached, question(timeout=0.05))
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(RunCancelled):
        ask(cached, question(cancel=token))
    assert in_flight(cached, 0)()
    held.go.set()
    leader.join(10)
    assert (held.calls, outcomes) == (1, [say("done")])


def test_the_limits_of_runs_that_wait_for_another():
    held = Held()
    cached = CachedModel(held)
    patient: list[Any] = []
    leader = start(lambda: Agent(cached).run("hi").content, patient)
    eventually(in_flight(cached, 0))
    with pytest.raises(LimitReached):
        Agent(cached, limits=Limits(seconds=0.05)).run("hi")
    held.go.set()
    leader.join(10)
    assert patient == ["done"]


def test_one_that_became_the_next_to_ask_looks_again():
    """Between its first look and its turn, another may have had the answer and kept it."""

    class Late(dict[bytes, CachedAnswer]):
        looks = 0

        def get(self, key: bytes, default: Any = None) -> Any:
            self.looks += 1
            return None if self.looks % 2 else super().get(key, default)

    for ask in WAYS:
        busy, store = Busy(0.0), Late()
        cached = CachedModel(busy, store=store)
        ask(cached, question("a"))
        assert ask(cached, question("a")) == free(answer_to(question("a")))
        assert (busy.calls, is_idle(cached)) == (1, True)


# What must not be waited for.


def test_two_equal_streams_in_one_thread():
    busy = Busy(0.0)
    cached = CachedModel(busy)
    pairs = list(zip(cached.stream(question("a")), cached.stream(question("a")), strict=True))
    assert pairs == [(item, item) for item in (TextDelta("to "), TextDelta("a"), say("to a"))]
    assert busy.calls == 2


async def test_a_synchronous_call_in_the_loop_that_is_to_bring_the_answer():
    busy = Busy(0.02)
    cached = CachedModel(busy)
    task = asyncio.create_task(cached.acomplete(question("a")))
    await asyncio.sleep(0)
    assert cached.complete(question("a")) == answer_to(question("a"))
    assert await task == answer_to(question("a"))
    assert busy.calls == 2


async def test_a_stream_whose_reader_is_away(monkeypatch):
    monkeypatch.setattr(_flights, "_PAUSE_SECONDS", 0.05)
    busy = Busy(0.0)
    cached = CachedModel(busy)
    stream: AsyncIterator[StreamItem] = aiter(cached.astream(question("a")))
    await anext(stream)
    assert await cached.acomplete(question("a")) == answer_to(question("a"))
    assert [item async for item in stream] == [TextDelta("a"), say("to a")]
    assert (busy.calls, is_idle(cached)) == (2, True)


async def test_a_stream_beside_one_whose_reader_is_away(monkeypatch):
    monkeypatch.setattr(_flights, "_PAUSE_SECONDS", 0.05)
    cached = CachedModel(Busy(0.0))
    streams = [aiter(cached.astream(question("a"))) for _ in range(2)]
    items = [await anext(stream) for _ in range(3) for stream in streams]
    assert items == [item for item in (TextDelta("to "), TextDelta("a"), say("to a")) for _ in "ab"]


def test_a_stream_that_takes_long_is_waited_for(monkeypatch):
    monkeypatch.setattr(_flights, "_PAUSE_SECONDS", 0.05)
    busy = Busy(0.4)
    cached = CachedModel(busy)
    outcomes: list[Any] = []
    leader = start(lambda: by_stream(cached, question("a")), outcomes)
    eventually(in_flight(cached, 0))
    assert by_complete(cached, question("a")) == free(answer_to(question("a")))
    leader.join(10)
    assert busy.calls == 1


def test_after_a_fork_nobody_is_waited_for():
    cached = CachedModel(Busy(0.0))
    stream = cached.stream(question("a"))
    next(stream)
    _forks._renew_all()
    assert is_idle(cached)
    other = cached.stream(question("a"))
    next(other)
    assert list(stream)[-1] == say("to a")  # the parent's ends, and leaves the other alone
    assert not is_idle(cached)
    assert list(other)[-1] == say("to a")
    assert is_idle(cached)


def test_two_loops_one_after_the_other_and_both_at_once():
    busy = Busy(0.05)
    cached = CachedModel(busy)

    async def many() -> set[str]:
        responses = await asyncio.gather(*[cached.acomplete(question("a")) for _ in range(20)])
        return {response.message.content for response in responses}

    with ThreadPoolExecutor(3) as pool:
        assert [one.result() for one in [pool.submit(asyncio.run, many()) for _ in range(3)]] == [
            {"to a"}
        ] * 3
    assert asyncio.run(many()) == {"to a"}
    assert busy.calls == 1
