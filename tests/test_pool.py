"""A pool lends each agent to one holder at a time, and no holder sees what another said."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from agno_cli import (
    Agent,
    AgentPool,
    ConfigurationError,
    LimitReached,
    Memory,
    Message,
    ScriptedModel,
)


def make() -> Agent:
    return Agent(ScriptedModel(["ok"]), memory=Memory())


def conversation(agent: Agent) -> list[str]:
    assert isinstance(agent.memory, Memory)
    return [message.content for message in agent.memory.load()]


def memory_of(agent: Agent) -> Any:
    return agent.memory


def is_waiting(pool: AgentPool, count: int) -> bool:
    return pool.waiting == count


def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("it did not happen within 10 s")


async def auntil(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not happen within 10 s")


class CustomMemory:
    """A memory of the user's; `clear` may fail, wait, or be asynchronous."""

    def __init__(self) -> None:
        self.turns: list[Sequence[Message]] = []

    def load(self) -> list[Message]:
        return [message for turn in self.turns for message in turn]

    def commit(self, messages: Sequence[Message]) -> None:
        self.turns.append(messages)


class ClearedMemory(CustomMemory):
    def clear(self) -> None:
        self.turns.clear()


class BlockingMemory(ClearedMemory):
    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.cleared_in: list[threading.Thread] = []

    def clear(self) -> None:
        self.cleared_in.append(threading.current_thread())
        super().clear()


class AsyncMemory(CustomMemory):
    def __init__(self) -> None:
        super().__init__()
        self.may_clear = asyncio.Event()
        self.may_clear.set()

    async def clear(self) -> None:
        await self.may_clear.wait()
        self.turns.clear()


class BrokenMemory(CustomMemory):
    error: BaseException = OSError("disk full")
    blocking = False

    def clear(self) -> None:
        raise self.error


def of(memory: type) -> Callable[[], Agent]:
    return lambda: Agent(ScriptedModel(["ok"]), memory=memory())


def test_a_conversation_lasts_as_long_as_its_holder_keeps_the_agent():
    pool = AgentPool(make, size=1)

    with pool.take() as agent:
        agent.run("one")
        agent.run("two")
        assert conversation(agent) == ["one", "ok", "two", "ok"]
    with pool.take() as later:
        assert later is agent
        assert conversation(later) == []


async def test_the_same_with_await():
    pool = AgentPool(make, size=1)

    async with pool.take() as agent:
        await agent.arun("one")
        assert conversation(agent) == ["one", "ok"]
    async with pool.take() as later:
        assert later is agent
        assert conversation(later) == []


def test_agents_are_made_when_they_are_needed():
    made = []

    def making() -> Agent:
        made.append(make())
        return made[-1]

    pool = AgentPool(making, size=3)
    assert made == []
    for _ in range(5):
        with pool.take() as agent:
            assert [agent] == made
    with pool.take() as first, pool.take() as second:
        assert [first, second] == made
        assert repr(pool) == "<AgentPool with 2 of 3 held, 0 waiting>"
    assert (pool.held, pool.waiting) == (0, 0)


def test_a_holder_that_raises_gives_back_a_cleared_agent():
    pool = AgentPool(make, size=1)

    lent = []

    def hold() -> None:
        with pool.take() as agent:
            lent.append(agent)
            agent.run("secret")
            raise KeyError

    with pytest.raises(KeyError):
        hold()
    with pool.take() as later:
        assert (later is lent[0], conversation(later)) == (True, [])


async def test_a_holder_that_is_cancelled_gives_back_a_cleared_agent():
    pool = AgentPool(make, size=1)
    lent = []

    async def hold() -> None:
        async with pool.take() as agent:
            await agent.arun("secret")
            lent.append(agent)
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await auntil(lambda: lent)
    task.cancel()
    await asyncio.wait([task])
    async with pool.take() as later:
        assert (later is lent[0], conversation(later)) == (True, [])


def test_threads_are_served_in_their_order():
    pool = AgentPool(make, size=1)
    served = []

    def hold(number: int) -> None:
        with pool.take():
            served.append(number)

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(8)]
    with pool.take():
        for number, thread in enumerate(threads):
            thread.start()
            until(partial(is_waiting, pool, number + 1))
    for thread in threads:
        thread.join()
    assert served == list(range(8))


async def test_tasks_and_threads_of_several_loops_wait_in_one_queue():
    pool = AgentPool(make, size=1)
    served = []

    def hold(name: str) -> None:
        with pool.take():
            served.append(name)

    async def ahold(name: str) -> None:
        async with pool.take():
            served.append(name)

    tasks, threads = [], []
    async with pool.take():
        for number in range(0, 9, 3):
            tasks.append(asyncio.create_task(ahold(f"task {number}")))
            await auntil(partial(is_waiting, pool, number + 1))
            threads.append(threading.Thread(target=hold, args=(f"thread {number}",)))
            threads[-1].start()
            await auntil(partial(is_waiting, pool, number + 2))
            elsewhere = ahold(f"loop {number}")
            threads.append(threading.Thread(target=asyncio.run, args=(elsewhere,)))
            threads[-1].start()
            await auntil(partial(is_waiting, pool, number + 3))
    await asyncio.gather(*tasks)
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert served == [f"{kind} {n}" for n in (0, 3, 6) for kind in ("task", "thread", "loop")]


async def test_no_agent_is_lent_to_two_holders():
    """200 holders - tasks of this loop, threads, tasks of other loops - share 3 agents."""
    pool = AgentPool(make, size=3)
    lent: set[int] = set()
    most = 0

    def begin(agent: Agent) -> None:
        nonlocal most
        assert id(agent) not in lent
        assert conversation(agent) == []
        lent.add(id(agent))
        most = max(most, len(lent))

    def hold(number: int) -> None:
        with pool.take() as agent:
            begin(agent)
            agent.run(f"thread {number}")
            assert conversation(agent) == [f"thread {number}", "ok"]
            lent.remove(id(agent))

    async def ahold(number: int) -> None:
        async with pool.take() as agent:
            begin(agent)
            try:
                await agent.arun(f"task {number}")
                await asyncio.sleep(0.0001 * (number % 3))
                assert conversation(agent) == [f"task {number}", "ok"]
                if number % 7 == 0:
                    raise LookupError
            finally:
                lent.remove(id(agent))

    async def many(numbers: range) -> list[BaseException | None]:
        return await asyncio.gather(*map(ahold, numbers), return_exceptions=True)

    tasks = asyncio.create_task(many(range(100)))
    in_threads = [asyncio.to_thread(hold, number) for number in range(50)]
    elsewhere = [
        asyncio.to_thread(asyncio.run, many(numbers))
        for numbers in (range(100, 125), range(125, 150))
    ]
    cancelled = [asyncio.create_task(ahold(number)) for number in range(1, 50)]
    await asyncio.sleep(0.002)
    for task in cancelled[::2]:
        task.cancel()
    await asyncio.gather(*in_threads, *elsewhere)
    failures = [*(await tasks), *(await asyncio.gather(*cancelled, return_exceptions=True))]

    expected = (LookupError, asyncio.CancelledError)
    assert [failure for failure in failures if failure and not isinstance(failure, expected)] == []
    assert (most, pool.held, pool.waiting, lent) == (3, 0, 0, set())


async def test_a_cancelled_wait_leaves_the_queue():
    pool = AgentPool(make, size=1)

    async def hold() -> None:
        async with pool.take():
            pytest.fail("it was cancelled before")

    async with pool.take():
        task = asyncio.create_task(hold())
        await auntil(lambda: pool.waiting)
        task.cancel()
        await asyncio.wait([task])
        assert (task.cancelled(), pool.waiting) == (True, 0)
    assert pool.held == 0


async def test_an_agent_handed_to_a_task_cancelled_that_moment_goes_to_the_next():
    pool = AgentPool(make, size=1)
    served = []

    async def hold(name: str) -> None:
        async with pool.take():
            served.append(name)

    async with pool.take():
        first = asyncio.create_task(hold("first"))
        second = asyncio.create_task(hold("second"))
        await auntil(lambda: pool.waiting == 2)
    # It has been handed the agent, and has not run since.
    first.cancel()
    await asyncio.wait([first, second])
    assert (first.cancelled(), served, pool.held) == (True, ["second"], 0)


async def test_a_wait_whose_loop_is_gone_is_passed_over():
    pool = AgentPool(make, size=1)

    async def hold() -> None:
        async with pool.take():
            pytest.fail("nobody is there")

    loop = asyncio.new_event_loop()
    async with pool.take():
        task: Any = loop.create_task(hold())
        await asyncio.to_thread(loop.run_until_complete, asyncio.sleep(0.01, loop))
        assert pool.waiting == 1
        loop.close()
    assert (pool.held, pool.waiting) == (0, 0)
    task._log_destroy_pending = False  # it never ends
    del task
    gc.collect()  # the coroutine is closed, and leaves nothing behind
    assert (pool.held, pool.waiting) == (0, 0)


def test_waiting_has_an_end():
    pool = AgentPool(make, size=1, timeout=0.01)

    with (
        pool.take(),
        pytest.raises(LimitReached) as caught,
        pool.take(),
    ):
        pytest.fail("there is one agent only")
    assert caught.value.kind == "time"
    assert str(caught.value) == (
        "none of the pool's 1 agents came free within 0.01 s;"
        " give it a larger `size` or `timeout`, or hold agents for less long"
    )
    with pool.take():
        assert (pool.held, pool.waiting) == (1, 0)


async def test_waiting_has_an_end_for_tasks_too():
    pool = AgentPool(make, size=1, timeout=0.01)

    async with pool.take():
        with pytest.raises(LimitReached, match="none of the pool's 1 agents"):
            async with pool.take():
                pytest.fail("there is one agent only")
    async with pool.take():
        assert (pool.held, pool.waiting) == (1, 0)


async def test_a_timeout_that_is_not_reached():
    pool = AgentPool(make, size=1, timeout=60)

    async def hold() -> bool:
        async with pool.take() as agent:
            return isinstance(agent, Agent)

    async with pool.take():
        task = asyncio.create_task(hold())
        await auntil(lambda: pool.waiting)
    assert await task


def test_an_interrupted_wait_leaves_the_queue():
    pool = AgentPool(make, size=1)

    def interrupt() -> None:
        until(lambda: pool.waiting)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    with pool.take():
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt), pool.take():
            pytest.fail("interrupted")
        assert pool.waiting == 0
    assert pool.held == 0


async def test_waiting_in_an_event_loop_without_await_is_refused():
    pool = AgentPool(make, size=1)

    with pool.take():  # nothing to wait for: right in a notebook
        with pytest.raises(ConfigurationError, match="write `async with"), pool.take():
            pytest.fail("it would wait for ever")
        assert pool.waiting == 0


def test_a_loan_is_for_one_with():
    pool = AgentPool(make, size=2)
    loan = pool.take()
    with loan:
        with pytest.raises(ConfigurationError, match="this loan has been used"), loan:
            pytest.fail("it is lent")
        assert pool.held == 1
    with pytest.raises(ConfigurationError, match="this loan has been used"), loan:
        pytest.fail("it has been given back")
    assert pool.held == 0


async def test_giving_back_twice_is_an_error():
    pool = AgentPool(make, size=1)
    with pool.take() as agent:
        pass
    loan = pool.take()
    with loan:
        pass
    with pytest.raises(ConfigurationError, match="this loan holds no agent"):
        loan.__exit__(None, None, None)
    with pytest.raises(ConfigurationError, match="this loan holds no agent"):
        await pool.take().__aexit__(None, None, None)
    with pool.take() as later:
        assert later is agent
        assert pool.held == 1


def test_a_maker_that_fails_takes_no_place():
    agents: list[Any] = [LookupError("no browser"), make()]

    def making() -> Any:
        given = agents.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    pool = AgentPool(making, size=1)
    with pytest.raises(LookupError, match="no browser"), pool.take():
        pytest.fail("there is no agent")
    with pool.take() as agent:
        assert isinstance(agent, Agent)


@pytest.mark.parametrize(
    ("making", "message"),
    [
        (lambda: "agent", "`make` of the pool gave 'agent'; let it give an Agent"),
        (of(CustomMemory), "has no `clear`, so the next holder would read this one's"),
    ],
)
def test_what_cannot_be_pooled_is_refused_at_once(making, message):
    pool = AgentPool(making, size=1)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=message), pool.take():
            pytest.fail("it was refused")
    assert pool.held == 0


def test_a_maker_that_gives_one_agent_or_one_memory_twice():
    one, memory = make(), Memory()
    for making, what in (
        (lambda: one, "agent"),
        (lambda: Agent(ScriptedModel(), memory=memory), "memory"),
    ):
        pool = AgentPool(making, size=2)
        with (
            pool.take(),
            pytest.raises(ConfigurationError, match=f"gave one {what} twice"),
            pool.take(),
        ):
            pytest.fail("two holders would share it")
        with pool.take():
            assert pool.held == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"make": make, "size": 0}, "`size` is 0; give a whole number from 1 up"),
        ({"make": make, "size": 2.5}, "`size` is 2.5"),
        ({"make": make, "size": 1, "timeout": 0}, "`timeout` of the pool is 0; give seconds"),
        ({"make": make(), "size": 1}, "`make` is <Agent .*give a function that makes an agent"),
    ],
)
def test_what_no_pool_can_be_made_of(given, message):
    with pytest.raises(ConfigurationError, match=message):
        AgentPool(**given)


def test_a_pool_of_agents_without_memory_says_once_that_there_need_be_none(caplog):
    pool = AgentPool(lambda: Agent(ScriptedModel()), size=2)

    with pool.take(), pool.take():
        pass
    with pool.take(), pool.take():
        pass
    (record,) = caplog.records
    assert record.getMessage() == (
        "the agents of this pool have no memory, so one agent could serve everybody at once; to"
        " bound how many calls are under way, wrap its model in a `ConcurrencyLimit`"
    )


@pytest.mark.parametrize("memory", [ClearedMemory, BlockingMemory, AsyncMemory])
async def test_memories_of_other_kinds_are_cleared(memory):
    pool = AgentPool(of(memory), size=1)

    async with pool.take() as agent:
        memory_of(agent).commit([Message("user", "secret")])
    async with pool.take() as later:
        assert (later is agent, memory_of(later).load()) == (True, [])


@pytest.mark.parametrize("memory", [ClearedMemory, BlockingMemory, AsyncMemory])
def test_they_are_cleared_without_await_too(memory):
    pool = AgentPool(of(memory), size=1)

    with pool.take() as agent:
        memory_of(agent).commit([Message("user", "secret")])
    with pool.take() as later:
        assert (later is agent, memory_of(later).load()) == (True, [])


async def test_a_memory_that_waits_is_cleared_in_a_thread():
    pool = AgentPool(of(BlockingMemory), size=1)

    async with pool.take() as agent:
        memory = memory_of(agent)
    (thread,) = memory.cleared_in
    assert thread is not threading.current_thread()


async def test_a_cancelled_holder_does_not_wait_for_a_slow_memory():
    """The agent is lent again when it has been cleared, not before."""
    pool = AgentPool(of(AsyncMemory), size=1)
    lent: list[Any] = []

    async def hold() -> None:
        async with pool.take() as agent:
            memory_of(agent).may_clear.clear()
            lent.append(agent)
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await auntil(lambda: lent)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), pool.held) == (True, 1)
    lent[0].memory.may_clear.set()
    async with pool.take() as later:
        assert later is lent[0]


def test_a_loop_that_closes_while_an_agent_is_cleared_frees_its_place():
    pool = AgentPool(of(AsyncMemory), size=1)

    async def hold() -> Agent:
        async with pool.take() as agent:
            memory_of(agent).may_clear.clear()
            task: Any = asyncio.current_task()
            asyncio.get_running_loop().call_later(0.01, task.cancel)
        return agent

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(hold())
    assert pool.held == 0


@pytest.mark.parametrize("blocking", [False, True])
async def test_an_agent_that_cannot_be_cleared_is_dropped(blocking, caplog, monkeypatch):
    monkeypatch.setattr(BrokenMemory, "blocking", blocking)
    made = []

    def making() -> Agent:
        made.append(Agent(ScriptedModel(), memory=BrokenMemory()))
        return made[-1]

    pool = AgentPool(making, size=1)
    with pytest.raises(OSError, match="disk full"):
        async with pool.take():
            pass
    with pytest.raises(KeyError):  # the holder's own error is the one that matters
        async with pool.take():
            raise KeyError
    with pytest.raises(OSError, match="disk full"), pool.take():
        pass
    with pytest.raises(KeyError), pool.take():
        raise KeyError
    assert (len(made), pool.held) == (4, 0)
    assert {(record.levelno, record.getMessage()) for record in caplog.records} == {
        (
            logging.WARNING,
            "an agent's memory could not be cleared, so it is dropped: OSError('disk full')",
        )
    }


def test_an_interrupt_while_clearing_drops_the_agent():
    class Interrupted(BrokenMemory):
        error = KeyboardInterrupt()

    pool = AgentPool(of(Interrupted), size=1)
    with pytest.raises(KeyboardInterrupt), pool.take():
        pass
    assert pool.held == 0


def test_a_collected_generator_gives_its_agent_back():
    """It may be collected in the middle of anything, also of the pool's own methods."""
    pool = AgentPool(make, size=1)

    def hold() -> Any:
        with pool.take() as agent:
            yield agent

    holder = hold()
    next(holder)
    with pool._shelf._lock:
        del holder
        gc.collect()
    assert pool.held == 0
