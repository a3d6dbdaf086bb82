"""So many requests and tokens a minute: a bucket that time fills, and a queue before it."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    CachedModel,
    CancelToken,
    ConfigurationError,
    Message,
    ModelError,
    ModelRequest,
    RateLimit,
    RunCancelled,
    ScriptedModel,
    Usage,
    say,
    tool,
)
from agno_cli.models import _forks
from agno_cli.models._allotment import Allotment, Bucket, Cost
from agno_cli.models._waiting import Bell, ThreadBell
from agno_cli.models.rate import Estimate
from tests.models.asking import by_complete, every_way, question
from tests.models.wrapping import Busy, Clock, answer_to, eventually

ENDLESS = float("inf")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "a rate limit without a bound; give `requests` or `tokens`"),
        ({"requests": 0}, "`requests` is 0; give a number above 0"),
        ({"tokens": -1}, "`tokens` is -1; give a number above 0"),
        ({"tokens": ENDLESS}, "`tokens` is inf; give a number above 0"),
        ({"requests": "60"}, "`requests` is '60'; give a number above 0"),
        ({"requests": 1, "burst_seconds": 0}, "`burst_seconds` is 0; give a number above 0"),
        ({"requests": float("nan")}, "`requests` is nan; give a number above 0"),
    ],
)
def test_bounds_that_make_no_sense(given: Any, problem: str):
    with pytest.raises(ConfigurationError) as caught:
        RateLimit(Busy(), **given)
    assert str(caught.value) == problem


def level(limited: RateLimit, clock: Clock) -> tuple[float, float]:
    """Give what the buckets of requests and tokens hold."""
    allotment = limited._allotment
    allotment._seconds_until(Cost(0.0, 0.0), clock())
    return allotment._requests._level, allotment._tokens._level


@every_way
def test_a_minute_brings_what_it_says(ask):
    clock = Clock()
    limited = RateLimit(ScriptedModel(["ok"]), requests=3, clock=clock)

    for _ in range(3):
        ask(limited, question(timeout=1.0))
    with pytest.raises(ModelError) as caught:
        ask(limited, question(timeout=1.0))
    assert str(caught.value) == (
        "scripted: the rate limit of 3 requests a minute would hold this request up for 20 s,"
        " more than its run has left (a retry could help)"
    )

    clock.now += 20.0
    ask(limited, question(timeout=1.0))
    assert level(limited, clock) == (0.0, ENDLESS)
    clock.now += 3600.0
    assert level(limited, clock) == (3.0, ENDLESS)


def test_a_provider_that_counts_by_the_second():
    clock = Clock()
    limited = RateLimit(ScriptedModel(["ok"]), requests=60, burst_seconds=1, clock=clock)
    limited.complete(question())
    assert level(limited, clock) == (0.0, ENDLESS)
    clock.now += 60.0
    assert level(limited, clock) == (1.0, ENDLESS)


@every_way
def test_tokens_are_estimated_and_then_settled_by_the_usage(ask):
    clock = Clock()
    model = ScriptedModel([say("ok", usage=Usage(60, 40))])
    limited = RateLimit(model, tokens=1000, estimate=lambda _: 300, clock=clock)
    ask(limited, question())
    assert level(limited, clock) == (ENDLESS, 900.0)

    generous = RateLimit(model, tokens=1000, estimate=lambda _: 10, clock=clock)
    ask(generous, question())
    assert level(generous, clock) == (ENDLESS, 900.0)


def test_more_than_was_estimated_is_a_debt():
    clock = Clock()
    model = ScriptedModel([say("ok", usage=Usage(100, 200))])
    limited = RateLimit(model, tokens=60, estimate=lambda _: 10, clock=clock)
    limited.complete(question())
    assert level(limited, clock) == (ENDLESS, -240.0)
    with pytest.raises(ModelError, match="up for 250 s"):
        limited.complete(question(timeout=5.0))


def test_one_that_is_larger_than_the_bucket_waits_for_a_full_one():
    clock = Clock()
    limited = RateLimit(Busy(), tokens=60, estimate=lambda _: 600, clock=clock)
    limited._allotment.take(Cost(1.0, 30.0), clock())
    with pytest.raises(ModelError, match="up for 30 s"):
        limited.complete(question(timeout=5.0))
    clock.now += 30.0
    limited.complete(question(timeout=5.0))


@every_way
def test_what_fails_or_does_not_tell_keeps_its_estimate(ask):
    clock = Clock()
    model = ScriptedModel([ModelError("down", provider="acme"), say("ok", usage=Usage())])
    limited = RateLimit(model, requests=60, tokens=1000, estimate=lambda _: 100, clock=clock)
    with pytest.raises(ModelError, match="down"):
        ask(limited, question())
    assert level(limited, clock) == (59.0, 900.0)
    ask(limited, question(turn=2))
    assert level(limited, clock) == (58.0, 800.0)


def test_an_answer_out_of_a_cache_takes_nothing():
    clock = Clock()
    cached = CachedModel(ScriptedModel(["ok"]))
    limited = RateLimit(cached, requests=60, tokens=1000, clock=clock)
    limited.complete(question())
    assert level(limited, clock) == (59.0, 998.0)
    limited.complete(question())
    assert level(limited, clock) == (59.0, 998.0)


def test_what_is_no_answer_is_handed_on():
    limited = RateLimit(ScriptedModel(lambda _: None), requests=60)  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError, match="no answer of a script"):
        limited.complete(question())


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def test_the_estimate_counts_what_is_sent_and_what_may_come_back():
    estimate = Estimate()
    calls = say("x" * 8, ("add", {"a": 1}), reasoning="y" * 4).message
    request = ModelRequest([Message("user", "12345678"), calls], "sys.")
    assert estimate(request) == (4 + 8 + 8 + 4 + len("add") + len('{"a":1}')) / 4
    request.options = {"max_tokens": 100, "max_completion_tokens": 50, "temperature": 0.5}
    assert estimate(request) == 34 / 4 + 100
    request.options = {"temperature": 0.5}
    request.tools = (tool(add),)
    assert 34 / 4 + 20 < estimate(request) < 34 / 4 + 60


async def test_tasks_wait_in_the_order_in_which_they_came():
    """At 100 a second, ten of them that find nothing left take a tenth of a second."""
    order: list[str] = []

    def note(request: ModelRequest) -> str:
        order.append(request.messages[-1].content)
        return "ok"

    limited = RateLimit(ScriptedModel(note), requests=6000, burst_seconds=0.01)
    limited.complete(question("first"))
    started = time.monotonic()
    await asyncio.gather(*[limited.acomplete(question(str(number))) for number in range(10)])
    assert order == ["first", *map(str, range(10))]
    assert 0.08 < time.monotonic() - started < 5


def test_threads_and_tasks_wait_in_one_queue():
    busy = Busy(0.0)
    limited = RateLimit(busy, requests=12_000, burst_seconds=0.05)

    async def tasks() -> None:
        await asyncio.gather(*[limited.acomplete(question()) for _ in range(20)])

    threads = [threading.Thread(target=limited.complete, args=[question()]) for _ in range(20)]
    loops = [threading.Thread(target=asyncio.run, args=[tasks()]) for _ in range(2)]
    started = time.monotonic()
    for thread in threads + loops:
        thread.start()
    for thread in threads + loops:
        thread.join(10)
    assert busy.calls == 60
    assert 0.2 < time.monotonic() - started < 8  # (60 - 10) / 200 a second
    assert not limited._allotment._queued


@every_way
def test_a_used_cancel_token_ends_the_wait(ask):
    limited = RateLimit(Busy(), requests=1)
    by_complete(limited, question())
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(RunCancelled):
        ask(limited, question(cancel=token))
    assert not limited._allotment._queued


async def test_cancelled_tasks_leave_the_queue_and_the_others_go_on():
    limited = RateLimit(Busy(0.0), requests=6000, burst_seconds=0.01)
    limited.complete(question())
    tasks = [asyncio.create_task(limited.acomplete(question(str(n)))) for n in range(30)]
    await asyncio.sleep(0.02)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in done[5::2]] == [False] * 13
    assert not limited._allotment._queued
    assert limited._allotment._before == Cost(0.0, 0.0)


def test_what_is_given_back_wakes_the_first():
    clock = Clock()
    limited = RateLimit(Busy(0.0), tokens=60, estimate=lambda _: 60, clock=clock)
    limited._allotment.take(Cost(1.0, 60.0), clock())
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(limited.complete(question("a"))))
    thread.start()
    eventually(lambda: len(limited._allotment._queued) == 1)
    limited._allotment.give_back(0.0, 60.0, clock())
    thread.join(5)
    assert answers == [answer_to(question("a"))]


def test_the_limit_in_an_agent():
    limited = RateLimit(ScriptedModel(["Paris."]), requests=60, tokens=10_000)
    output = Agent(limited).run("Capital of France?")
    assert (output.content, output.usage) == ("Paris.", Usage(1, 1))


def test_a_pickled_limit_is_full():
    limited = RateLimit(Busy(), requests=60, tokens=600)
    del limited._models, limited._model  # Busy holds a lock
    limited._allotment.take(Cost(10.0, 10.0), time.monotonic())
    copy = pickle.loads(pickle.dumps(limited))
    assert (copy._allotment._requests._level, copy._allotment._tokens._level) == (60.0, 600.0)
    assert copy._estimate(question("12345678")) == 2.0


def test_after_a_fork_nobody_waits_and_what_was_used_stays_used():
    allotment = Allotment(Bucket(1.0, 1.0), Bucket(ENDLESS, ENDLESS))
    allotment.take(Cost(1.0, 0.0), 0.0)
    waits = allotment.queue(Cost(1.0, 0.0), ThreadBell(), Clock())
    assert next(waits) == 1.0
    _forks._renew_all()
    assert not allotment.take(Cost(1.0, 0.0), 0.5)
    assert allotment.take(Cost(1.0, 0.0), 1.0)
    waits.close()


class Deaf:
    """The bell of a task whose loop is closed."""

    def ring(self) -> bool:
        return False


def test_those_who_cannot_hear_are_passed_over():
    clock = Clock()
    allotment = Allotment(Bucket(1.0, 1.0), Bucket(ENDLESS, ENDLESS))
    allotment.take(Cost(1.0, 0.0), 0.0)
    deaf: list[Bell] = [Deaf(), Deaf()]
    lost = [allotment.queue(Cost(1.0, 0.0), bell, clock) for bell in deaf]
    assert [next(queue) for queue in lost] == [1.0, None]
    allotment.give_back(1.0, 0.0, 0.0)
    assert allotment.take(Cost(1.0, 0.0), 0.0)
    for queue in lost:
        queue.close()
    assert allotment._before == Cost(0.0, 0.0)


def test_a_clock_that_is_set_back():
    bucket = Bucket(10.0, 1.0)
    assert bucket.seconds_until(5.0, 100.0) == 0.0
    bucket.add(-10.0)
    assert bucket.seconds_until(5.0, 50.0) == 5.0
    assert bucket.seconds_until(5.0, 105.0) == 0.0


CAPACITY, RATE = 10.0, 2.0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("come"), st.integers(1, 25)),
            st.tuples(st.just("pass"), st.floats(0.0, 20.0)),
            st.tuples(st.just("leave"), st.integers(0, 5)),
        ),
        max_size=60,
    )
)
def test_no_more_than_the_bucket_and_what_time_brings(steps):
    """In every window of time, whoever comes, leaves and waits; in the order of arrival."""
    clock = Clock()
    allotment = Allotment(Bucket(ENDLESS, ENDLESS), Bucket(CAPACITY, RATE))
    waiting: dict[int, tuple[Any, float]] = {}
    passed: list[tuple[float, float]] = []
    order: list[int] = []
    for number, (step, value) in enumerate(steps):
        if step == "come":
            cost = Cost(1.0, float(value))
            if allotment.take(cost, clock()):
                assert not waiting, "it came later"
                passed.append((clock(), cost.tokens))
                order.append(number)
            else:
                assert waiting or allotment.forecast(cost, clock()) > 0.0
                waits = allotment.queue(cost, ThreadBell(), clock)
                waiting[number] = waits, cost.tokens
        elif step == "pass":
            clock.now += value
        elif value < len(waiting):
            waits, _ = waiting.pop(list(waiting)[value])
            waits.close()
        for came, (waits, tokens) in list(waiting.items()):
            if next(waits, 0.0) != 0.0:
                break
            del waiting[came]
            passed.append((clock(), tokens))
            order.append(came)

    assert order == sorted(order)
    for start in range(len(passed)):
        for end in range(start, len(passed)):
            # One that is larger than the bucket goes into debt, so what follows it waits.
            used = sum(tokens for _, tokens in passed[start:end])
            last = min(passed[end][1], CAPACITY)
            brought = CAPACITY + RATE * (passed[end][0] - passed[start][0])
            assert used + last <= brought + 1e-6


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40))
def test_however_wrong_the_estimates_the_use_stays_in_bounds(calls):
    """What was used is at most the bucket, what time brings, and the last call's surprise."""
    clock = Clock()
    allotment = Allotment(Bucket(ENDLESS, ENDLESS), Bucket(CAPACITY, RATE))
    used = 0.0
    for estimated, actual in calls:
        cost = Cost(1.0, float(estimated))
        while not allotment.take(cost, clock()):
            clock.now += max(allotment.forecast(cost, clock()), 1e-6)
        assert used + min(estimated, CAPACITY) <= CAPACITY + RATE * clock.now + 1e-3
        allotment.give_back(0.0, float(estimated - actual), clock())
        used += actual
