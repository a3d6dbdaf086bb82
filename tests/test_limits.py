"""Limits end a run, and return the work that was done."""

from __future__ import annotations

import asyncio
import math
import re
import time
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    LimitReached,
    Limits,
    Memory,
    OutputInvalid,
    ScriptedModel,
    Usage,
    say,
    tool,
)
from tests.faces import by_run, every_face, outcome

STOPPED = "tool!: Not run: the run was stopped."


def add(a: int, b: int = 1) -> int:
    return a + b


@tool(quick=True)
def square(n: int) -> int:
    return n * n


def nap() -> str:
    time.sleep(0.5)
    return "slept"


async def doze() -> str:
    await asyncio.sleep(5)
    return "dozed"


def looping(*calls: tuple[str, dict[str, Any]], limits: Limits) -> Agent:
    """Make an agent whose model asks for the same calls for ever."""
    model = ScriptedModel([say("", *calls, usage=Usage(5, 6))])
    return Agent(model, tools=[add, square, nap, doze], limits=limits)


CASES: dict[str, tuple[Agent, list[str]]] = {
    "turns": (
        looping(("add", {"a": 1}), limits=Limits(turns=2)),
        [
            "user: hi",
            'assistant:  -> add{"a":1}',
            "tool: 2",
            'assistant:  -> add{"a":1}',
            STOPPED,
            "[limited] LimitReached: limit of 2 turns reached; raise it with `Limits(turns=...)`",
        ],
    ),
    "tool calls": (
        looping(("add", {"a": 1}), ("add", {"a": 2}), limits=Limits(tool_calls=3)),
        [
            "user: hi",
            'assistant:  -> add{"a":1} -> add{"a":2}',
            "tool: 2",
            "tool: 3",
            'assistant:  -> add{"a":1} -> add{"a":2}',
            STOPPED,
            STOPPED,
            (
                "[limited] LimitReached: limit of 3 tool calls reached, the model asked for 4;"
                " raise it with `Limits(tool_calls=...)`"
            ),
        ],
    ),
    "no tool call at all": (
        looping(("add", {"a": 1}), limits=Limits(tool_calls=0)),
        [
            "user: hi",
            'assistant:  -> add{"a":1}',
            STOPPED,
            (
                "[limited] LimitReached: limit of 0 tool calls reached, the model asked for 1;"
                " raise it with `Limits(tool_calls=...)`"
            ),
        ],
    ),
    "tokens, summed over turns": (
        looping(("add", {"a": 1}), limits=Limits(tokens=21)),
        [
            "user: hi",
            'assistant:  -> add{"a":1}',
            "tool: 2",
            'assistant:  -> add{"a":1}',
            STOPPED,
            (
                "[limited] LimitReached: limit of 21 tokens reached, 22 used;"
                " raise it with `Limits(tokens=...)`"
            ),
        ],
    ),
    "tokens, by the answer itself": (
        Agent(ScriptedModel([say("long", usage=Usage(5, 6))]), limits=Limits(tokens=10)),
        [
            "user: hi",
            "assistant: long",
            (
                "[limited] LimitReached: limit of 10 tokens reached, 11 used;"
                " raise it with `Limits(tokens=...)`"
            ),
        ],
    ),
    "time, in the model": (
        Agent(ScriptedModel(delay=5), limits=Limits(seconds=0.02)),
        [
            "user: hi",
            (
                "[limited] LimitReached: limit of 0.02 seconds reached;"
                " raise it with `Limits(seconds=...)`"
            ),
        ],
    ),
    "time, in a coroutine": (
        looping(("square", {"n": 3}), ("doze", {}), limits=Limits(seconds=0.05)),
        [
            "user: hi",
            'assistant:  -> square{"n":3} -> doze{}',
            "tool: 9",
            STOPPED,
            (
                "[limited] LimitReached: limit of 0.05 seconds reached;"
                " raise it with `Limits(seconds=...)`"
            ),
        ],
    ),
    "time, in a thread": (
        looping(("nap", {}), limits=Limits(seconds=0.05)),
        [
            "user: hi",
            "assistant:  -> nap{}",
            STOPPED,
            (
                "[limited] LimitReached: limit of 0.05 seconds reached;"
                " raise it with `Limits(seconds=...)`"
            ),
        ],
    ),
    "no answer fits": (
        Agent(
            ScriptedModel(["about 10", "11", '{"value": "x"}'], native_schema=True),
            output_type=int,
            limits=Limits(output_retries=1),
        ),
        [
            "user: hi",
            "assistant: about 10",
            (
                "user: The answer does not fit: JSON is malformed: invalid character (byte 0)."
                " Answer again with JSON that fits the schema."
            ),
            "assistant: 11",
            (
                "user: The answer does not fit: Expected `object`, got `int`."
                " Answer again with JSON that fits the schema."
            ),
            (
                "[invalid] OutputInvalid: no answer of 2 fitted the output type:"
                " Expected `object`, got `int`"
            ),
        ],
    ),
    "turns, while an answer is asked for again": (
        Agent(ScriptedModel(["ten"], native_schema=True), output_type=int, limits=Limits(turns=1)),
        [
            "user: hi",
            "assistant: ten",
            (
                "user: The answer does not fit: Input data was truncated."
                " Answer again with JSON that fits the schema."
            ),
            "[limited] LimitReached: limit of 1 turns reached; raise it with `Limits(turns=...)`",
        ],
    ),
}


@every_face
@pytest.mark.parametrize("name", CASES)
def test_a_limit_returns_the_work_and_a_valid_history(face, name):
    agent, expected = CASES[name]
    memory = Memory()

    assert outcome(face, agent, memory=memory) == expected
    assert memory.load() == []


def test_what_a_limited_run_has_used_is_told():
    agent = looping(("nap", {}), limits=Limits(turns=2, tool_seconds=0.02))

    with pytest.raises(LimitReached) as caught:
        agent.run("hi")

    output = caught.value.output
    assert caught.value.kind == "turns"
    assert output is not None
    assert (output.turns, output.usage) == (2, Usage(10, 12, requests=2))
    assert output.tool_seconds >= 0.02
    assert output.total_seconds >= output.model_seconds + output.tool_seconds


@every_face
def test_the_time_of_tools_that_were_stopped_is_the_tools(face):
    with pytest.raises(LimitReached) as caught:
        face(looping(("nap", {}), limits=Limits(seconds=0.05)))

    assert caught.value.kind == "time"
    assert caught.value.output is not None
    assert caught.value.output.tool_seconds >= 0.03


def test_limits_that_are_just_met_do_not_stop_a_run():
    model = ScriptedModel([say("", ("add", {"a": 1}), usage=Usage(5, 5)), say("2", usage=Usage(5))])
    limits = Limits(turns=2, tool_calls=1, tokens=15, seconds=60)

    assert Agent(model, tools=[add], limits=limits).run("hi").content == "2"


def test_the_last_turn_may_not_ask_for_tools():
    """Their results could not be read, so they are not carried out."""
    called = []

    def note() -> None:
        called.append(1)

    agent = Agent(ScriptedModel([say("", ("note", {}))]), tools=[note], limits=Limits(turns=1))

    with pytest.raises(LimitReached):
        agent.run("hi")
    assert called == []


def test_an_answer_that_did_not_fit_is_no_tool_call():
    script = [
        say("", ("final_answer", {"value": "x"})),
        say("", ("add", {"a": 1})),
        say("", ("final_answer", {"value": 7})),
    ]
    limits = Limits(tool_calls=1)

    output = Agent(ScriptedModel(script), tools=[add], output_type=int, limits=limits).run("hi")

    assert output.data == 7


def test_no_retry_of_an_answer():
    agent = Agent(ScriptedModel(["x"]), output_type=int, limits=Limits(output_retries=0))

    with pytest.raises(OutputInvalid):
        agent.run("hi")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("turns", 0),
        ("turns", None),
        ("turns", "10"),
        ("turns", 1.5),
        ("tool_calls", -1),
        ("tokens", 0),
        ("parallel_tools", 0),
        ("parallel_tools", None),
        ("output_retries", -1),
        ("seconds", 0),
        ("seconds", -1.0),
        ("seconds", math.nan),
        ("seconds", math.inf),
        ("seconds", "5"),
        ("tool_seconds", 0.0),
        ("tool_seconds", 1e300),
    ],
)
def test_a_bound_that_cannot_be(name, value):
    with pytest.raises(ConfigurationError, match=re.escape(f"limit `{name}` is {value!r}")):
        Limits(**{name: value})


def test_every_bound_is_checked_as_given():
    limits = Limits(tool_calls=0, output_retries=0, tokens=None, seconds=None, tool_seconds=3)

    assert limits == Limits(tool_calls=0, output_retries=0, tool_seconds=3)


def test_a_time_limit_of_years_is_a_time_limit():
    agent = Agent(ScriptedModel(["fine"]), limits=Limits(seconds=1e9, tool_seconds=1e9))

    assert outcome(by_run, agent) == ["user: hi", "assistant: fine", "[completed] None"]


def test_a_call_may_write_what_the_token_limit_leaves():
    allowed = []

    def answer(request):
        allowed.append(request.options["max_tokens"])
        return say("", ("add", {"a": 1}), usage=Usage(20, 10))

    agent = Agent(
        ScriptedModel(answer),
        tools=[add],
        options={"max_tokens": 60},
        limits=Limits(tokens=100, turns=3),
    )
    with pytest.raises(LimitReached):
        agent.run("hi")

    assert allowed == [60, 60, 40]
