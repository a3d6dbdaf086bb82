"""Earlier runs and conversations: who is shown what, and that nobody is shown another's."""

from __future__ import annotations

from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    Memory,
    MemoryCheckpoints,
    Message,
    ModelRequest,
    RunContext,
    RunFailed,
    ScriptedModel,
    Step,
    StepInput,
    ToolCall,
    Workflow,
)
from agno_cli._checkpoints import PastRun
from agno_cli.storage import SqliteCheckpoints
from tests.workflows.faces import add, every_face


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryCheckpoints()
        return
    with SqliteCheckpoints(tmp_path / "runs.db") as kept:
        yield kept


def telling(request: ModelRequest) -> str:
    """Tell what the model is shown."""
    return " | ".join(message.content for message in request.messages)


def fail_for_bad(given: StepInput) -> str:
    if given.prompt == "bad":
        raise ValueError("bad")
    return given.text


def flow(store: Any, history: int = 2, **fields: Any) -> Workflow:
    agent = Agent(ScriptedModel(telling), name="agent")
    steps = [fail_for_bad, Step(agent, prompt="{prompt}", history=history)]
    return Workflow(steps, checkpoints=store, **fields)


@every_face
def test_a_step_is_shown_the_newest_completed_runs_of_its_session(face, store):
    workflow = flow(store)
    mine = RunContext(user="anna", session="s")
    assert face(workflow, "one", context=mine).content == "one"
    with pytest.raises(RunFailed):
        face(workflow, "bad", context=mine)
    assert face(workflow, "two", context=mine).content == "one | one | two"
    assert face(workflow, "three", context=mine).content == (
        "one | one | two | one | one | two | three"
    )
    four = face(workflow, "four", context=mine).content
    assert four.startswith("two | one | one | two | three | ")


@every_face
def test_nobody_is_shown_anothers_runs(face, store):
    workflow = flow(store)
    face(workflow, "secret", context=RunContext(user="anna", session="s"))
    for other in (
        RunContext(user="bert", session="s"),
        RunContext(user="anna", session="t"),
        RunContext(user="anna"),
        RunContext(),
        None,
    ):
        assert face(workflow, "hi", context=other).content == "hi"
        assert face(workflow.replace(name="w"), "hi", context=other).content == "hi"
    renamed = workflow.replace(name="other")
    assert face(renamed, "hi", context=RunContext(user="anna", session="s")).content == "hi"


@every_face
def test_functions_are_shown_as_much_as_they_ask_for(face, store):
    seen: list[tuple[PastRun, ...]] = []

    def look(given: StepInput) -> None:
        seen.append(given.history)

    workflow = Workflow([add("x"), Step(look, history=1), look], checkpoints=store)
    mine = RunContext(session="s")
    for prompt in ("one", "two", "three"):
        face(workflow, prompt, context=mine)
    assert seen == [(), (), (PastRun("one", "x"),), (), (PastRun("two", "x"),), ()]


@every_face
def test_a_memory_is_the_conversation_where_there_is_one(face, store):
    memory = Memory()
    workflow = flow(None, memory=memory)
    assert face(workflow, "one").content == "one"
    assert face(workflow, "two").content == "one | one | two"
    with pytest.raises(RunFailed):
        face(workflow, "bad")
    own = Memory()
    assert face(workflow, "mine", memory=own).content == "mine"
    assert [message.content for message in memory.load()] == [
        "one",
        "one",
        "two",
        "one | one | two",
    ]
    assert own.load() == [Message("user", "mine"), Message("assistant", "mine")]
    assert face(flow(store), "three", memory=own).content == "mine | mine | three"


def test_only_what_was_said_is_history():
    memory = Memory()
    memory.commit([Message("assistant", "before any question")])
    call = ToolCall("1", "add", "{}")
    memory.commit(
        [
            Message("user", "sum?"),
            Message("assistant", "let me see", (call,)),
            Message("tool", "3", (), "1", "add"),
            Message("assistant", "", (call,)),
            Message("assistant", "three"),
        ]
    )
    assert flow(None).run("hi", memory=memory).content == "sum? | three | hi"


def test_without_anything_kept_there_is_no_history():
    with pytest.raises(
        ConfigurationError, match="a step of workflow `workflow` asks for `history`"
    ):
        flow(None).run("hi")


def test_a_resumed_run_is_shown_the_history_it_began_with(store):
    broken = [True]

    def fail_once(given: StepInput) -> str:
        if given.prompt == "two" and broken:
            raise ValueError("down")
        return given.text

    agent = Agent(ScriptedModel(telling), name="agent")
    workflow = Workflow([fail_once, Step(agent, prompt="{prompt}", history=5)], checkpoints=store)
    mine = RunContext(session="s")
    workflow.run("one", context=mine)
    with pytest.raises(RunFailed):
        workflow.run("two", context=mine, run_id="it")
    workflow.run("three", context=mine)
    broken.clear()
    assert workflow.resume("it").content == "one | one | two"


@every_face
def test_agents_begin_afresh_in_each_run_and_keep_what_is_their_own(face):
    own = Memory()
    fresh = Agent(ScriptedModel(telling), name="fresh")
    remembering = Agent(ScriptedModel(telling), name="remembering", memory=own)
    workflow = Workflow([fresh, Step(remembering, prompt="{prompt}")])
    assert face(workflow, "one").steps[0].content == "one"
    second = face(workflow, "two")
    assert [step.content for step in second.steps] == ["two", "one | one | two"]
    assert len(own) == 2


@every_face
def test_a_memory_that_cannot_be_written_fails_the_run(face):
    class Full(Memory):
        def commit(self, messages: Any) -> None:
            raise OSError("disk full")

    with pytest.raises(RunFailed, match="OSError: disk full") as caught:
        face(Workflow([add("x")], memory=Full()))
    assert caught.value.output is not None
    assert caught.value.output.content == "x"
