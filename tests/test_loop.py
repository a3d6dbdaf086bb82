"""The run loop by itself, and what must hold of every run."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agno_cli import (
    Agent,
    AgnoError,
    Hooks,
    LimitReached,
    Limits,
    Memory,
    Message,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunFailed,
    RunOutput,
    ScriptedModel,
    ToolCall,
    ToolResult,
    Usage,
    say,
    tool,
)
from agno_cli._loop import ToolBatch, run_loop
from agno_cli._plan import make_plan
from tests.faces import by_arun, by_run, every_face, outcome


@tool(quick=True)
def add(a: int, b: int = 1) -> int:
    return a + b


@tool(quick=True)
def fail(why: str) -> str:
    raise ValueError(why)


class Odd(Model):
    """Gives what no model should."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def complete(self, request: ModelRequest) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def test_the_loop_asks_for_what_it_needs_and_does_nothing_itself():
    """A driver writes each answer into the step it was asked for."""
    plan = make_plan(
        agent="clerk",
        model=Odd(None),
        instructions="Be brief.",
        tools=[add],
        memory=None,
        output_type=None,
        limits=Limits(),
        hooks=Hooks(),
        options={"temperature": 0},
    )
    steps = run_loop(plan, "run-1", "What is 1 + 1?", None, None)

    request = next(steps)
    assert isinstance(request, ModelRequest)
    assert (request.system, request.options, request.turn) == ("Be brief.", {"temperature": 0}, 1)
    assert request.messages == [Message("user", "What is 1 + 1?")]
    assert [offered.name for offered in request.tools] == ["add"]

    request.response = say("", ("add", {"a": 1}))
    batch = next(steps)
    assert isinstance(batch, ToolBatch)
    call = ToolCall("call_1", "add", '{"a":1}')
    assert batch.calls == (call,)

    batch.results = [ToolResult("call_1", "add", "2")]
    assert next(steps) is request
    assert request.turn == 2
    assert request.messages[1:] == [
        Message("assistant", tool_calls=(call,)),
        Message("tool", "2", tool_call_id="call_1", name="add"),
    ]

    request.response = say("It is 2.")
    output = next(steps)
    assert isinstance(output, RunOutput)
    assert output == RunOutput(
        run_id="run-1",
        content="It is 2.",
        messages=request.messages,
        usage=Usage(2, 2, requests=2),
        turns=2,
        total_seconds=output.total_seconds,
        model_seconds=output.model_seconds,
        tool_seconds=output.tool_seconds,
        model="scripted",
    )
    assert next(steps, "the end") == "the end"


OUTAGE = ModelError("overloaded", provider="acme", status=529, request_id="r1", retryable=True)
OUTAGE_LINE = (
    "[failed] ModelError: acme: overloaded (status 529, request id r1, a retry could help)"
)

CASES: dict[str, tuple[Model, list[str]]] = {
    "an outage at once": (ScriptedModel([OUTAGE]), ["user: hi", OUTAGE_LINE]),
    "an outage after a turn": (
        ScriptedModel([say("", ("add", {"a": 1})), OUTAGE]),
        ["user: hi", 'assistant:  -> add{"a":1}', "tool: 2", OUTAGE_LINE],
    ),
    "a bug": (
        Odd(ZeroDivisionError("division by zero")),
        ["user: hi", "[failed] RunFailed: ZeroDivisionError: division by zero"],
    ),
    "nothing": (
        Odd(None),
        [
            "user: hi",
            (
                "[failed] ModelError: custom: gave nothing, not a ModelResponse"
                " (a retry would not help)"
            ),
        ],
    ),
    "a text": (
        Odd("a text"),
        [
            "user: hi",
            (
                "[failed] ModelError: custom: gave 'str', not a ModelResponse"
                " (a retry would not help)"
            ),
        ],
    ),
}


@every_face
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_model_that_fails(face, name, kept):
    model, expected = CASES[name]
    memory = Memory() if kept else None

    assert outcome(face, Agent(model, tools=[add]), memory=memory) == expected
    assert memory is None or memory.load() == []


@every_face
@pytest.mark.parametrize("kept", [False, True])
def test_a_model_that_raises_stop_iteration(face, kept):
    with pytest.raises(RunFailed, match="StopIteration"):
        face(Agent(Odd(StopIteration())), memory=Memory() if kept else None)


@every_face
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_wish_to_end_the_process_is_not_wrapped(face, error, kept):
    memory = Memory() if kept else None

    with pytest.raises(error):
        face(Agent(ScriptedModel(_raising(error))), memory=memory)


def _raising(error: type[BaseException]) -> Callable[[ModelRequest], str]:
    def answer(_: ModelRequest) -> str:
        raise error

    return answer


@every_face
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("prompt", ["", " \n\t", None, 5, b"hi", ["hi"]])
def test_a_prompt_that_cannot_be_used(face, prompt, kept):
    given = {"prompt": prompt, "memory": Memory() if kept else None}

    assert outcome(face, Agent(ScriptedModel()), **given) == [
        f"InputError: the prompt is {prompt!r}; give a text"
    ]


# What holds of every run.

call_lines = st.lists(
    st.sampled_from(
        [
            ("add", {"a": 1}),
            ("add", {"a": "x"}),
            ("fail", {"why": "never mind"}),
            ("missing", {}),
            ("final_answer", {"value": 3}),
            ("final_answer", {"value": "three"}),
        ]
    ),
    max_size=3,
)
lines = st.one_of(
    st.builds(
        lambda text, calls, used: say(text, *calls, usage=used),
        st.sampled_from(["", "3", '{"value": 3}', "some text"]),
        call_lines,
        st.builds(Usage, st.integers(0, 9), st.integers(0, 9)),
    ),
    st.just(OUTAGE),
)
scripts = st.lists(lines, min_size=1, max_size=5)
limits = st.builds(
    Limits,
    turns=st.integers(1, 4),
    tool_calls=st.none() | st.integers(0, 4),
    tokens=st.none() | st.integers(1, 40),
    output_retries=st.integers(0, 2),
)


def ended(agent: Agent) -> tuple[str, RunOutput]:
    try:
        return "", agent.run("hi")
    except AgnoError as error:
        if error.output is None:
            raise
        return f"{type(error).__name__}: {error}", error.output


def unanswered(messages: list[Message]) -> list[str]:
    """List the calls without exactly one result right after the message that makes them."""
    missing = []
    for index, message in enumerate(messages):
        wanted = [call.id for call in message.tool_calls]
        found = [item.tool_call_id for item in messages[index + 1 : index + 1 + len(wanted)]]
        if wanted != found:
            missing.append(f"{message}: {found}")
    results = sum(item.role == "tool" for item in messages)
    assert results == sum(len(item.tool_calls) for item in messages)
    return missing


@settings(deadline=None, max_examples=150)
@given(scripts, limits, st.sampled_from([None, int]), st.booleans())
def test_whatever_happens_the_history_is_valid_and_the_books_balance(
    script, bounds, output_type, native
):
    memory = Memory()
    model = ScriptedModel(script, native_schema=native)
    agent = Agent(model, tools=[add, fail], limits=bounds, output_type=output_type, memory=memory)

    problem, output = ended(agent)

    answers = [line for line in repeated(script, output.turns) if isinstance(line, ModelResponse)]
    assert unanswered(output.messages) == []
    assert output.messages[0] == Message("user", "hi")
    assert output.usage == sum((line.usage for line in answers), Usage(requests=0))
    assert output.turns == len(answers) <= bounds.turns
    assert output.total_seconds >= output.model_seconds + output.tool_seconds
    assert memory.load() == ([] if problem else output.messages)
    assert (output.status == "completed") == (not problem)
    if output_type and not problem:
        assert output.data == 3


def repeated(script: list[Any], turns: int) -> list[Any]:
    """List the lines that a run of so many turns was given; the last one repeats."""
    return [script[min(turn, len(script) - 1)] for turn in range(turns)]


def timeless(output: RunOutput) -> RunOutput:
    return replace(output, run_id="", total_seconds=0, model_seconds=0, tool_seconds=0)


@settings(deadline=None, max_examples=100)
@given(scripts, limits, st.sampled_from([None, int]))
def test_the_short_way_gives_what_the_loop_gives(script, bounds, output_type):
    """An agent without hooks skips the loop for most runs; a hook that does nothing takes it."""
    plain = Agent(ScriptedModel(script), tools=[add, fail], limits=bounds, output_type=output_type)
    looked_at = plain.replace(hooks=Hooks(before_run=(lambda *_: None,)))

    problem, output = ended(plain)
    other_problem, other_output = ended(looked_at)

    assert (problem, timeless(output)) == (other_problem, timeless(other_output))


@pytest.mark.parametrize("face", [by_run, by_arun])
def test_the_short_way_fills_every_field(face):
    response = ModelResponse(
        Message("assistant", "fine", reasoning="hm", signature="s"),
        Usage(1, 2, 3, 4),
        "length",
        "m-1",
        "id-1",
    )

    output = face(Agent(ScriptedModel([response])))

    assert len(output.run_id) == 21
    assert output == RunOutput(
        run_id=output.run_id,
        content="fine",
        messages=[Message("user", "hi"), response.message],
        usage=Usage(1, 2, 3, 4),
        turns=1,
        total_seconds=output.total_seconds,
        model_seconds=output.model_seconds,
        tool_seconds=0.0,
        finish_reason="length",
        model="m-1",
    )
    assert output.total_seconds >= output.model_seconds > 0


def test_one_error_object_raised_in_two_runs_keeps_their_work_apart():
    shared = ModelError("down", provider="acme")
    agent = Agent(Odd(shared))
    errors = []

    for prompt in ("of Ada", "of Grace"):
        with pytest.raises(ModelError) as caught:
            agent.run(prompt)
        errors.append(caught.value)

    assert [error.output and error.output.messages for error in errors] == [
        [Message("user", "of Ada")],
        [Message("user", "of Grace")],
    ]


def test_what_went_wrong_in_users_code_is_the_cause():
    with pytest.raises(RunFailed, match="KeyError: 'x'") as caught:
        Agent(Odd(KeyError("x"))).run("hi")

    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("face", [by_run, by_arun])
def test_failed_runs_leave_nothing_behind(face):
    """An error knows its traceback, whose frames know the request, which knows the error."""
    agent = Agent(ScriptedModel([OUTAGE]), limits=Limits(turns=1))

    def fail_often(times: int) -> int:
        for _ in range(times):
            with pytest.raises(ModelError):
                face(agent)
        gc.collect()
        return len(gc.get_objects())

    before = fail_often(20)
    assert fail_often(100) - before < 100


def test_a_partial_output_is_json():
    with pytest.raises(LimitReached) as caught:
        Agent(ScriptedModel([say("", ("add", {"a": 1}))]), tools=[add], limits=Limits(turns=1)).run(
            "hi"
        )

    text = msgspec.json.encode(caught.value.output)

    assert msgspec.json.decode(text, type=RunOutput) == caught.value.output


class _Priced(ModelResponse, frozen=True):
    """A response with a field of the user's own."""

    dollars: float = 0.0


@pytest.mark.parametrize("face", [by_run, by_arun])
def test_a_response_may_have_more_fields(face):
    response = _Priced(Message("assistant", "fine"), dollars=0.1)

    assert face(Agent(ScriptedModel([response]))).content == "fine"
