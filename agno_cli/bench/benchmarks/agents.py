"""Agents and runs, on the scripted model."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agno_cli import (
    Agent,
    Memory,
    Message,
    ModelRequest,
    ModelResponse,
    RunFinished,
    RunOutput,
    ScriptedModel,
    Toolkit,
    Usage,
    say,
    tool,
)
from agno_cli.bench._operations import Operation, expect

PROMPT = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
GATHERED = 10_000
# With so many copies a loop's own cost (10 to 20 ns) is less than 1 % of an operation of 100 ns.
UNROLLED = 25


class _City(Struct):
    name: str
    country: str


@tool(quick=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool(quick=True)
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def create() -> Operation:
    """Create an agent."""
    return _creation('Agent(model, name="bench", instructions="Be brief.")')


def create_tools() -> Operation:
    """Create an agent with a toolkit, in a list of its own as users write it."""
    return _creation('Agent(model, name="bench", instructions="Be brief.", tools=[arithmetic])')


def create_memory() -> Operation:
    """Create an agent with a conversation of its own."""
    return _creation('Agent(model, name="bench", instructions="Be brief.", memory=Memory())')


def first_run() -> Operation:
    """Create an agent and run it, which checks and resolves what it was given."""
    return Operation(
        statement='result = Agent(model, name="bench", instructions="Be brief.").run(prompt)',
        names={"Agent": Agent, "model": ScriptedModel([ANSWER]), "prompt": PROMPT},
        check=check_answer,
        unrolled=UNROLLED,
    )


def run() -> Operation:
    """Run an agent."""
    agent = Agent(ScriptedModel([ANSWER]), instructions="Be brief.")
    return _run("result = agent.run(prompt)", agent)


def arun() -> Operation:
    """Await a run of an agent."""
    agent = Agent(ScriptedModel([ANSWER]), instructions="Be brief.")
    return _run("result = await agent.arun(prompt)", agent)


def run_tool() -> Operation:
    """Run an agent whose model asks for one tool call."""
    return _run_with_calls(1)


def run_tools() -> Operation:
    """Run an agent whose model asks for ten tool calls in one turn."""
    return _run_with_calls(10)


def run_output() -> Operation:
    """Run an agent whose answer is decoded to a type."""
    model = ScriptedModel(['{"name":"Paris","country":"France"}'], native_schema=True)

    def check(output: RunOutput) -> None:
        expect((output.data, output.usage), (_City("Paris", "France"), Usage(1, 1)))

    return Operation(
        statement="result = agent.run(prompt)",
        names={"agent": Agent(model, output_type=_City), "prompt": PROMPT},
        check=check,
        unrolled=UNROLLED,
    )


def stream() -> Operation:
    """Stream a run of an agent and consume its events."""
    agent = Agent(ScriptedModel([ANSWER]), instructions="Be brief.")

    def check(event: Any) -> None:
        expect(type(event), RunFinished)
        check_answer(event.output)

    return Operation(
        statement="for result in agent.stream(prompt): pass",
        names={"agent": agent, "prompt": PROMPT},
        check=check,
        unrolled=UNROLLED,
    )


def gather() -> Operation:
    """Run one agent in 10,000 tasks at once, whose model repeats each run's own prompt."""
    import asyncio

    def echo(request: ModelRequest) -> ModelResponse:
        return ModelResponse(Message("assistant", request.messages[-1].content))

    prompts = [f"prompt {number}" for number in range(GATHERED)]

    def check(outputs: list[RunOutput]) -> None:
        expect([output.content for output in outputs], prompts)
        expect([output.messages[0].content for output in outputs], prompts)
        expect(len({output.run_id for output in outputs}), GATHERED)

    return Operation(
        statement="result = await gather(*[agent.arun(prompt) for prompt in prompts])",
        names={"gather": asyncio.gather, "agent": Agent(ScriptedModel(echo)), "prompts": prompts},
        check=check,
        per_statement=GATHERED,
    )


def check_answer(output: RunOutput) -> None:
    """Expect every field of a plain run's output to be filled."""
    expect(output.messages, [Message("user", PROMPT), Message("assistant", ANSWER)])
    expect(
        (output.content, output.usage, output.turns, output.status, output.finish_reason),
        (ANSWER, Usage(1, 1), 1, "completed", "stop"),
    )
    expect(
        (output.run_id != "", output.model, output.total_seconds > output.model_seconds > 0),
        (True, "scripted", True),
    )


def _creation(expression: str) -> Operation:
    def check(agent: Agent) -> None:
        check_answer(agent.run(PROMPT))

    return Operation(
        statement=f"result = {expression}",
        names={
            "Agent": Agent,
            "Memory": Memory,
            "model": ScriptedModel([ANSWER]),
            "arithmetic": Toolkit("arithmetic", [add, multiply]),
        },
        check=check,
        unrolled=UNROLLED,
    )


def _run(statement: str, agent: Agent) -> Operation:
    return Operation(
        statement=statement,
        names={"agent": agent, "prompt": PROMPT},
        check=check_answer,
        unrolled=UNROLLED,
    )


def _run_with_calls(count: int) -> Operation:
    calls = [("add", {"a": 2, "b": number}) for number in range(count)]
    model = ScriptedModel([say("", *calls), say("Added.")])
    expected = [("user", PROMPT), ("assistant", "")]
    expected += [("tool", str(2 + number)) for number in range(count)]
    expected += [("assistant", "Added.")]

    def check(output: RunOutput) -> None:
        expect([(message.role, message.content) for message in output.messages], expected)
        expect((output.turns, output.usage), (2, Usage(2, 2, requests=2)))

    return Operation(
        statement="result = agent.run(prompt)",
        names={"agent": Agent(model, tools=[add]), "prompt": PROMPT},
        check=check,
        unrolled=UNROLLED,
    )
