"""The user's own agent, measured: what the framework costs, whatever its model costs.

Nothing is paid, and nothing of the user's is changed: the model is a scripted one, a memory is
a fresh one in the process, and tools return at once unless they are asked to be called. Hooks
and instructions that are functions are called, for they are part of what each run costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from agno_cli import Agent, Memory, Message, RunOutput, ScriptedModel, Tool, say
from agno_cli._errors import ConfigurationError
from agno_cli._output import output_spec
from agno_cli._tools import tool_table
from agno_cli._user_code import load
from agno_cli.bench._counting import count_memory
from agno_cli.bench._operations import Operation, WorkNotDoneError, expect
from agno_cli.bench._registry import Benchmark, Source
from agno_cli.bench._samples import TEXTS, sample

PROMPT = "What is the capital of France?"
_ANSWER = "The capital of France is Paris."
_UNROLLED = 25
_FIELDS = ("name", "instructions", "output_type", "limits", "hooks", "options")


def benchmarks_of_agent(source: Source) -> list[Benchmark]:
    """Make the benchmarks of a user's agent: create, first run, run, arun, run with its tools.

    Raises:
        InputError: there is no such agent.
        ConfigurationError: the user's code raises, or no arguments could be made up for one of
            the tools.
    """
    given = load(source.reference, "--agent", lambda value: isinstance(value, Agent))
    agent, tools = _stand_in(given, call_tools=source.call_tools)
    called = "their functions called" if source.call_tools else "their functions not called"
    offered: dict[str, tuple[str, Callable[[], Operation]]] = {
        "create": ("this agent, created from its parts", partial(_create, agent)),
        "first_run": ("the same, and its first run", partial(_first_run, agent)),
        "run": ("a run on a scripted model", partial(_run, agent)),
        "arun": ("an awaited run", partial(_arun, agent)),
    }
    if tools:
        summary = f"a run with one call of each of its {len(tools)} tools, {called}"
        if len(tools) == 1:
            summary = summary.replace("each of its 1 tools, their", "its tool, its")
            summary = summary.replace("functions", "function")
        offered["run_tools"] = (summary, partial(_run_tools, agent, tools))
    prefix = source.reference.rpartition(":")[2].rpartition(".")[2]
    return [
        Benchmark(
            name=f"{prefix}.{name}",
            summary=summary,
            operation="agent" if name == "create" else "run",
            prepare=prepare,
            count=partial(count_memory, prepare),
            default=True,
            source=source,
        )
        for name, (summary, prepare) in offered.items()
    ]


def _stand_in(agent: Agent, *, call_tools: bool) -> tuple[Agent, tuple[Tool, ...]]:
    tools = tuple(tool_table(agent.tools).values())
    if not call_tools:
        tools = tuple(
            msgspec.structs.replace(tool, call=_nothing, quick=True, waits=False, timeout=None)
            for tool in tools
        )
    stand_in = agent.replace(
        model=ScriptedModel([_answer(agent)], native_schema=True),
        tools=tools,
        memory=None if agent.memory is None else Memory(),
    )
    return stand_in, tools


def _nothing(*_: Any) -> str:
    return ""


def _answer(agent: Agent) -> str:
    """Give a text, or JSON that fits the agent's output type."""
    if agent.output_type is None:
        return _ANSWER
    spec = output_spec(agent.output_type)
    return _fitting(spec.schema, spec.decode, "an answer of the output type")


def _fitting(schema: dict[str, Any], decode: Callable[[str], Any], what: str) -> str:
    problem: Exception | None = None
    for strings in TEXTS:
        try:
            text = msgspec.json.encode(sample(schema, strings)).decode()
            decode(text)
        except Exception as error:  # a `__post_init__` of the user's may raise anything
            problem = problem or error
        else:
            return text
    raise ConfigurationError(
        f"{what} could not be made up from its schema: {problem}; give its schema an `examples`"
        " entry, or write a benchmark of your own with `@benchmark`"
    ) from problem


def _create(agent: Agent) -> Operation:
    return _created(agent, "")


def _first_run(agent: Agent) -> Operation:
    return _created(agent, ".run(prompt)")


def _created(agent: Agent, then: str) -> Operation:
    """Write the creation as its user would: with the fields that are not their defaults."""
    plain = Agent()
    names: dict[str, Any] = {"Agent": Agent, "Memory": Memory, "model": agent.model}
    parts = ["model"]
    for field in _FIELDS:
        value = getattr(agent, field)
        if value is not getattr(plain, field):
            names[field] = value
            parts.append(f"{field}={field}")
    if agent.tools:
        tools = {f"tool_{number}": tool for number, tool in enumerate(agent.tools)}
        names |= tools
        parts.append(f"tools=[{', '.join(tools)}]")
    if agent.memory is not None:
        parts.append("memory=Memory()")

    def check(result: Any) -> None:
        _check_output(result if then else result.run(PROMPT), 0)

    return Operation(
        statement=f"result = Agent({', '.join(parts)}){then}",
        names={**names, "prompt": PROMPT},
        check=check,
        unrolled=_UNROLLED,
    )


def _run(agent: Agent) -> Operation:
    return _running(agent, "result = agent.run(prompt)")


def _arun(agent: Agent) -> Operation:
    return _running(agent, "result = await agent.arun(prompt)")


def _run_tools(agent: Agent, tools: tuple[Tool, ...]) -> Operation:
    calls = [(tool.name, _arguments(tool)) for tool in tools]
    model = ScriptedModel([say("", *calls), say(_answer(agent))], native_schema=True)
    return _running(agent.replace(model=model), "result = agent.run(prompt)", len(tools))


def _arguments(tool: Tool) -> dict[str, Any]:
    text = _fitting(tool.parameters, tool.decode, f"arguments of tool `{tool.name}`")
    return msgspec.json.decode(text, type=dict[str, Any])


def _running(agent: Agent, statement: str, calls: int = 0) -> Operation:
    return Operation(
        statement=statement,
        names={"agent": agent, "prompt": PROMPT},
        check=lambda output: _check_output(output, calls),
    )


def _check_output(output: RunOutput, calls: int) -> None:
    """Expect a whole run, in which each tool was called once and none failed."""
    results: list[Message] = [m for m in output.messages if m.role == "tool"]
    expect((output.status, len(results)), ("completed", calls))
    for message in results:
        if message.is_error:
            raise WorkNotDoneError(f"tool `{message.name}` failed: {message.content}")
