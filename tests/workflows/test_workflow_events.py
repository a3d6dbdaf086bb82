"""What a streamed workflow tells, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agno_cli import (
    Agent,
    Event,
    MemberEvent,
    Parallel,
    Retry,
    RunFinished,
    RunStarted,
    ScriptedModel,
    Step,
    StepFailed,
    StepFinished,
    StepInput,
    StepStarted,
    TextDelta,
    Workflow,
    say,
    tool,
)
from agno_cli._json import to_json
from tests.workflows.faces import add


def by_stream(workflow: Workflow) -> list[Event]:
    return list(workflow.stream("hi"))


def by_astream(workflow: Workflow) -> list[Event]:
    async def events() -> list[Event]:
        return [event async for event in workflow.astream("hi")]

    return asyncio.run(events())


every_stream = pytest.mark.parametrize("stream", [by_stream, by_astream])


def told(event: Event) -> str:
    """Write an event down in short."""
    if isinstance(event, MemberEvent):
        return f"{event.member}: {told(event.event)}"
    if isinstance(event, TextDelta):
        return f"text {event.text!r}"
    if isinstance(event, StepStarted):
        return f"begins {event.path}"
    if isinstance(event, StepFinished):
        return f"done {event.output.path}: {event.output.content}"
    return type(event).__name__


@every_stream
def test_steps_and_what_happens_in_them(stream):
    first = Agent(ScriptedModel(["one two"]), name="first")
    last = Agent(ScriptedModel(["three four"]), name="last")
    assert [told(event) for event in stream(Workflow([first, add("!"), last]))] == [
        "RunStarted",
        "begins 1.first",
        "1.first: RunStarted",
        "1.first: text 'one '",
        "1.first: text 'two'",
        "1.first: TurnFinished",
        "1.first: RunFinished",
        "done 1.first: one two",
        "begins 2.step",
        "done 2.step: one two!",
        "begins 3.last",
        "3.last: RunStarted",
        "text 'three '",
        "text 'four'",
        "3.last: TurnFinished",
        "3.last: RunFinished",
        "done 3.last: three four",
        "RunFinished",
    ]


@every_stream
def test_the_answer_is_told_also_where_no_agent_says_it(stream):
    events = stream(Workflow([Agent(ScriptedModel(["one"]), name="first"), add("!")]))
    assert [told(event) for event in events][-2:] == ["text 'one!'", "RunFinished"]
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert (events[0], finished.output.content) == (
        RunStarted(finished.output.run_id, "workflow", ""),
        "one!",
    )


@every_stream
def test_branches_tell_whose_events_theirs_are(stream):
    @tool
    def look() -> str:
        return "seen"

    slow = ScriptedModel([say("", ("look", {})), "slow"], delay=0.01)
    branches = {name: Agent(slow, name=name, tools=[look]) for name in ("a", "b", "c")}
    events = stream(Workflow([Parallel(branches)]))
    for number, name in enumerate(branches, 1):
        path = f"1.parallel.{number}.{name}"
        mine = [e.event for e in events if isinstance(e, MemberEvent) and e.member == path]
        assert [type(event).__name__ for event in mine] == [
            "RunStarted",
            "ToolCallStarted",
            "ToolCallFinished",
            "TurnFinished",
            "TextDelta",
            "TurnFinished",
            "RunFinished",
        ]


@every_stream
def test_failed_attempts_are_told_and_say_nothing_for_the_workflow(stream):
    answers: list[Any] = [ConnectionError("lost"), "found"]
    agent = Agent(ScriptedModel(lambda _: answers.pop(0)), name="agent")
    events = stream(Workflow([Step(agent, retry=Retry(attempts=2, backoff=0.001))]))
    (failed,) = [event for event in events if isinstance(event, StepFailed)]
    assert failed == StepFailed("1.agent", "agent", 1, "RunFailed: ConnectionError: lost", 0.001)
    assert [told(event) for event in events if isinstance(event, TextDelta)] == ["text 'found'"]


@every_stream
def test_events_are_json(stream):
    def count(given: StepInput) -> Any:
        given.state["n"] = 1
        return given.previous

    events = stream(Workflow([Agent(ScriptedModel(["x"]), name="a"), count]))
    kinds = [to_json(event)[: len('{"event":"step_started"')] for event in events]
    assert '{"event":"step_started"' in kinds
    assert '"state":{"n":1},"steps":[{"path":"1.a"' in to_json(events[-1])
