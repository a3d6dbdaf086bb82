"""Workflows among teams, tools and other workflows; and nothing that is left behind."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from agno_cli import (
    Agent,
    CancelToken,
    MemoryCheckpoints,
    Parallel,
    RunCancelled,
    RunFailed,
    ScriptedModel,
    Step,
    StepInput,
    Usage,
    Workflow,
    say,
)
from agno_cli.teams._team import Team
from agno_cli.teams._tool import as_tool
from tests.workflows.faces import add, every_face, outcome


def saying(name: str, words: str) -> Agent:
    return Agent(ScriptedModel([words]), name=name)


@every_face
def test_a_team_is_a_step(face):
    team = Team([saying("a", "one"), saying("b", "two")], mode="sequential", name="team")
    output = face(Workflow([add("x"), team, add("!")]))
    assert [step.content for step in output.steps] == ["x", "two", "two!"]
    assert output.usage == Usage(2, 2, requests=2)


@every_face
def test_a_workflow_is_a_member_of_a_team(face):
    workflow = Workflow([saying("a", "one"), add("!")], name="flow")
    team = Team([workflow, saying("b", "two")], mode="parallel", name="team")
    outer = Workflow([team], name="outer")
    (step,) = face(outer).steps
    assert "one!" in step.content
    assert "two" in step.content


@every_face
def test_a_workflow_is_a_tool_of_an_agent(face):
    workflow = Workflow([lambda given: given.prompt.upper()], name="shout")
    model = ScriptedModel([say("", ("shout", {"task": "quiet"})), "done"])
    agent = Agent(model, name="asker", tools=[as_tool(workflow)])
    assert outcome(face, Workflow([agent])) == ["1.asker: done", "[completed] done"]


async def test_one_of_100_branches_fails_and_no_task_is_left():
    async def work(given: StepInput) -> str:
        number = int(given.path.rpartition("b")[2])
        if number == 57:
            await asyncio.sleep(0.01)
            raise ValueError("57")
        await asyncio.sleep(0.001 if number % 2 else 30)
        return str(number)

    branches = {str(number): Step(work, f"b{number}") for number in range(100)}
    workflow = Workflow([Parallel(branches, at_most=100)], checkpoints=MemoryCheckpoints())
    with pytest.raises(RunFailed, match=r"step `b57` at `1\.parallel\.58\.b57`: ValueError: 57"):
        await workflow.arun("hi")
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(RunFailed):
        async for _ in workflow.astream("hi"):
            pass
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("ends", ["token", "task", "close"])
async def test_however_a_run_is_stopped_no_task_is_left(ends):
    slow = Agent(ScriptedModel(["word " * 50], delay=30), name="slow")
    workflow = Workflow([Parallel({str(number): slow for number in range(100)}, at_most=100)])
    token = CancelToken()
    if ends == "close":
        stream = workflow.astream("hi")
        for _ in range(120):
            await anext(stream)
        await stream.aclose()
    else:
        task = asyncio.create_task(workflow.arun("hi", cancel=token))
        await asyncio.sleep(0.05)
        token.cancel() if ends == "token" else task.cancel()
        with pytest.raises((RunCancelled, asyncio.CancelledError)):
            await task
    assert len(asyncio.all_tasks()) == 1


def test_a_cancelled_run_leaves_no_thread_at_work():
    slow = Agent(ScriptedModel(["late"], delay=30), name="slow")
    workflow = Workflow([Parallel({str(number): slow for number in range(20)}, at_most=20)])
    token = CancelToken()
    threading.Timer(0.1, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled) as caught:
        workflow.run("hi", cancel=token)
    assert time.monotonic() - started < 10
    assert caught.value.output is not None
    assert caught.value.output.status == "cancelled"
