"""Many runs on one agent: they do not mix, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable

import pytest

from agno_cli import (
    Agent,
    Hooks,
    Limits,
    Memory,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunContext,
    ScriptedModel,
    say,
    tool,
)


@tool(quick=True)
def add(a: int, b: int = 1) -> int:
    return a + b


def add_slowly(a: int, b: int = 1) -> int:
    return a + b


async def whose(context: RunContext) -> str:
    await asyncio.sleep(0)
    return context.user


def asks_then_echoes(request: ModelRequest) -> ModelResponse:
    """Ask a tool who the user is, then tell it together with the prompt."""
    if request.turn == 1:
        return say("", ("whose", {}), ("add", {"a": 1}))
    prompt, _, user, _ = request.messages[-4:]
    return say(f"{prompt.content} of {user.content}")


async def test_two_thousand_runs_at_once_on_one_agent_do_not_mix():
    agent = Agent(ScriptedModel(asks_then_echoes, delay=0.001), tools=[whose, add])
    memories = [Memory() for _ in range(2000)]

    outputs = await asyncio.gather(
        *(
            agent.arun(f"question {n}", memory=memory, context=RunContext(user=f"user {n}"))
            for n, memory in enumerate(memories)
        )
    )

    assert [output.content for output in outputs] == [
        f"question {n} of user {n}" for n in range(2000)
    ]
    assert len({output.run_id for output in outputs}) == 2000
    assert all(
        memory.load() == output.messages for memory, output in zip(memories, outputs, strict=True)
    )


def call(name: str) -> ScriptedModel:
    return ScriptedModel([say("", (name, {"a": 1})), "2"])


def run(agent: Agent) -> None:
    agent.run("hi")


def run_and_fail(agent: Agent) -> None:
    with pytest.raises(ModelError):
        agent.run("hi")


def stream(agent: Agent) -> None:
    list(agent.stream("hi"))


def leave(agent: Agent) -> None:
    events = agent.stream("hi")
    next(events)
    next(events)
    events.close()


SOAKS: dict[str, tuple[Callable[[Agent], None], Agent]] = {
    "plain": (run, Agent(ScriptedModel(["ok"]))),
    "a quick tool": (run, Agent(call("add"), tools=[add])),
    "hooks and a memory": (
        run,
        Agent(
            call("add"),
            tools=[add],
            memory=Memory(3),
            hooks=Hooks(before_run=(lambda *_: None,), after_tool=(lambda *_: None,)),
        ),
    ),
    "a time limit, so threads": (
        run,
        Agent(call("add_slowly"), tools=[add_slowly], limits=Limits(seconds=60, tool_seconds=60)),
    ),
    "failures": (run_and_fail, Agent(ScriptedModel([ModelError("down", provider="acme")]))),
    "streams": (stream, Agent(call("add"), tools=[add])),
    "streams that are left": (leave, Agent(ScriptedModel(["many words to say"]))),
}


def growth(once: Callable[[], None], times: int) -> int:
    """Give the bytes that so many calls leave behind once the first have warmed everything up."""
    for _ in range(100):
        once()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(100):
            once()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(times):
            once()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


@pytest.mark.parametrize("name", SOAKS)
def test_runs_leave_nothing_behind(name):
    once, agent = SOAKS[name]

    # An object a run would be 20,000 bytes; the rest is room for what the interpreter itself keeps.
    assert growth(lambda: once(agent), 300) < 3000


def test_asynchronous_runs_leave_nothing_behind():
    agent = Agent(call("add_slowly"), tools=[add_slowly], memory=Memory(3))

    with asyncio.Runner() as runner:

        def once() -> None:
            runner.run(agent.arun("hi"))

        assert growth(once, 200) < 6000
