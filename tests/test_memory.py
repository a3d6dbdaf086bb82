"""A conversation: read as a snapshot, committed in whole turns, or not at all."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    CancelToken,
    ConfigurationError,
    Memory,
    Message,
    RunFailed,
    ScriptedModel,
    _memory,
    say,
)
from tests.faces import by_arun, by_astream, by_run, every_face


def add(a: int, b: int = 1) -> int:
    return a + b


def turn(number: int, length: int = 2) -> list[Message]:
    return [Message("user", f"{number}.{part}") for part in range(length)]


@given(st.integers(0, 5), st.lists(st.integers(0, 4), max_size=12))
def test_memory_keeps_the_newest_turns_whole(bound, lengths):
    memory = Memory(bound)
    turns = [turn(number, length) for number, length in enumerate(lengths)]

    for messages in turns:
        memory.commit(messages)

    kept = turns[max(len(turns) - bound, 0) :]
    assert memory.load() == [message for messages in kept for message in messages]
    assert len(memory) == len(kept)


def test_an_empty_memory_is_a_memory():
    memory = Memory()

    assert memory
    assert (memory.load(), len(memory)) == ([], 0)
    memory.clear()
    assert memory.load() == []


def test_what_is_loaded_and_committed_is_a_snapshot():
    memory, messages = Memory(), turn(1)
    memory.commit(messages)

    messages.append(Message("user", "later"))
    memory.load().clear()

    assert memory.load() == turn(1)


def test_clear_forgets():
    memory = Memory()
    memory.commit(turn(1))

    memory.clear()

    assert (memory.load(), len(memory)) == ([], 0)


def test_a_memory_does_not_tell_its_conversation_by_its_repr():
    memory = Memory(7)
    memory.commit([Message("user", "my secret")])

    assert repr(memory) == "<Memory of 1 turns, at most 7>"


@pytest.mark.parametrize("bound", [-1, None, "7", 1.5])
def test_a_bound_that_cannot_be(bound):
    with pytest.raises(ConfigurationError, match=str(bound)):
        Memory(bound).commit(turn(1))


def test_two_memories_share_nothing():
    one, two = Memory(), Memory()
    one.commit(turn(1))

    assert two.load() == []


def test_threads_that_commit_at_once_each_add_one_whole_turn():
    memory = Memory(1000)
    together = threading.Barrier(8)

    def commit(name: int) -> None:
        together.wait()
        for number in range(100):
            memory.commit([Message("user", f"{name}/{number}"), Message("assistant", f"{name}")])
            memory.load()

    threads = [threading.Thread(target=commit, args=(name,)) for name in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    kept = memory.load()
    assert len(kept) == 1600
    pairs = zip(kept[::2], kept[1::2], strict=True)
    assert all(user.content.split("/")[0] == answer.content for user, answer in pairs)


def test_two_threads_that_commit_first_agree_on_one_conversation():
    """The second one waits for the lock, and finds that the first has made it."""
    memory = Memory(5)

    with _memory._FIRST:
        second = threading.Thread(target=memory.commit, args=(turn(2),))
        second.start()
        time.sleep(0.02)
        memory._turns = deque([tuple(turn(1))], 5)
    second.join()

    assert memory.load() == [*turn(1), *turn(2)]


def echo(request: Any) -> str:
    return f"re: {request.messages[-1].content}"


async def test_runs_that_share_a_memory_do_not_interleave():
    memory = Memory()
    agent = Agent(ScriptedModel(echo, delay=0.001), memory=memory)

    await asyncio.gather(*(agent.arun(f"question {number}") for number in range(50)))

    kept = memory.load()
    assert len(kept) == 100
    pairs = zip(kept[::2], kept[1::2], strict=True)
    assert all(answer.content == f"re: {user.content}" for user, answer in pairs)


@every_face
def test_memory_keeps_calls_with_their_results_and_never_instructions(face):
    memory = Memory()
    model = ScriptedModel([say("", ("add", {"a": 1})), "2"])
    agent = Agent(model, instructions="You are a clerk.", tools=[add], memory=memory)

    output = face(agent)

    assert memory.load() == output.messages
    assert [message.role for message in memory.load()] == ["user", "assistant", "tool", "assistant"]


@every_face
def test_the_next_run_reads_what_was_committed(face):
    agent = Agent(ScriptedModel(lambda request: str(len(request.messages))), memory=Memory())

    assert [face(agent).content for _ in range(3)] == ["1", "3", "5"]


@every_face
def test_a_memory_given_to_the_run_is_used_in_place_of_the_agents(face):
    agents, runs = Memory(), Memory()

    face(Agent(ScriptedModel(), memory=agents), memory=runs)

    assert (len(agents), len(runs)) == (0, 1)


def test_an_agent_without_a_memory_starts_every_run_afresh():
    agent = Agent(ScriptedModel(lambda request: str(len(request.messages))))

    assert [agent.run("hi").content for _ in range(3)] == ["1", "1", "1"]


class Remote:
    """A memory with asynchronous calls."""

    def __init__(self) -> None:
        self.kept: list[Message] = []

    async def load(self) -> Sequence[Message]:
        await asyncio.sleep(0)
        return tuple(self.kept)

    async def commit(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0.02)
        self.kept.extend(messages)


class OnDisk:
    """A memory that waits, and notes the threads it is called in."""

    blocking = True

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.threads: set[str] = set()

    def load(self) -> Sequence[Message]:
        self.threads.add(threading.current_thread().name)
        return list(self.kept)

    def commit(self, messages: Sequence[Message]) -> None:
        self.threads.add(threading.current_thread().name)
        time.sleep(0.02)
        self.kept.extend(messages)


@every_face
@pytest.mark.parametrize("kind", [Remote, OnDisk])
def test_a_memory_of_another_kind(face, kind):
    memory = kind()
    agent = Agent(ScriptedModel(echo), memory=memory)

    face(agent, "one")
    face(agent, "two", cancel=CancelToken())

    assert [message.content for message in memory.kept] == ["one", "re: one", "two", "re: two"]


@pytest.mark.parametrize("face", [by_arun, by_astream])
def test_a_memory_that_waits_does_not_block_the_event_loop(face):
    memory = OnDisk()

    face(Agent(ScriptedModel(echo), memory=memory))

    assert memory.threads == {"agno-worker"}


@pytest.mark.parametrize("kind", [Remote, OnDisk])
@pytest.mark.parametrize("given", [{}, {"cancel": CancelToken()}])
async def test_a_commit_that_has_begun_is_finished_before_a_cancelled_run_ends(kind, given):
    """Half-way there is no half: the caller sees it whole, however often it cancels."""
    memory = kind()
    task = asyncio.create_task(Agent(ScriptedModel(["ok"]), memory=memory).arun("hi", **given))
    await asyncio.sleep(0.01)

    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [message.content for message in memory.kept] == ["hi", "ok"]


class Torn(Remote):
    """Cancels itself while it commits."""

    async def commit(self, messages: Sequence[Message]) -> None:
        raise asyncio.CancelledError


@pytest.mark.parametrize("face", [by_run, by_arun, by_astream])
def test_a_commit_that_cancels_itself_fails_the_run(face):
    with pytest.raises(RunFailed, match="cancelled from within"):
        face(Agent(ScriptedModel(), memory=Torn()))


@pytest.mark.parametrize("face", [by_run, by_arun, by_astream])
def test_an_asynchronous_commit_that_fails(face):
    class Full(Remote):
        async def commit(self, messages: Sequence[Message]) -> None:
            raise OSError("disk full")

    with pytest.raises(RunFailed, match="OSError: disk full"):
        face(Agent(ScriptedModel(), memory=Full()))


class Broken(Memory):
    """A memory whose disk is full, or gone."""

    fails: str = ""

    def load(self) -> list[Message]:
        if self.fails == "load":
            raise OSError("no such disk")
        return super().load()

    def commit(self, messages: Sequence[Message]) -> None:
        if self.fails == "commit":
            raise OSError("disk full")
        super().commit(messages)


@every_face
def test_a_memory_that_cannot_be_read(face):
    with pytest.raises(RunFailed, match="OSError: no such disk") as caught:
        face(Agent(ScriptedModel(), memory=Broken(fails="load")))

    assert caught.value.output is not None
    assert (caught.value.output.messages, caught.value.output.turns) == ([], 0)


@every_face
def test_an_answer_that_cannot_be_kept_is_in_the_error(face):
    with pytest.raises(RunFailed, match="OSError: disk full") as caught:
        face(Agent(ScriptedModel(["the answer"]), memory=Broken(fails="commit")))

    assert caught.value.output is not None
    assert caught.value.output.content == "the answer"
    assert caught.value.output.status == "failed"
