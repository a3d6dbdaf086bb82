"""From the options of `agno run` to the agent that runs."""

from __future__ import annotations

from math import isnan
from typing import Any

import msgspec

from agno_cli._agent import Agent
from agno_cli._errors import ConfigurationError, InputError
from agno_cli._output import JsonSchema
from agno_cli._settings import expanded
from agno_cli._tools import ToolLike
from agno_cli.cli._load import load, load_tool
from agno_cli.cli._prompt import read_text
from agno_cli.cli.run import RunOptions
from agno_cli.models import ScriptedModel

_LIMITS = (("max_turns", "turns"), ("max_tokens", "tokens"), ("timeout", "seconds"))
_YEAR = 366 * 24 * 3600.0  # a longer wait overflows the clocks of threads


def make_agent(options: RunOptions) -> Agent:
    """Make the agent that was asked for, without its model: a new one, or the user's, changed.

    Raises:
        InputError: an option's value cannot be used.
        ConfigurationError: the user's own code cannot be imported, or its agent cannot work.
    """
    agent = Agent() if options.agent is None else _load_agent(options.agent)
    changes: dict[str, Any] = {}
    limits = limits_of(options)
    if limits:
        changes["limits"] = msgspec.structs.replace(agent.limits, **limits)
    if options.system is not None:
        changes["instructions"] = _text(options.system)
    if options.tool:
        changes["tools"] = (*agent.tools, *_tools(options.tool))
    if options.option:
        changes["options"] = {**(agent.options or {}), **_provider_options(options.option)}
    if options.schema is not None:
        changes["output_type"] = _schema(options.schema)
    return agent.replace(**changes)


def _load_agent(reference: str) -> Agent:
    agent: Agent = load(reference, "--agent", lambda value: isinstance(value, Agent))
    # Options change its fields, so these must be what they ought to be; its own model may be dear.
    agent.replace(model=ScriptedModel(native_schema=True)).check()
    return agent


def limits_of(options: RunOptions) -> dict[str, Any]:
    """Give the limits that options name."""
    given = {field: getattr(options, option) for option, field in _LIMITS}
    if options.timeout is not None:
        if isnan(options.timeout):
            raise InputError("--timeout is nan; give seconds above 0")
        given["seconds"] = min(options.timeout, _YEAR)
    return {field: value for field, value in given.items() if value is not None}


def _tools(names: list[str]) -> list[ToolLike]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"-T {twice} is given twice; leave one out")
    return [load_tool(name) for name in names]


def _text(value: str) -> str:
    if not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    try:
        with expanded(value[1:]).open("rb") as file:
            return read_text(file, f"-s: `{value[1:]}`")
    except OSError as error:
        raise InputError(
            f"-s: cannot read `{value[1:]}`: {error.strerror}; a text that begins with @ is"
            " written @@"
        ) from error


def _provider_options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {key: _value(text) for key, text in pairs}


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _schema(text: str) -> JsonSchema:
    from agno_cli._schema_text import parse_schema

    try:
        return JsonSchema(parse_schema(text))
    except ConfigurationError as error:
        raise InputError(f"--schema: {error}") from error
