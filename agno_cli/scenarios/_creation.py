"""The creation of one agent, as its user would write it, put into the loops that measure it.

A call costs a quarter of what a creation does, so the expression stands in the loop itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from agno_cli import Agent, Memory, ScriptedModel, Tool, tool
from agno_cli.bench._operations import Operation
from agno_cli.bench._registry import Source
from agno_cli.scenarios._definition import AgentTable, ModelTable

_LOOPS = """\
def kept(count):
    return [{expression} for _ in repeat(None, count)]

def dropped(count):
    for _ in repeat(None, count):
        {expression}

def stamped(stamps, places, indices):
    for index in indices:
        places[index] = {expression}
        stamps[index] = clock()
"""
_RESULT = "result = "


class Loops:
    """Loops around one expression.

    Attributes:
        kept: give a list of so many results.
        dropped: make so many, keep none.
        stamped: for each index keep the result there, and when it was ready.
    """

    def __init__(self, expression: str, names: dict[str, Any]) -> None:
        names = {**names, "repeat": repeat, "clock": perf_counter}
        source = _LOOPS.format(expression=expression)
        exec(compile(source, f"<{expression}>", "exec"), names)  # noqa: S102 - our own text
        self.kept: Callable[[int], list[Any]] = names["kept"]
        self.dropped: Callable[[int], None] = names["dropped"]
        self.stamped: Callable[[Any, list[Any], range], None] = names["stamped"]


def creation(agent: AgentTable, model: ModelTable) -> Operation:
    """Give the creation of one agent; its `check` runs an agent and expects the whole output.

    Raises:
        InputError: there is no such agent.
        ConfigurationError: the user's code raises.
    """
    if agent.reference:
        from agno_cli.bench._user_agent import benchmarks_of_agent

        found = benchmarks_of_agent(Source("agent", agent.reference))
        operation = next(one for one in found if one.name.endswith(".create")).prepare
        assert operation is not None
        written = operation()
        if model.name:
            names = {**written.names, "model": model.name}
            return replace(written, names=names, check=lambda _: None)  # that would be paid for
        return written
    parts = ["model", 'name="worker"', "instructions=instructions"]
    if agent.tools:
        parts.append("tools=tools")
    if agent.memory:
        parts.append("memory=Memory()")
    return Operation(
        statement=f"{_RESULT}Agent({', '.join(parts)})",
        names={
            "Agent": Agent,
            "Memory": Memory,
            "model": model.name or ScriptedModel([model.answer]),
            "instructions": agent.instructions,
            "tools": [_tool(number) for number in range(agent.tools)],
        },
        check=lambda _: None,
    )


def loops_of(operation: Operation) -> Loops:
    """Put a creation into loops."""
    return Loops(operation.statement.removeprefix(_RESULT), operation.names)


def _tool(number: int) -> Tool:
    def look_up(key: str) -> str:
        """Look something up."""
        return key

    return tool(name=f"look_up_{number}")(look_up)
