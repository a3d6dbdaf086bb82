"""Tools: from a signature to a schema, from a model's JSON to a call, from a result to text."""

from __future__ import annotations

import time
from time import perf_counter
from typing import Any, Literal

from agno_cli import Agent, RunOutput, ScriptedModel, Tool, ToolCall, ToolResult, say, tool
from agno_cli._tools import finish_call, prepare_call
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import PROMPT, UNROLLED, add

SLOW_SECONDS = 0.01
_SLOW_CALLS = 10


def search(query: str, limit: int = 10, order: Literal["date", "rank"] = "rank") -> list[str]:
    """Search the shop.

    Args:
        query: words that must occur.
        limit: how many results to give.
        order: what comes first.
    """
    return [f"{order} {query}"] * limit


@tool
def wait(number: int) -> int:
    """Wait, as for a slow service, and give the number back."""
    time.sleep(SLOW_SECONDS)
    return number


@tool(name="wait")
async def await_(number: int) -> int:
    """Wait, as for a slow service, and give the number back."""
    import asyncio

    await asyncio.sleep(SLOW_SECONDS)
    return number


def schema() -> Operation:
    """Make a tool from a function of three parameters and a docstring."""

    def check(made: Tool) -> None:
        expect(list(made.parameters["properties"]), ["query", "limit", "order"])
        expect(made.parameters["required"], ["query"])
        expect(made.parameters["properties"]["limit"]["default"], 10)

    return Operation(
        statement="result = tool(search)", names={"tool": tool, "search": search}, check=check
    )


def decode() -> Operation:
    """Decode and validate the arguments of a call."""

    def check(arguments: Any) -> None:
        expect((arguments.query, arguments.limit, arguments.order), ("lamp", 5, "rank"))

    return Operation(
        statement="result = decode(text)",
        names={"decode": tool(search).decode, "text": '{"query":"lamp","limit":5}'},
        check=check,
        unrolled=UNROLLED,
    )


def call() -> Operation:
    """Carry out a call from the model's JSON to the result it reads, outside of a run."""

    def carry_out(asked: ToolCall) -> ToolResult:
        started = perf_counter()
        step = prepare_call(asked, tools, None, None)
        return finish_call(asked, step.function(*step.args), started)

    def check(result: ToolResult) -> None:
        expect((result.content, result.is_error), ("5", False))

    tools = {"add": add}
    return Operation(
        statement="result = carry_out(asked)",
        names={"carry_out": carry_out, "asked": ToolCall("1", "add", '{"a":2,"b":3}')},
        check=check,
        unrolled=UNROLLED,
    )


def slow() -> Operation:
    """Run with ten calls of a synchronous tool that takes 10 ms, in threads."""
    return _slow(wait, "result = agent.run(prompt)")


def slow_async() -> Operation:
    """Await a run with ten calls of an asynchronous tool that takes 10 ms, in tasks."""
    return _slow(await_, "result = await agent.arun(prompt)")


def _slow(slow_tool: Tool, statement: str) -> Operation:
    calls = [("wait", {"number": number}) for number in range(_SLOW_CALLS)]
    model = ScriptedModel([say("", *calls), say("Waited.")])

    def check(output: RunOutput) -> None:
        results = [message.content for message in output.messages if message.role == "tool"]
        expect(results, [str(number) for number in range(_SLOW_CALLS)])
        expect(output.content, "Waited.")

    return Operation(
        statement=statement,
        names={"agent": Agent(model, tools=[slow_tool]), "prompt": PROMPT},
        check=check,
    )
