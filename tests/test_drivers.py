"""The four faces are one loop: the same cases through `run`, `arun`, `stream` and `astream`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from msgspec import Struct

from agno_cli import (
    Agent,
    Limits,
    Memory,
    Message,
    ModelResponse,
    RunContext,
    ScriptedModel,
    ToolCall,
    Usage,
    say,
    tool,
)
from tests.faces import every_face, outcome


class Choosy(Struct):
    number: int

    def __post_init__(self) -> None:
        raise KeyError(self.number)


def add(a: int, b: int = 1) -> int:
    return a + b


async def greet(name: str) -> str:
    await asyncio.sleep(0)
    return f"hello {name}"


@tool(quick=True)
def square(n: int) -> int:
    return n * n


def bad() -> str:
    raise OSError(5, "disk on fire")


def exhausted() -> int:
    return next(iter([]))


async def cancels_itself() -> str:
    raise asyncio.CancelledError


async def times_out() -> str:
    raise TimeoutError("the database took too long")


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no words for this")


def unencodable() -> object:
    return Unprintable()


def odd_text() -> dict[str, str]:
    return {"file": "caf\udce9"}


def choosy(item: Choosy) -> str:
    raise AssertionError(item)


def nap() -> str:
    time.sleep(0.5)
    return "slept"


async def doze() -> str:
    await asyncio.sleep(5)
    return "dozed"


def whoami(context: RunContext) -> str:
    return f"{context.user}/{context.session}/{context.dependencies}/{context.agent}"


TOOLS: list[Any] = [
    add,
    greet,
    square,
    bad,
    exhausted,
    cancels_itself,
    times_out,
    unencodable,
    odd_text,
    choosy,
    nap,
    doze,
    whoami,
]


def calling(*calls: tuple[str, dict[str, Any]], **fields: Any) -> Agent:
    """Make an agent whose model asks for the calls, then says "done"."""
    return Agent(ScriptedModel([say("", *calls), "done"]), tools=TOOLS, **fields)


def raw_call(name: str, arguments: str) -> Agent:
    call = ToolCall("call_1", name, arguments)
    asked = ModelResponse(Message("assistant", tool_calls=(call,)), Usage(1, 1), "tool_calls")
    return Agent(ScriptedModel([asked, "done"]), tools=[add, square])


CALLS: dict[str, tuple[Agent, list[str]]] = {
    "no tool": (
        Agent(ScriptedModel(["fine"]), instructions="Be brief."),
        ["user: hi", "assistant: fine", "[completed] None"],
    ),
    "one call": (
        calling(("add", {"a": 1, "b": 2})),
        ["user: hi", 'assistant:  -> add{"a":1,"b":2}', "tool: 3", "assistant: done"],
    ),
    "results in the order of the calls, whatever their kind": (
        calling(("add", {"a": 1}), ("greet", {"name": "Åsa"}), ("square", {"n": 9})),
        [
            "user: hi",
            'assistant:  -> add{"a":1} -> greet{"name":"Åsa"} -> square{"n":9}',
            "tool: 2",
            "tool: hello Åsa",
            "tool: 81",
            "assistant: done",
        ],
    ),
    "unknown tool": (
        raw_call("divide", "{}"),
        [
            "user: hi",
            "assistant:  -> divide{}",
            "tool!: `divide` was refused: there is no such tool; the tools are: add, square",
            "assistant: done",
        ],
    ),
    "bad JSON": (
        raw_call("add", '{"a": 1'),
        [
            "user: hi",
            'assistant:  -> add{"a": 1',
            "tool!: `add` was refused: invalid arguments: Input data was truncated",
            "assistant: done",
        ],
    ),
    "no arguments at all": (
        raw_call("add", ""),
        [
            "user: hi",
            "assistant:  -> add",
            "tool!: `add` was refused: invalid arguments: Object missing required field `a`",
            "assistant: done",
        ],
    ),
    "invalid argument": (
        raw_call("square", '{"n": "nine"}'),
        [
            "user: hi",
            'assistant:  -> square{"n": "nine"}',
            "tool!: `square` was refused: invalid arguments: Expected `int`, got `str` - at `$.n`",
            "assistant: done",
        ],
    ),
    "unknown argument": (
        raw_call("add", '{"a": 1, "c": 2}'),
        [
            "user: hi",
            'assistant:  -> add{"a": 1, "c": 2}',
            "tool!: `add` was refused: invalid arguments: Object contains unknown field `c`",
            "assistant: done",
        ],
    ),
    "an exception": (
        calling(("bad", {}), ("add", {"a": 1})),
        [
            "user: hi",
            'assistant:  -> bad{} -> add{"a":1}',
            "tool!: OSError: [Errno 5] disk on fire",
            "tool: 2",
            "assistant: done",
        ],
    ),
    "a tool's own CancelledError": (
        calling(("cancels_itself", {}), ("add", {"a": 1})),
        [
            "user: hi",
            'assistant:  -> cancels_itself{} -> add{"a":1}',
            "tool!: RuntimeError: it was cancelled from within",
            "tool: 2",
            "assistant: done",
        ],
    ),
    "a tool's own TimeoutError": (
        calling(("times_out", {}), limits=Limits(tool_seconds=5)),
        [
            "user: hi",
            "assistant:  -> times_out{}",
            "tool!: TimeoutError: the database took too long",
            "assistant: done",
        ],
    ),
    "a result that JSON cannot hold": (
        calling(("unencodable", {})),
        [
            "user: hi",
            "assistant:  -> unencodable{}",
            "tool!: ValueError: no words for this",
            "assistant: done",
        ],
    ),
    "a result that UTF-8 cannot hold": (
        calling(("odd_text", {})),
        [
            "user: hi",
            "assistant:  -> odd_text{}",
            'tool: {"file": "caf\\udce9"}',
            "assistant: done",
        ],
    ),
    "an argument whose type raises": (
        calling(("choosy", {"item": {"number": 7}})),
        [
            "user: hi",
            'assistant:  -> choosy{"item":{"number":7}}',
            "tool!: `choosy` was refused: invalid arguments: 7",
            "assistant: done",
        ],
    ),
    "a slow thread": (
        calling(("nap", {}), ("add", {"a": 1}), limits=Limits(tool_seconds=0.02)),
        [
            "user: hi",
            'assistant:  -> nap{} -> add{"a":1}',
            "tool!: TimeoutError: timed out after 0.02 s",
            "tool: 2",
            "assistant: done",
        ],
    ),
    "a slow coroutine": (
        calling(("doze", {}), limits=Limits(tool_seconds=0.02)),
        [
            "user: hi",
            "assistant:  -> doze{}",
            "tool!: TimeoutError: timed out after 0.02 s",
            "assistant: done",
        ],
    ),
}


@every_face
@pytest.mark.parametrize("name", CALLS)
def test_tool_calls(face, name):
    agent, expected = CALLS[name]
    assert outcome(face, agent)[: len(expected)] == expected


@every_face
def test_a_tool_that_raises_stop_iteration(face):
    """No future can carry one, and generators and coroutines turn it into a RuntimeError."""
    result = face(calling(("exhausted", {}))).messages[2]

    assert result.is_error
    assert "StopIteration" in result.content


@every_face
def test_a_tool_is_told_whom_the_run_is_for(face):
    context = RunContext(user="ada", session="s1", dependencies=[7])

    lines = outcome(face, calling(("whoami", {}), name="clerk"), context=context)

    assert lines[2] == "tool: ada/s1/[7]/clerk"


@every_face
def test_usage_is_summed_and_seconds_add_up(face):
    first = say("", ("nap", {}), usage=Usage(10, 5, cached_tokens=4, reasoning_tokens=2))
    model = ScriptedModel([first, say("done", usage=Usage(20, 7, 8, 1))], delay=0.02)

    output = face(Agent(model, tools=[nap], limits=Limits(tool_seconds=0.03)))

    assert output.usage == Usage(30, 12, 12, 3, requests=2)
    assert output.turns == 2
    assert output.model_seconds >= 0.04
    assert output.tool_seconds >= 0.03
    assert output.total_seconds >= output.model_seconds + output.tool_seconds
    assert output.timings.framework >= 0


@every_face
def test_a_run_reads_what_earlier_runs_committed(face):
    memory = Memory()
    agent = Agent(ScriptedModel(lambda request: f"{len(request.messages)} so far"), memory=memory)

    contents = [face(agent).content for _ in range(3)]

    assert contents == ["1 so far", "3 so far", "5 so far"]
    assert [message.content for message in memory.load()] == [
        "hi",
        "1 so far",
        "hi",
        "3 so far",
        "hi",
        "5 so far",
    ]
