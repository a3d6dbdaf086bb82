"""Workflows that cannot work as written: one clear error each, before anything is run."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import Struct

from agno_cli import (
    Agent,
    Condition,
    ConfigurationError,
    InputError,
    Limits,
    Loop,
    Memory,
    MemoryCheckpoints,
    Parallel,
    Retry,
    Router,
    ScriptedModel,
    Step,
    StepInput,
    Workflow,
)
from tests.workflows.faces import add, every_face

AGENT = Agent(ScriptedModel(["ok"]), name="agent")


class Strict(Struct):
    title: str
    tags: list[str] = []


@dataclass
class Loose:
    title: str = ""


def generate(given: StepInput) -> Any:
    yield given


async def agenerate(given: StepInput) -> Any:
    yield given


async def wait(given: StepInput) -> None:
    return None


def itself() -> Workflow:
    steps: list[Any] = [AGENT]
    workflow = Workflow(steps, name="loop")
    steps.append(workflow)
    return workflow


# What users write who do not check their types.
AnyStep: Any = Step
AnyParallel: Any = Parallel
AnyLoop: Any = Loop
AnyCondition: Any = Condition


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "the steps are []; give a list of nodes"),
        (AGENT, "the steps are <Agent 'agent'"),
        ([[]], "the steps at `1` are []; give a list of nodes"),
        ([7], "the node at `1` is 7; give a Step, Parallel, Condition, Loop or Router, an agent,"),
        ([Agent], "the node at `1` is <class 'agno_cli._agent.Agent'>; give a Step"),
        ([AnyStep(AGENT, AGENT)], "the name of a node at `1` is <Agent 'agent'"),
        ([AnyStep(AGENT, retry="3")], "`retry` of `1.agent` is '3'; give a Retry or a number"),
        ([Step(AGENT, retry=0)], "retry `attempts` is 0; give a whole number from 1 up"),
        ([Step(AGENT, timeout=0)], "`timeout` of `1.agent` is 0; give seconds above 0"),
        ([Step(AGENT, history=-1)], "`history` of `1.agent` is -1; give a whole number from 0 up"),
        ([AnyStep(AGENT, into=7)], "`into` of `1.agent` is 7; name a field of the state"),
        (
            [AnyStep(AGENT, prompt=7)],
            "`prompt` of `1.agent` is 7; give a function of the Step",
        ),
        ([Step(wait, returns=lambda: 0)], "`returns` of `1.wait` cannot be restored: "),
        ([Step(wait, prompt="x")], "`1.wait` is a function, which takes no `prompt`; leave it"),
        ([Step(wait, quick=True)], "`1.wait` is quick, so it can be neither async nor timed"),
        ([Step(add("a"), timeout=1, quick=True)], "`1.a` is quick, so it can be neither async nor"),
        ([generate], "`1.generate` is a generator; return a value instead"),
        ([agenerate], "`1.agenerate` is a generator; return a value instead"),
        ([Step(AGENT.replace(memory=Memory()), history=1)], "`1.agent` asks for history, but has"),
        ([Parallel([])], "the branches of `1.parallel` are []; give a list of nodes or a dict"),
        ([AnyParallel(AGENT)], "the branches of `1.parallel` are <Agent"),
        ([Parallel([AGENT], at_most=0)], "`at_most` of `1.parallel` is 0; give a whole number"),
        (
            [AnyParallel([AGENT], merge="all")],
            "`merge` of `1.parallel` is 'all'; give a function",
        ),
        ([Parallel([AGENT, AGENT])], "two branches of `1.parallel` are named `agent`; name them:"),
        (
            [AnyCondition(True, AGENT)],
            "`when` of `1.condition` is True; give a function of",
        ),
        ([Loop(AGENT, max_rounds=0)], "`max_rounds` of `1.loop` is 0; give a whole number from 1"),
        ([AnyLoop(AGENT, at_limit="stop")], "`at_limit` of `1.loop` is 'stop'; give `go_on` or"),
        ([AnyLoop(AGENT, until=int)], "`until` of `1.loop` is <class 'int'>; give a function"),
        ([Router(wait, {})], "the routes of `1.router` are {}; give a dict of nodes by name"),
        ([Router(wait, {"": AGENT})], "a route of `1.router` is named ''; give a text"),
        ([Router("x", {"a": AGENT})], "`choose` of `1.router` is 'x'; give a function of the"),
        ([Router(wait, {"a b": AGENT, "a-b": AGENT})], "two nodes have the path"),
        ([Workflow([AGENT], memory=Memory())], "the workflow at `1.workflow` has memory of its"),
        ([Workflow([AGENT], limits=Limits())], "the workflow at `1.workflow` has limits of its"),
        ([Step(Workflow([AGENT]), timeout=1)], "`1.workflow` is a workflow, which takes no `time"),
        ([Step(Workflow([AGENT]), retry=2)], "`1.workflow` is a workflow, which takes no `retry`"),
        ([Workflow([AGENT], state_type=Strict)], "the state of the workflow at `1.workflow` has"),
        ([itself()], "workflow `loop` is a step of itself"),
    ],
)
def test_nodes_that_cannot_work(steps, problem):
    with pytest.raises(ConfigurationError) as caught:
        Workflow(steps).check()
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": 7}, "a workflow's `name` is 7; give a text"),
        ({"limits": 7}, "a workflow's `limits` is 7; give a `Limits`"),
        ({"memory": Memory}, "a workflow's `memory` is <class"),
        ({"checkpoints": "runs.db"}, "a workflow's `checkpoints` is 'runs.db'; give a MemoryCheck"),
        ({"checkpoints": MemoryCheckpoints}, "a workflow's `checkpoints` is <class"),
        ({"state_type": list[int]}, "`state_type` is `list`; give a dataclass, a Struct"),
        ({"state_type": 7}, "`state_type` 7 cannot be stored"),
    ],
)
def test_fields_that_cannot_be(fields, problem):
    with pytest.raises(ConfigurationError) as caught:
        Workflow([AGENT], **fields).run("hi")
    assert problem in str(caught.value)


@pytest.mark.parametrize("kind", [Strict, Loose])
def test_a_field_that_the_state_does_not_have(kind):
    workflow = Workflow([Step(AGENT, into="titel")], state_type=kind)
    with pytest.raises(ConfigurationError, match=r"`into` of `1\.agent` is 'titel'; .* are title"):
        workflow.check()


@pytest.mark.parametrize(
    ("number", "value"), [("backoff", -1), ("longest", float("inf")), ("backoff", "1")]
)
def test_waits_that_cannot_be(number, value):
    with pytest.raises(ConfigurationError, match=f"retry `{number}` is .*; give seconds from 0 up"):
        Retry(**{number: value})


def test_waits_double_up_to_the_longest():
    retry = Retry(attempts=9, backoff=0.5, longest=3)
    assert [retry.wait(failed) for failed in (1, 2, 3, 4, 5000)] == [0.5, 1, 2, 3, 3]


@every_face
def test_a_prompt_that_is_empty(face):
    for workflow in (Workflow([AGENT]), Workflow([AGENT], checkpoints=MemoryCheckpoints())):
        with pytest.raises(InputError, match="the prompt is ' '; give a text"):
            face(workflow, " ")


@every_face
def test_a_prompt_that_a_step_makes_empty_is_the_steps_failure(face):
    from agno_cli import RunFailed

    with pytest.raises(RunFailed, match=r"step `agent` at `1\.agent`: the prompt is ' '"):
        face(Workflow([Step(AGENT, prompt=lambda _: " ")]))


def test_a_workflow_never_changes():
    workflow = Workflow([AGENT], name="w")
    with pytest.raises(AttributeError, match=r"a Workflow never changes, so `name` cannot be set"):
        workflow.name = "v"
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del workflow.name
    other = workflow.replace(name="v")
    assert (workflow.name, other.name, other.run("hi").content) == ("w", "v", "ok")
    assert repr(other) == "<Workflow 'v' of 1 nodes>"
    with pytest.raises(ConfigurationError, match="a workflow has no field `nam`; the fields are:"):
        workflow.replace(nam="v")


def test_a_workflow_can_be_pickled_without_its_plan():
    agent = Agent("scripted:ok", name="agent")
    workflow = Workflow([agent, Parallel({"a": Step(agent, into="x")})], name="w")
    assert workflow.run("hi").state == {"x": "ok"}
    again = pickle.loads(pickle.dumps(workflow))
    assert again._plan is None
    assert again.run("hi").state == {"x": "ok"}


def test_a_workflow_is_checked_once():
    workflow = Workflow([AGENT])
    workflow.check()
    plan = workflow._plan
    workflow.run("hi")
    assert workflow._plan is plan
