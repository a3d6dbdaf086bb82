"""What stops a run from outside: its token, its time, its task."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CancelToken,
    Hooks,
    LimitReached,
    Limits,
    Memory,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    RunCancelled,
    RunContext,
    RunFailed,
    ScriptedModel,
    _stop,
    say,
    tool,
)
from agno_cli._stop import stop_for
from tests.faces import by_arun, by_astream, by_run, by_stream, every_face, outcome

STOPPED = "tool!: Not run: the run was stopped."
CANCELLED = "[cancelled] RunCancelled: the run was cancelled"


@contextmanager
def in_a_moment(function: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(0.05, function)
    timer.start()
    yield
    timer.join()


@tool(quick=True)
def square(n: int) -> int:
    return n * n


def nap() -> str:
    time.sleep(3)  # left behind, in a thread that ends with the process
    return "slept"


async def doze() -> str:
    await asyncio.sleep(5)
    return "dozed"


@every_face
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
def test_a_token_that_was_used_stops_a_run_before_it_starts(face, limits):
    token = CancelToken()
    token.cancel()

    lines = outcome(face, Agent(ScriptedModel(["never"]), limits=limits), cancel=token)

    assert lines == ["user: hi", CANCELLED]


@every_face
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
def test_a_token_stops_a_model_that_is_answering(face, limits):
    token = CancelToken()
    agent = Agent(ScriptedModel(["never " * 100], delay=10), limits=limits)
    began = time.monotonic()

    with in_a_moment(token.cancel):
        lines = outcome(face, agent, cancel=token)

    assert lines == ["user: hi", CANCELLED]
    assert time.monotonic() - began < 3


@every_face
@pytest.mark.parametrize("name", ["nap", "doze"])
def test_a_token_stops_tools_that_are_under_way(face, name):
    token = CancelToken()
    model = ScriptedModel([say("", ("square", {"n": 2}), (name, {})), "done"])

    with in_a_moment(token.cancel):
        lines = outcome(face, Agent(model, tools=[square, nap, doze]), cancel=token)

    assert lines == [
        "user: hi",
        f'assistant:  -> square{{"n":2}} -> {name}{{}}',
        "tool: 4",
        STOPPED,
        CANCELLED,
    ]


@every_face
def test_a_token_stops_between_turns(face):
    token = CancelToken()

    @tool(quick=True)
    def enough() -> None:
        token.cancel()

    model = ScriptedModel([say("", ("enough", {})), "never"])

    assert outcome(face, Agent(model, tools=[enough]), cancel=token)[-2:] == ["tool: ", CANCELLED]


@every_face
def test_a_run_that_is_over_is_not_cancelled(face, caplog):
    """A token used while its run ends comes too late, and quietly."""
    token = CancelToken()

    class Late(Model):
        def complete(self, request: ModelRequest) -> ModelResponse:
            token.cancel()
            return say("fine")

        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            return self.complete(request)

    async def and_a_moment_later() -> list[str]:
        try:
            lines = (await Agent(Late()).arun("hi", cancel=token)).content
        except RunCancelled:
            lines = "cancelled"
        await asyncio.sleep(0.01)
        return [lines]

    with caplog.at_level(logging.WARNING):
        if face is by_arun:
            assert asyncio.run(and_a_moment_later()) in (["fine"], ["cancelled"])
        else:
            assert outcome(face, Agent(Late()), cancel=token)[-1] in ("[completed] None", CANCELLED)
    assert caplog.records == []


@every_face
def test_one_token_stops_many_runs(face):
    token = CancelToken()
    agent = Agent(ScriptedModel(delay=10))
    ends: list[str] = []
    threads = [
        threading.Thread(target=lambda: ends.append(outcome(face, agent, cancel=token)[-1]))
        for _ in range(5)
    ]

    for thread in threads:
        thread.start()
    with in_a_moment(token.cancel):
        for thread in threads:
            thread.join()

    assert ends == [CANCELLED] * 5


@every_face
def test_a_model_is_told_how_long_it_has_and_what_may_stop_it(face):
    requests: list[ModelRequest] = []

    def answer(request: ModelRequest) -> str:
        requests.append(request)
        return "ok"

    token = CancelToken()
    face(Agent(ScriptedModel(answer), limits=Limits(seconds=60)), cancel=token)

    (request,) = requests
    assert request.timeout is not None
    assert 50 < request.timeout <= 60
    assert request.cancel is not None


@pytest.mark.parametrize("face", [by_run, by_stream])
def test_a_model_in_a_thread_learns_that_its_time_is_over(face):
    """It cannot be killed, so it must be able to see that nobody waits any more."""
    learned = threading.Event()

    class Patient(Model):
        def complete(self, request: ModelRequest) -> ModelResponse:
            assert request.cancel is not None
            request.cancel.subscribe(learned.set)
            learned.wait(5)
            return say("too late")

    lines = outcome(face, Agent(Patient(), limits=Limits(seconds=0.05)))

    assert lines[-1].startswith("[limited] LimitReached: limit of 0.05 seconds")
    assert learned.wait(2)


@every_face
def test_a_models_own_timeout_is_not_the_runs(face):
    class Hasty(Model):
        def complete(self, request: ModelRequest) -> ModelResponse:
            raise TimeoutError("the socket")

        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            raise TimeoutError("the socket")

    with pytest.raises(RunFailed, match="TimeoutError: the socket"):
        face(Agent(Hasty(), limits=Limits(seconds=60)))


@pytest.mark.parametrize("face", [by_arun, by_astream])
@pytest.mark.parametrize("place", ["before_run", "after_run"])
def test_the_time_limit_bounds_asynchronous_hooks(face, place):
    async def wait(*_: Any) -> None:
        await asyncio.sleep(5)

    hooks = Hooks(**{place: (wait,)})
    memory = Memory()
    began = time.monotonic()

    with pytest.raises(LimitReached):
        face(Agent(ScriptedModel(), hooks=hooks, limits=Limits(seconds=0.05), memory=memory))

    assert time.monotonic() - began < 3
    assert memory.load() == []


async def test_cancelling_its_task_ends_a_run_its_model_and_its_tools():
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    memory = Memory()
    model = ScriptedModel([say("", ("wait", {"name": "a"}), ("wait", {"name": "b"}))])
    task = asyncio.create_task(Agent(model, tools=[wait], memory=memory).arun("hi"))
    await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sorted(ended) == ["a", "b"]
    assert memory.load() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
@pytest.mark.parametrize("place", ["model", "tool", "thread", "hook", "memory"])
async def test_cancelling_the_task_wherever_it_waits(place, limits):
    async def wait(*_: Any) -> None:
        await asyncio.sleep(60 * (place == "hook"))

    class Slow(Memory):
        async def load(self) -> list[Message]:  # type: ignore[override]  # asynchronous
            await asyncio.sleep(60 * (place == "memory"))
            return []

    name = {"tool": "doze", "thread": "nap"}.get(place)
    calls: list[tuple[str, dict[str, Any]]] = [(name, {})] if name else []
    model = ScriptedModel([say("ok", *calls)], delay=60 * (place == "model"))
    agent = Agent(
        model,
        tools=[nap, doze],
        hooks=Hooks(before_run=(wait,)),
        memory=Slow(),
        limits=limits,
    )
    task = asyncio.create_task(agent.arun("hi"))
    await asyncio.sleep(0.02)
    began = time.monotonic()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - began < 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_timeout_round_a_run_stays_a_timeout():
    """The caller's own `asyncio.timeout` is not taken for the run's."""
    agent = Agent(ScriptedModel(delay=60), limits=Limits(seconds=30))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await agent.arun("hi", cancel=CancelToken())


def test_a_used_token_lets_the_next_call_through_no_longer():
    stop = stop_for(None, CancelToken())
    assert stop is not None
    assert stop.call(lambda: 1) == 1

    assert stop.cancel is not None
    stop.cancel.cancel()
    with pytest.raises(RunCancelled):
        stop.call(lambda: 1)


def test_nothing_can_stop_a_run_without_limit_and_token():
    assert stop_for(None, None) is None


def test_a_token_is_let_go_after_the_run():
    """A token may outlive millions of runs: none of them may stay in it."""
    token = CancelToken()
    agent = Agent(ScriptedModel([say("", ("square", {"n": 2})), "done"]), tools=[square])

    for face in (by_run, by_arun, by_stream, by_astream):
        face(agent, cancel=token)

    assert token._callbacks == []


@every_face
def test_the_context_of_a_stopped_run_is_its_own(face):
    """A token stops one user's run, not the one beside it."""
    stopped, free = CancelToken(), CancelToken()
    stopped.cancel()
    agent = Agent(ScriptedModel(["fine"]))

    assert outcome(face, agent, cancel=stopped, context=RunContext(user="a"))[-1] == CANCELLED
    assert outcome(face, agent, cancel=free)[-1] == "[completed] None"


@pytest.mark.parametrize("face", [by_arun, by_astream])
def test_a_token_used_while_the_time_limit_is_taking_effect(face, caplog):
    """Cleaning up takes a while; a second reason to stop in this while is no news."""
    token = CancelToken()

    class Careful(Model):
        async def acomplete(self, request: ModelRequest) -> ModelResponse:
            try:
                await asyncio.sleep(5)
            finally:
                token.cancel()
                await asyncio.sleep(0.01)
            raise AssertionError

    line = outcome(face, Agent(Careful(), limits=Limits(seconds=0.02)), cancel=token)[-1]

    assert line == CANCELLED
    assert caplog.records == []


@pytest.mark.parametrize("face", [by_run, by_arun])
def test_a_hook_that_raises_under_a_time_limit(face):
    def crash(*_: Any) -> None:
        raise LookupError("a bug")

    agent = Agent(ScriptedModel(), hooks=Hooks(before_run=(crash,)), limits=Limits(seconds=60))

    assert outcome(face, agent) == ["[failed] RunFailed: LookupError: a bug"]


async def test_a_time_limit_is_told_though_the_loop_woke_before_the_deadline(monkeypatch):
    """Its clock may be a nanosecond ahead of ours, which stands still here."""
    monkeypatch.setattr(_stop, "monotonic", lambda: 0.0)
    stop = stop_for(0.01, None)
    assert stop is not None

    with pytest.raises(LimitReached, match=r"limit of 0\.01 seconds"):
        async with stop.scope():
            await asyncio.sleep(60)
