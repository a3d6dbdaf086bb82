"""One tool call, or another function of the user's, called in this thread."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter
from typing import Any

from ._context import RunContext
from ._messages import ToolCall, ToolResult
from ._plan import Plan
from ._threads import call_with_timeout
from ._tools import Invoke, failed_call, finish_call, hooked_call, prepare_call


def carry_out(plan: Plan, context: RunContext | None, call: ToolCall) -> ToolResult:
    """Carry out one call of a tool; whatever goes wrong is in the result."""
    if plan.tool_hooks:
        for item in hooked_call(call, plan.tools, plan.hooks, context, plan.tool_seconds):
            if isinstance(item, Invoke):
                fill(item)
            else:
                result = item
        return result
    started = perf_counter()
    try:
        step = prepare_call(call, plan.tools, context, plan.tool_seconds)
        value = step.function(*step.args) if step.timeout is None else value_of(step)
        if type(value) is not str and hasattr(value, "__await__"):
            value = _await_apart(value, None)
        return finish_call(call, value, started)
    except (Exception, SystemExit) as error:  # a tool may call `sys.exit`
        return failed_call(call, error, started)


def fill(step: Invoke) -> None:
    """Call a function and keep its value or its error in the step."""
    try:
        step.value = value_of(step)
    except (Exception, SystemExit) as error:
        step.error = error


def value_of(step: Invoke) -> Any:
    """Call a function, within its time limit, and wait for its value."""
    if step.timeout is None or not step.blocking:
        value = step.function(*step.args)
    else:
        value = call_with_timeout(lambda: step.function(*step.args), step.timeout)
    return _await_apart(value, step.timeout) if hasattr(value, "__await__") else value


def _await_apart(awaitable: Awaitable[Any], seconds: float | None) -> Any:
    """Await in an event loop and a thread of its own: this thread may have a running loop."""
    import asyncio

    async def wait() -> Any:
        try:
            async with asyncio.timeout(seconds) as timeout:
                return await awaitable
        except TimeoutError:
            if not timeout.expired():
                raise
            raise TimeoutError(f"timed out after {seconds:g} s") from None
        except asyncio.CancelledError:
            raise RuntimeError("it was cancelled from within") from None

    return call_with_timeout(lambda: asyncio.run(wait()), None)
