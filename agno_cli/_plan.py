"""What an agent's runs need, resolved and checked once: at its first run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from ._context import RunContext
from ._errors import ConfigurationError
from ._hooks import NO_HOOKS, Hooks
from ._limits import Limits
from ._memory import MemoryProtocol, is_memory
from ._messages import ToolCall
from ._output import OUTPUT_TOOL, OutputSpec, output_spec, output_tool
from ._tools import Tool, ToolLike, tool_table
from .models._protocol import Model

Instructions: TypeAlias = str | Callable[[RunContext], str]


class Plan(Struct, frozen=True, eq=False, kw_only=True):
    """An agent's fields in the form its runs use.

    Attributes:
        instructions: set when they must be called in each run; `system` is empty then.
        offered: the definitions shown to the model, in a stable order: the tools, then the
            output tool where the model has no native schema.
        wants_context: a hook, a tool or the instructions take the RunContext.
        plain: no hook, memory, output type or limit of time or tokens: nothing happens before the
            model or after it.
        quick: nothing in a run waits, so that a thread or a task of its own would gain nothing.
        turns_before_check: after how many turns tool calls may be too many.
        text_ends_run: a message without tool calls needs no further look.
    """

    agent: str
    model: Model
    system: str
    instructions: Callable[[RunContext], str] | None
    tools: Mapping[str, Tool]
    offered: tuple[Tool, ...]
    output: OutputSpec | None
    limits: Limits
    hooks: Hooks
    options: Mapping[str, Any]
    memory: MemoryProtocol | None
    wants_context: bool
    plain: bool
    quick: bool
    text_ends_run: bool
    schema: dict[str, Any] | None
    turns_before_check: int
    seconds: float | None
    tool_seconds: float | None
    tool_hooks: bool

    def is_quick(self, call: ToolCall) -> bool:
        """Tell whether a call takes no time: its tool is quick, or there is no such tool."""
        tool = self.tools.get(call.name)
        return tool is None or tool.quick


def make_plan(  # noqa: PLR0913 - one for each field of an agent
    *,
    agent: str,
    model: Model,
    instructions: Instructions,
    tools: Sequence[ToolLike],
    memory: MemoryProtocol | None,
    output_type: Any,
    limits: Limits,
    hooks: Hooks,
    options: Mapping[str, Any],
) -> Plan:
    """Resolve and check what an agent was given.

    Raises:
        ConfigurationError: a field of another type, two tools of one name, an output type
            without a schema.
    """
    _check_parts(tools, memory, limits, hooks)
    _check_words(agent, instructions, options)
    table = tool_table(tools) if tools else {}
    output = None if output_type is None else output_spec(output_type)
    offered = tuple(table.values())
    if output is not None and not model.native_schema:
        if OUTPUT_TOOL in table:
            raise ConfigurationError(
                f"a tool is named `{OUTPUT_TOOL}`, which this agent needs for its answer; rename it"
            )
        offered = (*offered, output_tool(output))
    called = None if isinstance(instructions, str) else instructions
    wants_context = (
        called is not None
        or hooks is not NO_HOOKS
        or (bool(offered) and any(item.takes_context for item in offered))
    )
    return Plan(
        agent=agent,
        model=model,
        system=instructions if isinstance(instructions, str) else "",
        instructions=called,
        tools=table,
        offered=offered,
        output=output,
        limits=limits,
        hooks=hooks,
        options=options,
        memory=memory,
        wants_context=wants_context,
        plain=not wants_context
        and memory is None
        and output is None
        and limits.seconds is None
        and limits.tokens is None,
        quick=model.quick
        and hooks is NO_HOOKS
        and called is None
        and not getattr(memory, "blocking", False)
        and (not offered or all(item.quick for item in offered)),
        text_ends_run=output is None and limits.tokens is None,
        schema=output.schema if output is not None and model.native_schema else None,
        turns_before_check=limits.turns if limits.tool_calls is None else 0,
        seconds=limits.seconds,
        tool_seconds=limits.tool_seconds,
        tool_hooks=bool(hooks.before_tool or hooks.after_tool),
    )


def _check_words(agent: object, instructions: object, options: object) -> None:
    if not isinstance(agent, str):
        raise _wrong("name", agent, "a text")
    if not isinstance(instructions, str) and not callable(instructions):
        raise _wrong("instructions", instructions, "a text or a function of the RunContext")
    if not isinstance(options, dict) and not isinstance(options, Mapping):
        raise _wrong("options", options, "a dict")


def _check_parts(tools: object, memory: object, limits: object, hooks: object) -> None:
    if not isinstance(tools, list) and not isinstance(tools, tuple):
        raise _wrong("tools", tools, "a list of tools")
    if not isinstance(limits, Limits):
        raise _wrong("limits", limits, "a `Limits`")
    if not isinstance(hooks, Hooks):
        raise _wrong("hooks", hooks, "a `Hooks`")
    if memory is not None and not is_memory(memory):
        raise _wrong("memory", memory, "a Memory, not its class or name")


def _wrong(field: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"an agent's `{field}` is {value!r}; give {wanted}")
