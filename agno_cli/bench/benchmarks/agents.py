"""Agents, runs and memory, on the scripted model."""

from __future__ import annotations

from typing import Any

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
# Ten copies make a loop's own cost (10 ns) less than 2 % of an operation of 60 ns.
_UNROLLED = 10


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
    model = ScriptedModel([say("", ("add", {"a": 2, "b": 3})), say("The sum is 5.")])

    def check(output: RunOutput) -> None:
        roles = [(message.role, message.content) for message in output.messages]
        expect(
            roles,
            [("user", PROMPT), ("assistant", ""), ("tool", "5"), ("assistant", "The sum is 5.")],
        )
        expect((output.turns, output.usage), (2, Usage(2, 2, requests=2)))

    return Operation(
        statement="result = agent.run(prompt)",
        names={"agent": Agent(model, tools=[add]), "prompt": PROMPT},
        check=check,
        unrolled=_UNROLLED,
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
        unrolled=_UNROLLED,
    )


def memory_append() -> Operation:
    """Commit a turn to a full memory, which drops its oldest."""
    memory = Memory(max_turns=100)
    turn = [Message("user", PROMPT), Message("assistant", ANSWER)]
    for _ in range(100):
        memory.commit(turn)

    def check(_: None) -> None:
        expect((len(memory), memory.load()), (100, turn * 100))

    return Operation(
        statement="memory.commit(turn)",
        names={"memory": memory, "turn": turn},
        check=check,
        unrolled=_UNROLLED,
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
        unrolled=_UNROLLED,
    )


def _run(statement: str, agent: Agent) -> Operation:
    return Operation(
        statement=statement,
        names={"agent": agent, "prompt": PROMPT},
        check=check_answer,
        unrolled=_UNROLLED,
    )
