"""Teams under stress: stopped anywhere, with members that fail, hang or are cancelled."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    AgnoError,
    CancelToken,
    LimitReached,
    Memory,
    Message,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunCancelled,
    RunContext,
    ScriptedModel,
    Team,
    TeamLimits,
    say,
)
from agno_cli._threads import _idle
from tests.faces import FACES, by_arun, by_astream, by_run, by_stream, every_face
from tests.members import saying, work

MODES: dict[str, dict[str, Any]] = {
    "sequential": {},
    "parallel": {},
    "leader": {"leader": Agent(ScriptedModel(delay=30), name="boss")},
    "consensus": {"agree": lambda _: True},
    "route": {"route": lambda _: "waiting"},
}
every_mode = pytest.mark.parametrize("mode", MODES)


def waiting_team(mode: str, **fields: Any) -> Team:
    members = [Agent(ScriptedModel(delay=30), name="waiting"), saying("other")]
    return Team(members, mode=mode, **MODES[mode], **fields)  # type: ignore[arg-type]  # one of them


@every_face
@every_mode
def test_the_time_limit_bounds_the_whole_team(face, mode):
    memory = Memory()
    began = time.monotonic()

    with pytest.raises(LimitReached) as caught:
        face(waiting_team(mode, limits=TeamLimits(seconds=0.05), memory=memory))

    who = "at `boss`" if mode == "leader" else "at member"
    assert str(caught.value).startswith(who)
    assert "limit of 0.05 seconds reached" in str(caught.value)
    assert caught.value.kind == "time"
    assert time.monotonic() - began < 10
    assert (memory.load(), work(caught).status) == ([], "limited")


@every_face
@every_mode
def test_a_token_stops_all_members(face, mode):
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()

    with pytest.raises(RunCancelled, match="at ") as caught:
        face(waiting_team(mode), cancel=token)

    assert work(caught).status == "cancelled"
    assert token._callbacks == []


@every_face
def test_what_was_done_before_the_end_is_kept(face):
    team = Team([saying("done"), Agent(ScriptedModel(delay=30), name="waiting"), saying("later")])

    with pytest.raises(LimitReached, match="at member `waiting`: limit") as caught:
        face(team.replace(limits=TeamLimits(seconds=0.05)))

    output = work(caught)
    assert (output.content, output.usage.requests) == ("done's answer", 1)
    assert [(r.name, r.output.status) for r in output.members] == [
        ("done", "completed"),
        ("waiting", "cancelled"),
    ]


@every_mode
@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_the_task_stops_all_members(mode, streamed):
    team = waiting_team(mode)

    async def run() -> None:
        if not streamed:
            await team.arun("hi")
        async for _ in team.astream("hi"):
            pass

    task = asyncio.create_task(run())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert asyncio.all_tasks() == {asyncio.current_task()}


@every_mode
async def test_a_stream_that_is_closed_stops_all_members(mode):
    memory = Memory()
    team = waiting_team(mode, memory=memory)

    events = team.stream("hi")
    next(events)
    if mode != "consensus":  # its first events come when the first answer is there
        next(events)
    events.close()
    others = team.astream("hi")
    await anext(others)
    await anext(others)
    await others.aclose()

    assert memory.load() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


# One of a hundred


class Hanging(Model):
    """A model that ignores its token and blocks its thread."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def complete(self, request: ModelRequest) -> ModelResponse:
        self.release.wait(30)
        return say("too late")


class Slow(ScriptedModel):
    """A model that says for whom it works, after a while."""

    def __init__(self) -> None:
        super().__init__(lambda request: request.messages[-1].content, delay=0.01)


def hundred(odd: Agent, **fields: Any) -> Team:
    members = [Agent(Slow(), name=f"m{number}") for number in range(100)]
    members[41] = odd
    return Team(members, mode="parallel", **fields)


def workers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "agno-worker"]


def wait_for_workers() -> None:
    """Wait until every worker thread is idle: none may still be at work for a run that is over."""
    until = time.monotonic() + 10
    while len(_idle) < len(workers()):
        assert time.monotonic() < until, "a thread has been left behind"
        time.sleep(0.01)


@pytest.mark.parametrize("face", [by_run, by_stream])
def test_one_of_a_hundred_fails_and_no_thread_is_left(face):
    broken = Agent(ScriptedModel([ModelError("down", provider="x")], delay=0.001), name="broken")

    with pytest.raises(ModelError, match="member `broken`: down") as caught:
        face(hundred(broken))

    assert len(work(caught).members) == 100
    wait_for_workers()


@pytest.mark.parametrize("face", [by_run, by_stream])
def test_one_of_a_hundred_hangs_and_only_its_blocked_call_is_left(face):
    model = Hanging()
    team = hundred(Agent(model, name="hanging"), limits=TeamLimits(seconds=1))

    with pytest.raises(LimitReached, match="at members `hanging`: limit of 1 seconds") as caught:
        face(team)

    assert [r.name for r in work(caught).members if r.error] == ["hanging"]
    model.release.set()
    wait_for_workers()


@pytest.mark.parametrize("face", [by_run, by_stream])
def test_one_of_a_hundred_is_cancelled_from_within(face):
    class Cancelled(Model):
        def complete(self, request: ModelRequest) -> ModelResponse:
            raise RunCancelled("by itself")

    team = hundred(Agent(Cancelled(), name="cancelled"), on_error="collect")

    assert face(team).failed == ("cancelled",)
    wait_for_workers()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("how", ["fails", "hangs", "is cancelled"])
async def test_one_of_a_hundred_and_no_task_is_left(how, streamed):
    class Cancelled(Model):
        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            raise asyncio.CancelledError

    model = {
        "fails": ScriptedModel([ModelError("down", provider="x")]),
        "hangs": ScriptedModel(delay=30),
        "is cancelled": Cancelled(),
    }[how]
    team = hundred(Agent(model, name="odd"), limits=TeamLimits(seconds=1))

    async def run() -> None:
        if not streamed:
            await team.arun("hi")
        async for _ in team.astream("hi"):
            pass

    with pytest.raises(AgnoError, match="`odd`") as caught:
        await run()

    told = {"fails": "down", "hangs": "limit of 1 seconds", "is cancelled": "from within"}
    assert told[how] in str(caught.value)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# Many at once


class Own(ScriptedModel):
    """A model that answers with everything it is shown, so that nothing foreign goes unnoticed."""

    def __init__(self, delay: float) -> None:
        super().__init__(self.answer)
        self.longest = delay
        self.random = random.Random(1)

    def answer(self, request: ModelRequest) -> str:
        users = {word for m in request.messages for word in m.content.split() if word[:2] == "u:"}
        return " ".join(sorted(users))

    def complete(self, request: ModelRequest) -> ModelResponse:
        time.sleep(self.random.random() * self.longest)
        return super().complete(request)

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        await asyncio.sleep(self.random.random() * self.longest)
        return await super().acomplete(request)


def busy_team(mode: str) -> Team:
    fields: dict[str, Any] = {"route": lambda p: "ab"[len(p) % 2]} if mode == "route" else {}
    if mode == "consensus":
        fields = {"agree": lambda _: True}
    members = [Agent(Own(0.002), name="a"), Team([Agent(Own(0.002), name="c")], name="b")]
    return Team(members, mode=mode, **fields)  # type: ignore[arg-type]  # one of them


def conversation(memory: Memory) -> list[tuple[str, set[str]]]:
    return [
        (message.role, {word for word in message.content.split() if word[:2] == "u:"})
        for message in memory.load()
    ]


@pytest.mark.parametrize("mode", ["sequential", "parallel", "consensus", "route"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_200_interleaved_runs_leave_each_conversation_whole(mode, streamed):
    """50 users say four things each, all at once, some of them cancelled."""
    team = busy_team(mode)
    memories = [Memory() for _ in range(50)]

    async def say_something(number: int, user: int) -> None:
        context = RunContext(user=f"u:{user}")
        given: dict[str, Any] = {"memory": memories[user], "context": context}
        if streamed:
            async for _ in team.astream(f"u:{user} says {number}", **given):
                pass
        else:
            await team.arun(f"u:{user} says {number}", **given)

    tasks = [
        asyncio.create_task(say_something(number, user))
        for number in range(4)
        for user in range(50)
    ]
    await asyncio.sleep(0.002)
    for task in tasks[::10]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    whole = sum(check_conversation(memory, user) for user, memory in enumerate(memories))
    assert whole == sum(not task.cancelled() for task in tasks)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def check_conversation(memory: Memory, user: int) -> int:
    """Check that a user's conversation holds whole turns of this user alone; count them."""
    told = conversation(memory)
    assert told == [("user", {f"u:{user}"}), ("assistant", {f"u:{user}"})] * len(memory)
    return len(memory)


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_threads_that_run_one_team_at_once_leave_each_conversation_whole(mode):
    team = busy_team(mode)
    memories = [Memory() for _ in range(8)]

    def converse(user: int) -> None:
        for number in range(5):
            FACES[number % 4](team, f"u:{user} says {number}", memory=memories[user])

    threads = [threading.Thread(target=converse, args=(user,)) for user in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [check_conversation(memory, user) for user, memory in enumerate(memories)] == [5] * 8


@given(
    broken=st.sets(st.integers(0, 3)),
    mode=st.sampled_from(["sequential", "parallel", "consensus"]),
    collect=st.booleans(),
    face=st.sampled_from(FACES),
    remembers=st.booleans(),
)
def test_whoever_fails_is_named_and_nobody_else(broken, mode, collect, face, remembers):
    members = [
        Agent(
            ScriptedModel([ModelError("down", provider="x")] if n in broken else [f"{n}"]),
            name=f"m{n}",
        )
        for n in range(4)
    ]
    fields: dict[str, Any] = {"agree": lambda _: True} if mode == "consensus" else {}
    team = Team(members, mode=mode, on_error="collect" if collect else "fail", **fields)
    memory = Memory()

    try:
        output: Any = face(team, memory=memory if remembers else None)
    except AgnoError as error:
        output = error.output
        named = [f"`m{n}`" for n in range(4) if f"`m{n}`" in str(error)]
        first = [f"`m{n}`" for n in sorted(broken)]
        assert named == (first if collect else first[:1])
        assert memory.load() == []
        assert not collect or len(broken) == 4
    else:
        assert len(broken) < 4 if collect else not broken
        assert output.failed == tuple(f"m{n}" for n in sorted(broken))
        assert len(memory) == remembers
    done = [r.name for r in output.members if not r.error]
    assert set(done).isdisjoint(f"m{n}" for n in broken)


def test_a_member_with_a_memory_of_its_own_is_committed_turn_by_turn():
    """Its conversation is shared by all runs of the team, and never torn."""
    own = Memory(max_turns=1_000)
    team = Team([Agent(Own(0.0), name="a", memory=own), saying("b")], mode="parallel")

    async def everybody() -> None:
        await asyncio.gather(*[team.arun(f"u:{user}") for user in range(50)])

    asyncio.run(everybody())

    told = own.load()
    assert [message.role for message in told] == ["user", "assistant"] * 50
    assert {message.content for message in told[::2]} == {f"u:{user}" for user in range(50)}


def test_members_wait_at_once():
    """Members of 50 ms take no longer together than one, under every face."""
    members = [Agent(ScriptedModel(delay=0.05), name=f"m{n}") for n in range(20)]
    team = Team(members, mode="parallel")
    for face in (by_run, by_arun, by_stream, by_astream):
        began = time.monotonic()
        output: Any = face(team)
        assert time.monotonic() - began < 0.5, face
        assert len(output.members) == 20


def test_at_most_so_many_are_under_way_at_once():
    class Counting(Model):
        def __init__(self) -> None:
            self.now = self.most = 0

        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return say("ok")

    model = Counting()
    members = [Agent(model, name=f"m{n}") for n in range(20)]
    team = Team(members, mode="parallel", limits=TeamLimits(parallel_members=3))

    assert by_arun(team).content.count("ok") == 20
    assert model.most == 3


def test_a_message_of_a_conversation_is_never_changed():
    memory = Memory()
    memory.commit([Message("user", "one"), Message("assistant", "1")])
    Team([saying("a"), saying("b")]).run("two", memory=memory)

    assert [m.content for m in memory.load()] == ["one", "1", "two", "b's answer"]
