"""An agent is an immutable description that any number of runs share."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
import sys
import threading
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    Hooks,
    InputError,
    Limits,
    Memory,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    RunContext,
    ScriptedModel,
    say,
    tool,
)
from tests.faces import by_run, every_face, outcome


def add(a: int, b: int = 1) -> int:
    return a + b


def echo(request: ModelRequest) -> str:
    return f"re: {request.messages[-1].content}"


@every_face
def test_the_model_is_given_what_the_agent_describes(face):
    requests: list[ModelRequest] = []

    def answer(request: ModelRequest) -> str:
        requests.append(copy.copy(request))  # the request itself serves all turns
        return "ok"

    agent = Agent(
        ScriptedModel(answer),
        instructions="Be brief.",
        tools=[add],
        options={"temperature": 0},
    )
    face(agent, "hello")

    (request,) = requests
    assert (request.system, request.options, request.turn) == ("Be brief.", {"temperature": 0}, 1)
    assert request.messages[0] == Message("user", "hello")
    assert [offered.name for offered in request.tools] == ["add"]
    assert (request.output_schema, request.timeout) == (None, None)


@every_face
def test_instructions_may_be_a_function_of_the_context(face):
    def told(context: RunContext) -> str:
        return f"You help {context.user} as {context.agent}."

    agent = Agent(ScriptedModel(lambda request: request.system), name="clerk", instructions=told)

    assert face(agent, context=RunContext(user="ada")).content == "You help ada as clerk."


@every_face
@pytest.mark.parametrize("given", [None, 5])
def test_instructions_that_are_no_text(face, given):
    agent = Agent(ScriptedModel(["ok"]), instructions=lambda _: given)

    assert outcome(face, agent)[-1].startswith("[failed]")


@every_face
def test_instructions_that_raise(face):
    def told(_: RunContext) -> str:
        raise KeyError("user")

    assert outcome(face, Agent(ScriptedModel(), instructions=told)) == [
        "[failed] RunFailed: KeyError: 'user'"
    ]


def test_an_agent_never_changes():
    agent: Any = Agent(ScriptedModel(), name="clerk")

    with pytest.raises(AttributeError, match=r"`name` cannot be set.*agent\.replace\(name="):
        agent.name = "boss"
    with pytest.raises(AttributeError, match="`name` cannot be deleted"):
        del agent.name
    with pytest.raises(AttributeError, match="`anything` cannot be set"):
        agent.anything = 1
    assert agent.name == "clerk"


def test_replace_makes_another_and_leaves_the_first():
    agent = Agent(ScriptedModel(echo), name="clerk", instructions="Be brief.")
    agent.run("hi")  # has resolved its fields, which the other must do anew

    other = agent.replace(model=ScriptedModel(["new"]), limits=Limits(turns=1))

    assert (agent.run("hi").content, other.run("hi").content) == ("re: hi", "new")
    assert (other.name, other.instructions) == ("clerk", "Be brief.")


def test_replace_names_the_field_there_is_not():
    with pytest.raises(ConfigurationError, match="an agent has no field `prompt`; the fields are:"):
        Agent(ScriptedModel()).replace(prompt="x", zzz=1)
    with pytest.raises(ConfigurationError, match="no field `_plan`"):
        Agent(ScriptedModel()).replace(_plan=None)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace came with Python 3.13")
def test_copy_replace_is_replace():
    replaced = copy.replace(Agent(ScriptedModel()), name="boss")  # type: ignore[attr-defined,unused-ignore]  # 3.13

    assert replaced.name == "boss"


@pytest.mark.parametrize("used", [False, True])
def test_a_copy_runs(used):
    agent = Agent(ScriptedModel(echo), name="clerk", tools=[add], output_type=None)
    if used:
        agent.run("hi")

    for other in (copy.copy(agent), copy.deepcopy(agent)):
        assert (other.run("hi").content, other.name) == ("re: hi", "clerk")


class Plain(Model):
    """A model that can be pickled."""

    def complete(self, request: ModelRequest) -> ModelResponse:
        return say(echo(request))


picklable_tool = tool(name="picklable")(add)


@pytest.mark.parametrize("used", [False, True])
def test_an_agent_is_sent_to_another_process(used):
    """What it resolved at its first run is not: that is made anew."""
    agent = Agent(Plain(), name="clerk", tools=[add], output_type=int, limits=Limits(turns=2))
    if used:
        agent.check()

    other = pickle.loads(pickle.dumps(agent))

    assert other.replace(output_type=None).run("hi").content == "re: hi"


def test_an_agent_does_not_tell_what_it_holds():
    agent = Agent(
        Plain(), name="clerk", options={"api_key": "secret"}, instructions="secret", memory=Memory()
    )

    assert repr(agent) == "<Agent 'clerk' with <Plain custom:>>"


def test_check_finds_at_once_what_a_run_would_find():
    agent = Agent(ScriptedModel(), tools=[add, add])

    with pytest.raises(ConfigurationError, match="two tools are named `add`"):
        agent.check()
    with pytest.raises(ConfigurationError, match="two tools are named `add`"):
        agent.run("hi")
    Agent(ScriptedModel()).check()


@pytest.mark.parametrize(
    "fields",
    [
        {"model": 5},
        {"limits": 5},
        {"hooks": [print]},
        {"instructions": 5},
        {"memory": "my-session"},
        {"memory": Memory},
        {"options": "temperature=0"},
        {"tools": "calculator"},
        {"tools": 5},
        {"name": None},
    ],
    ids=str,
)
def test_a_field_that_cannot_be_is_named(fields):
    (name,) = fields

    with pytest.raises(ConfigurationError, match=name):
        Agent(**{"model": ScriptedModel(), **fields}).run("hi")


def test_only_the_model_goes_without_its_name():
    with pytest.raises(TypeError):
        Agent(ScriptedModel(), "clerk")  # type: ignore[call-arg]  # that is the point


def test_a_stream_is_checked_when_it_is_asked_for():
    """Not at its first event: the caller's `try` stands round the call."""
    agent = Agent(ScriptedModel(), tools=[add, add])

    with pytest.raises(ConfigurationError):
        agent.stream("hi")
    with pytest.raises(ConfigurationError):
        agent.astream("hi")


def test_an_empty_prompt_is_told_so():
    with pytest.raises(InputError, match="the prompt is ''; give a text"):
        Agent(ScriptedModel()).run("")


def test_threads_that_run_one_new_agent_at_once():
    agent = Agent(ScriptedModel(echo), tools=[add], memory=None)
    together = threading.Barrier(8)
    contents: dict[str, str] = {}

    def run(name: str) -> None:
        together.wait()
        for number in range(50):
            contents[f"{name}.{number}"] = agent.run(f"{name}.{number}").content

    threads = [threading.Thread(target=run, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(contents) == 400
    assert all(content == f"re: {prompt}" for prompt, content in contents.items())


async def test_a_synchronous_run_inside_a_running_loop():
    agent = Agent(ScriptedModel(echo), memory=Memory(), hooks=Hooks())

    assert agent.run("hi").content == "re: hi"
    assert [type(event).__name__ for event in agent.stream("hi")][-1] == "RunFinished"


def test_one_agent_in_one_loop_after_another():
    """No loop is held on to: each `asyncio.run` is a new one."""
    model = ScriptedModel([say("", ("add", {"a": 1}), ("add", {"a": 2})), "3"])
    agent = Agent(model, tools=[add], memory=Memory())

    assert [asyncio.run(agent.arun("hi")).content for _ in range(3)] == ["3"] * 3


def test_a_model_with_only_complete_serves_every_face():
    contents = [by_run(Agent(Plain())).content]
    contents.append(asyncio.run(Agent(Plain()).arun("hi")).content)

    assert contents == ["re: hi"] * 2


def test_a_model_without_complete_is_told_so():
    assert outcome(by_run, Agent(Model()))[-1] == (
        "[failed] RunFailed: NotImplementedError: Model has no `complete`"
    )


def test_nothing_is_printed(capsys):
    model = ScriptedModel([say("", ("add", {"a": 1}), ("missing", {})), "done"])
    Agent(model, tools=[add]).run("hi")

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"memory": "ann"}, "`memory` is 'ann'; give a Memory, not its class or name"),
        ({"memory": Memory}, "give a Memory, not its class or name"),
        ({"context": {"user": "ann"}}, "`context` is {'user': 'ann'}; give a RunContext"),
    ],
)
def test_an_argument_of_a_run_that_is_something_else(given, problem):
    agent = Agent(ScriptedModel(), limits=Limits(seconds=60))

    with pytest.raises(InputError, match=re.escape(problem)):
        agent.run("hi", **given)


def test_an_agent_that_cannot_work_can_still_be_shown():
    wrong: Any = 5

    assert repr(Agent(ScriptedModel(), tools=wrong)).startswith("<Agent 'agent' with ")
