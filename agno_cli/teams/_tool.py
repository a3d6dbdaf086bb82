"""An agent, a team or a workflow as a tool of another agent."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from agno_cli._context import RunContext
from agno_cli._errors import ConfigurationError
from agno_cli._messages import RunOutput
from agno_cli._orchestration import Runnable, is_runnable
from agno_cli._tools import Tool, tool

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64  # characters of a tool's name, by what providers take
_DESCRIPTION = 400  # characters of instructions that a description quotes


def as_tool(
    runnable: Runnable,
    *,
    name: str | None = None,
    description: str | None = None,
    on_output: Callable[[RunOutput], object] | None = None,
) -> Tool:
    """Make a tool by which an agent asks another, with a prompt of its own wording.

    The other runs for the same user and session, and starts afresh unless it has a memory. Its
    answer is the tool's result; when it fails, the asking model is told and may go on.

    The usage of the asking run does not include that of the other: `on_output` is given each
    output, to be added up or looked at. Cancelling the task of an asynchronous run stops the
    other too. A thread cannot be stopped: under `run`, the other goes on to its own end or limits
    when the asking run is stopped, and nobody waits for it.

    Args:
        runnable: what is asked.
        name: what the model calls it; by default its own name, made fit for providers.
        description: what it is good for; by default, its instructions.
        on_output: called with the output of each of its runs that reached an end.

    >>> from agno_cli import Agent, ScriptedModel
    >>> expert = Agent(ScriptedModel(["42"]), name="expert", instructions="You know it all.")
    >>> as_tool(expert).name, as_tool(expert).description
    ('expert', 'Ask `expert`, whose instructions are: You know it all.')

    Raises:
        ConfigurationError: it cannot be run, or a tool cannot have its name.
    """
    if not is_runnable(runnable):
        raise ConfigurationError(f"{runnable!r} is no Agent, Team or Workflow; give one")

    def ask(context: RunContext, prompt: str) -> Any:
        """Ask.

        Args:
            context: whom the asking run is for.
            prompt: the whole question or task; the other knows nothing but this.
        """
        if _awaits():
            return _ask(context, prompt)
        return told(runnable.run(prompt, context=_whom(context)))

    async def _ask(context: RunContext, prompt: str) -> str:
        return told(await runnable.arun(prompt, context=_whom(context)))

    def told(output: RunOutput) -> str:
        if on_output is not None:
            on_output(output)
        return output.content

    fit = _UNFIT.sub("_", runnable.name).strip("_")[:_LONGEST] if name is None else name
    made = tool(
        name=fit or "agent", description=_describe(runnable) if description is None else description
    )(ask)
    # `ask` gives an awaitable where there is an event loop, so it needs no thread there.
    return replace(made, waits=False)


def _whom(context: RunContext) -> RunContext:
    """Hand on whom a run is for, not which run it is."""
    return RunContext(user=context.user, session=context.session, dependencies=context.dependencies)


def _awaits() -> bool:
    """Tell whether this thread runs an event loop, without importing asyncio to find out."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _describe(runnable: Runnable) -> str:
    text = getattr(runnable, "instructions", "")
    if not isinstance(text, str) or not text.strip():
        return f"Ask `{runnable.name}`."
    text = " ".join(text.split())
    quoted = text if len(text) <= _DESCRIPTION else f"{text[:_DESCRIPTION]}…"
    return f"Ask `{runnable.name}`, whose instructions are: {quoted}"
