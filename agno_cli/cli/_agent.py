"""From the options of `agno run` to the agent that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from agno_cli._agent import Agent
from agno_cli._errors import ConfigurationError, InputError
from agno_cli._limits import Limits
from agno_cli._output import JsonSchema
from agno_cli.cli._load import load, load_tool
from agno_cli.cli.run import RunOptions

_LIMITS = (("max_turns", "turns"), ("max_tokens", "tokens"), ("timeout", "seconds"))
_YEAR = 366 * 24 * 3600.0  # a longer wait overflows the clocks of threads


def make_agent(options: RunOptions) -> Agent:
    """Make the agent that was asked for, without its model: a new one, or the user's, changed.

    Raises:
        InputError: an option's value cannot be used.
        ConfigurationError: the user's own code cannot be imported.
    """
    agent = Agent() if options.agent is None else _load_agent(options.agent)
    changes: dict[str, Any] = {"limits": _limits(agent.limits, options)}
    if options.system is not None:
        changes["instructions"] = _text(options.system)
    if options.tool:
        changes["tools"] = (*agent.tools, *map(load_tool, options.tool))
    if options.option:
        changes["options"] = {**(agent.options or {}), **_provider_options(options.option)}
    if options.schema is not None:
        changes["output_type"] = _schema(options.schema)
    return agent.replace(**changes)


def _load_agent(reference: str) -> Agent:
    agent: Agent = load(reference, "--agent", lambda value: isinstance(value, Agent))
    return agent


def _limits(limits: Limits, options: RunOptions) -> Limits:
    given = {field: getattr(options, option) for option, field in _LIMITS}
    if options.timeout is not None:
        given["seconds"] = min(options.timeout, _YEAR)
    return msgspec.structs.replace(
        limits, **{field: value for field, value in given.items() if value is not None}
    )


def _text(value: str) -> str:
    if not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    try:
        return Path(value[1:]).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"-s: cannot read `{value[1:]}`: {reason}; a text that begins with @ is written @@"
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
