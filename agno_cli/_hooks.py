"""Functions of the user's that see, change or refuse what a run does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from ._context import RunContext
from ._errors import ConfigurationError
from ._messages import RunOutput, ToolCall, ToolResult

BeforeRun: TypeAlias = Callable[[RunContext, str], str | None | Awaitable[str | None]]
AfterRun: TypeAlias = Callable[
    [RunContext, RunOutput], RunOutput | None | Awaitable[RunOutput | None]
]
BeforeTool: TypeAlias = Callable[
    [RunContext, ToolCall], ToolCall | None | Awaitable[ToolCall | None]
]
AfterTool: TypeAlias = Callable[
    [RunContext, ToolResult], ToolResult | None | Awaitable[ToolResult | None]
]


class Hooks(Struct, frozen=True, kw_only=True):
    """Functions called around runs and tool calls, in order.

    Each returns a replacement, or None to leave its value as it is; each may raise `Rejected`.
    They may be `async` where the run is. `after_run` sees the whole RunOutput before memory is
    committed, so a refused answer leaves no trace there; the messages that memory keeps are
    those of the RunOutput that the last hook leaves.

    Raises:
        ConfigurationError: a field that is no tuple of functions.
    """

    before_run: tuple[BeforeRun, ...] = ()
    after_run: tuple[AfterRun, ...] = ()
    before_tool: tuple[BeforeTool, ...] = ()
    after_tool: tuple[AfterTool, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            hooks = getattr(self, name)
            if not isinstance(hooks, tuple | list) or not all(map(callable, hooks)):
                raise ConfigurationError(f"`{name}` is {hooks!r}; give a tuple of functions")


NO_HOOKS = Hooks()
