"""At most so many requests at once: first come, first served, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    CancelToken,
    ConcurrencyLimit,
    ConfigurationError,
    LimitReached,
    Limits,
    Message,
    ModelError,
    ModelRequest,
    RunCancelled,
    ScriptedModel,
)
from agno_cli.models import _forks
from agno_cli.models._waiting import TaskBell, ThreadBell
from agno_cli.models.concurrency import Places
from tests.models.asking import by_acomplete, by_complete, every_way, question
from tests.models.wrapping import Busy, answer_to, eventually


def all_free(limited: ConcurrencyLimit) -> bool:
    places = limited._places
    return len(places._free) == limited.limit and not places._queued


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None, "3"])
def test_a_limit_is_a_whole_number_from_1_up(limit: Any):
    with pytest.raises(ConfigurationError, match="give a whole number from 1 up"):
        ConcurrencyLimit(Busy(), limit)


@every_way
def test_a_request_passes(ask):
    limited = ConcurrencyLimit(Busy(), 1)
    assert ask(limited, question("a")) == ask(limited, question("a")) == answer_to(question("a"))
    assert all_free(limited)


def test_threads_and_tasks_of_several_loops_share_the_places():
    busy = Busy()
    limited = ConcurrencyLimit(busy, 3)

    async def many(name: str) -> list[str]:
        asked = [limited.acomplete(question(f"{name}{number}")) for number in range(40)]
        return [response.message.content for response in await asyncio.gather(*asked)]

    def one(number: int) -> str:
        return limited.complete(question(str(number))).message.content

    with ThreadPoolExecutor(20) as pool:
        loops = [pool.submit(asyncio.run, many(name)) for name in "ab"]
        threads = list(pool.map(one, range(60)))

    assert threads == [f"to {number}" for number in range(60)]
    assert [loop.result()[-1] for loop in loops] == ["to a39", "to b39"]
    assert (busy.most, busy.now, busy.calls) == (3, 0, 140)
    assert all_free(limited)


def test_threads_get_their_places_in_the_order_in_which_they_came():
    order: list[str] = []

    def note(request: ModelRequest) -> str:
        order.append(request.messages[-1].content)
        return "ok"

    limited = ConcurrencyLimit(ScriptedModel(note), 1)
    assert limited._places.take()
    threads = []
    for number in range(20):
        thread = threading.Thread(target=limited.complete, args=[question(str(number))])
        thread.start()
        threads.append(thread)
        eventually(lambda number=number: len(limited._places._queued) == number + 1)  # type: ignore[misc]
    limited._places.give()
    for thread in threads:
        thread.join(5)

    assert order == [str(number) for number in range(20)]


async def test_a_stream_holds_its_place_until_it_is_closed():
    limited = ConcurrencyLimit(Busy(), 1)
    stream = limited.astream(question("a"))
    await anext(aiter(stream))
    waiting = asyncio.ensure_future(limited.acomplete(question("b")))
    await asyncio.sleep(0.02)
    assert not waiting.done()

    await stream.aclose()  # type: ignore[attr-defined]
    assert (await waiting).message.content == "to b"

    taken = limited.stream(question("c"))
    next(taken)
    assert not limited._places.take()
    taken.close()  # type: ignore[attr-defined]
    assert all_free(limited)


def test_a_stream_that_is_forgotten_gives_its_place_back():
    limited = ConcurrencyLimit(Busy(), 1)
    stream = limited.stream(question("a"))
    next(stream)
    del stream
    gc.collect()
    assert all_free(limited)


def test_a_stream_that_was_never_begun_takes_no_place():
    limited = ConcurrencyLimit(Busy(), 1)
    limited.stream(question("a"))
    assert all_free(limited)


@every_way
def test_a_failure_gives_the_place_back(ask):
    limited = ConcurrencyLimit(ScriptedModel([ModelError("down", provider="acme")]), 1)
    for _ in range(3):
        with pytest.raises(ModelError, match="acme: down"):
            ask(limited, question())
    assert all_free(limited)


@every_way
def test_time_that_ends_in_the_queue(ask):
    busy = Busy()
    limited = ConcurrencyLimit(busy, 1)
    limited._places.take()
    with pytest.raises(ModelError) as caught:
        ask(limited, question(timeout=0.05))
    assert str(caught.value) == (
        "busy: no free place among the 1 of the concurrency limit within 0.05 s"
        " (a retry could help)"
    )
    limited._places.give()
    assert (busy.calls, all_free(limited)) == (0, True)


@every_way
def test_what_is_left_of_the_time_after_the_queue(ask):
    busy = Busy()
    limited = ConcurrencyLimit(busy, 1)
    limited._places.take()
    threading.Timer(0.2, limited._places.give).start()
    ask(limited, question(timeout=30.0))
    (left,) = busy.timeouts
    assert left is not None
    assert 20 < left < 29.85


@every_way
def test_a_used_cancel_token_ends_the_wait(ask):
    limited = ConcurrencyLimit(Busy(), 1)
    limited._places.take()
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled, match="the run was cancelled"):
        ask(limited, question(cancel=token))
    assert time.monotonic() - started < 4
    limited._places.give()
    assert all_free(limited)


@pytest.mark.parametrize("face", ["run", "stream"])
def test_the_time_limit_of_a_run_reports_itself(face):
    limited = ConcurrencyLimit(Busy(), 1)
    limited._places.take()
    agent = Agent(limited, limits=Limits(seconds=0.05))
    with pytest.raises(LimitReached, match=r"limit of 0.05 seconds reached"):
        list(agent.stream("hi")) if face == "stream" else agent.run("hi")
    eventually(lambda: not limited._places._queued)
    limited._places.give()
    eventually(lambda: all_free(limited))


async def test_a_storm_of_cancellations_leaves_no_place_behind():
    busy = Busy(0.001)
    limited = ConcurrencyLimit(busy, 4)

    async def one(number: int) -> None:
        with suppress(asyncio.CancelledError):
            if number % 2:
                await limited.acomplete(question(str(number)))
            else:
                async for _ in limited.astream(question(str(number))):
                    await asyncio.sleep(0)

    tasks = [asyncio.create_task(one(number)) for number in range(200)]
    for step in range(20):
        await asyncio.sleep(0.001)
        for task in tasks[step::7]:
            task.cancel()
    await asyncio.gather(*tasks)

    assert (busy.most, busy.now) == (4, 0)
    assert all_free(limited)


async def test_a_place_that_came_together_with_the_cancellation_goes_to_the_next():
    limited = ConcurrencyLimit(Busy(), 1)
    limited._places.take()
    first = asyncio.create_task(limited.acomplete(question("first")))
    second = asyncio.create_task(limited.acomplete(question("second")))
    await asyncio.sleep(0.01)
    limited._places.give()  # rings the first ...
    first.cancel()  # ... which is cancelled before it hears it
    assert (await second).message.content == "to second"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert all_free(limited)


def test_a_loop_that_is_closed_is_passed_over():
    places = Places(1)
    places.take()
    loop = asyncio.new_event_loop()

    async def wait() -> tuple[Any, Any]:
        bell = TaskBell()
        queue = places.queue(bell)
        next(queue)
        return bell, queue

    _, queue = loop.run_until_complete(wait())
    loop.close()
    places.give()
    assert places.take()
    places.give()
    queue.close()  # the coroutine is collected later: it holds no place to give back
    assert (len(places._free), len(places._queued)) == (1, 0)


def test_a_queue_that_empties_while_a_place_is_handed_out():
    places = Places(1)

    class Gone(deque[Any]):
        looks = 0

        def __bool__(self) -> bool:
            self.looks += 1
            return self.looks < 3

    places._queued = Gone()
    places.give()
    places._queued = deque()
    assert (places.take(), places.take()) == (True, False)


def test_after_a_fork_all_places_are_free():
    limited = ConcurrencyLimit(Busy(), 2)
    limited._places.take()
    _forks._renew_all()
    limited._places.give()  # by whoever held it before
    assert (limited._places.take(), limited._places.take()) == (True, True)
    assert not limited._places.take()


def test_a_pickled_limit_has_places_of_its_own():
    limited = ConcurrencyLimit(Busy2(), 2)
    limited._places.take()
    copy = pickle.loads(pickle.dumps(limited))
    assert (copy.limit, all_free(copy), repr(copy)) == (
        2, True, "<ConcurrencyLimit of <Busy2 custom:two>>",
    )  # fmt: skip
    assert by_complete(copy, question("x")) == answer_to(question("x"))


class Busy2(ScriptedModel):
    provider = "custom"
    name = "two"

    def __init__(self) -> None:
        self.delay = 0.0

    def _next(self, request: ModelRequest) -> Any:
        return answer_to(request)


@given(
    st.integers(1, 3),
    st.lists(st.one_of(st.just("take"), st.just("give"), st.integers(0, 30)), max_size=60),
)
def test_any_order_of_coming_and_leaving(count, steps):
    """Never more than `count` inside, in the order of arrival, and none waits beside a free place.

    A number is one who leaves: from inside, or out of the queue.
    """
    places = Places(count)
    inside: list[int] = []
    waiting: dict[int, Any] = {}
    came = 0
    for step in steps:
        if step == "take":
            queue = places.queue(ThreadBell())
            if next(queue, "in") == "in":
                inside.append(came)
            else:
                waiting[came] = queue
            came += 1
        elif step == "give" and inside:
            inside.pop(0)
            places.give()
        elif isinstance(step, int) and step in waiting:
            waiting.pop(step).close()
        entered = [number for number in list(waiting)[:1] if next(waiting[number], "in") == "in"]
        for number in entered:
            del waiting[number]
            inside.append(number)
        assert [n for n in waiting if next(waiting[n], "in") == "in"] == [], "out of turn"
        assert len(inside) <= count
        assert not (waiting and len(inside) < count)
        assert len(places._free) == count - len(inside)


def test_asynchronous_requests_without_a_loop_of_their_own():
    limited = ConcurrencyLimit(Busy(), 1)
    for number in range(3):  # three event loops, one after the other
        asked = ModelRequest([Message("user", str(number))])
        assert by_acomplete(limited, asked).message.content == f"to {number}"
    assert all_free(limited)


def test_another_kind_of_event_loop_beside_threads():
    uvloop = pytest.importorskip("uvloop")
    busy = Busy()
    limited = ConcurrencyLimit(busy, 2)

    async def many() -> int:
        return len(await asyncio.gather(*[limited.acomplete(question("a")) for _ in range(30)]))

    with ThreadPoolExecutor(12) as pool:
        loops = [pool.submit(uvloop.run, many()) for _ in range(2)]
        list(pool.map(lambda _: limited.complete(question("b")), range(30)))
        assert [loop.result() for loop in loops] == [30, 30]
    assert (busy.most, busy.calls, all_free(limited)) == (2, 90, True)
