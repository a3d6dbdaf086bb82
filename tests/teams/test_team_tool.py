"""An agent, a team or a workflow as a tool of another agent."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    Limits,
    Memory,
    ModelError,
    ModelRequest,
    RunContext,
    RunOutput,
    ScriptedModel,
    Team,
    as_tool,
    say,
)
from tests.faces import by_arun, every_face, transcript
from tests.members import saying


def asking(tool: Any, question: str = "How?", **fields: Any) -> Agent:
    """Make an agent that asks once and then repeats what it was told."""

    def answer(request: ModelRequest) -> Any:
        if request.turn == 1:
            return say("", (tool.name, {"prompt": question}))
        return f"told: {request.messages[-1].content}"

    return Agent(ScriptedModel(answer), name="asker", tools=[tool], **fields)


@every_face
@pytest.mark.parametrize("kind", ["agent", "team", "nested"])
def test_an_agent_asks_another(face, kind):
    expert: Any = saying("expert", "Like this.")
    if kind == "team":
        expert = Team([expert], name="expert")
    elif kind == "nested":
        expert = asking(as_tool(expert)).replace(name="expert")

    told = face(asking(as_tool(expert))).content

    assert told == ("told: told: Like this." if kind == "nested" else "told: Like this.")


@every_face
def test_the_other_runs_for_the_same_user_with_a_run_id_of_its_own(face):
    seen: list[RunContext] = []
    given: list[RunOutput] = []

    def instructions(context: RunContext) -> str:
        seen.append(context)
        return ""

    expert = saying("expert", instructions=instructions)
    agent = asking(as_tool(expert, on_output=given.append))
    output = face(agent, context=RunContext(user="ada", session="s", dependencies=[1]))

    (context,) = seen
    assert (context.user, context.session, context.dependencies) == ("ada", "s", [1])
    assert (context.agent, context.run_id) == ("expert", given[0].run_id)
    assert output.run_id != context.run_id
    assert (output.usage.requests, given[0].usage.requests) == (2, 1)


@every_face
def test_a_failure_is_told_to_the_asking_model(face):
    broken = saying("expert", ModelError("down", provider="x"))

    told = transcript(face(asking(as_tool(broken))))

    assert told[2] == "tool!: ModelError: x: down (a retry would not help)"
    assert told[3].startswith("assistant: told: ModelError")


@every_face
def test_two_are_asked_at_once_and_keep_to_themselves(face):
    memory = Memory()
    slow = Agent(ScriptedModel(lambda r: r.messages[-1].content, delay=0.1), name="slow")
    calls = [("slow", {"prompt": f"q{number}"}) for number in range(5)]

    def answer(request: ModelRequest) -> Any:
        return say("", *calls) if request.turn == 1 else "done"

    agent = Agent(ScriptedModel(answer), tools=[as_tool(slow)], memory=memory)
    began = time.monotonic()
    told = transcript(face(agent))

    assert told[2:-1] == [f"tool: q{number}" for number in range(5)]
    assert time.monotonic() - began < 0.45
    assert len(memory) == 1


async def test_cancelling_the_asking_task_reaches_the_other():
    ended: list[str] = []

    class Slow(ScriptedModel):
        quick = False

        async def acomplete(self, request: ModelRequest) -> Any:
            try:
                await asyncio.sleep(30)
            finally:
                ended.append("cancelled")

    expert = Agent(Slow(), name="expert")
    task = asyncio.create_task(asking(as_tool(expert)).arun("hi"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == ["cancelled"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_time_limit_of_tools_bounds_the_other_where_it_is_awaited():
    slow = Agent(ScriptedModel(delay=30), name="slow")

    told = by_arun(asking(as_tool(slow), limits=Limits(tool_seconds=0.02))).content

    assert told == "told: TimeoutError: timed out after 0.02 s"


async def test_a_synchronous_run_inside_a_running_loop():
    assert asking(as_tool(saying("expert", "x"))).run("hi").content == "told: x"


def test_a_synchronous_program_need_not_load_asyncio(monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncio")

    assert asking(as_tool(saying("expert", "x"))).run("hi").content == "told: x"
    assert "asyncio" not in sys.modules


def test_a_name_is_made_fit_for_providers():
    assert as_tool(saying("Dr. Who?")).name == "Dr_Who"
    assert as_tool(saying("専門家", "x")).name == "agent"
    assert as_tool(saying("x" * 99)).name == "x" * 64
    assert as_tool(saying("x"), name="y", description="Z.").description == "Z."
    with pytest.raises(ConfigurationError, match="`a b` cannot name a tool"):
        as_tool(saying("x"), name="a b")


def test_a_description_quotes_the_instructions():
    long = as_tool(saying("x", instructions="word  \n" * 100)).description

    assert as_tool(saying("x")).description == "Ask `x`."
    assert as_tool(saying("x", instructions=lambda _: "y")).description == "Ask `x`."
    assert long == f"Ask `x`, whose instructions are: {'word ' * 80}…"


def test_what_cannot_be_asked():
    what: Any = 5

    with pytest.raises(ConfigurationError, match="5 is no Agent, Team or Workflow"):
        as_tool(what)
