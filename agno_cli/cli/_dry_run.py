"""What `agno run --dry-run` shows: what would be sent, with nothing called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from agno_cli._agent import Agent
from agno_cli._json import to_json
from agno_cli._messages import Message
from agno_cli._output import output_spec
from agno_cli._tools import tool_table


def make_plan(agent: Agent, model: str, history: Sequence[Message], prompt: str) -> dict[str, Any]:
    """Give what would be sent, and the bounds of the run.

    Raises:
        ConfigurationError: a tool or the output type cannot be used.
    """
    tools = tool_table(agent.tools).values()
    output_type = agent.output_type
    return {
        "model": model,
        "system": agent.instructions if isinstance(agent.instructions, str) else None,
        "messages": [*history, Message("user", prompt)],
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in tools
        ],
        "options": agent.options or {},
        "output_schema": None if output_type is None else output_spec(output_type).schema,
        "limits": msgspec.structs.asdict(agent.limits),
    }


def as_text(plan: dict[str, Any]) -> str:
    """Write a plan for people."""
    system = plan["system"]
    lines = [f"model: {plan['model']}"]
    lines += [f"option: {key} = {to_json(value)}" for key, value in plan["options"].items()]
    lines += [
        f"limit: {key} = {value:g}" for key, value in plan["limits"].items() if value is not None
    ]
    for tool in plan["tools"]:
        lines += [f"tool: {tool['name']} - {tool['description']}"]
        lines += [f"  {to_json(tool['parameters'])}"]
    if plan["output_schema"] is not None:
        lines += [f"output schema: {to_json(plan['output_schema'])}"]
    if system is None:
        lines += ["", "[system]", "(a function of the agent's, which the run would call)"]
    elif system:
        lines += ["", "[system]", system]
    for message in plan["messages"]:
        lines += ["", *message_lines(message)]
    return "\n".join(lines) + "\n"


def message_lines(message: Message) -> list[str]:
    """Write one message of a conversation for people."""
    name = f" {message.name}" if message.name else ""
    calls = [f"calls {call.name} {call.arguments}" for call in message.tool_calls]
    return [f"[{message.role}{name}]", *([message.content] if message.content else []), *calls]
