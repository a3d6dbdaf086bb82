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
OnEnd: TypeAlias = Callable[[RunContext, RunOutput], object]
_COROUTINE = 0x80  # inspect.CO_COROUTINE; importing inspect takes 10 ms


class Hooks(Struct, frozen=True, kw_only=True):
    """Functions called around runs and tool calls, in order.

    Each returns a replacement, or None to leave its value as it is; each may raise `Rejected`.
    They may be `async` where the run is. `after_run` sees the whole RunOutput before memory is
    committed, so a refused answer leaves no trace there; the messages that memory keeps are
    those of the RunOutput that the last hook leaves.

    `on_end` observes: it is called once for every run that began, whatever ended it, also a
    stream that was closed early and a task that was cancelled; `RunOutput.status` says which. It
    is called directly, so it cannot be `async`; what it returns is ignored, and what it raises
    is logged.

    Hooks are joined by `+`, the left ones called first.

    Raises:
        ConfigurationError: a field that is no tuple of functions, or an `async` observer.
    """

    before_run: tuple[BeforeRun, ...] = ()
    after_run: tuple[AfterRun, ...] = ()
    before_tool: tuple[BeforeTool, ...] = ()
    after_tool: tuple[AfterTool, ...] = ()
    on_end: tuple[OnEnd, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            hooks = getattr(self, name)
            if not isinstance(hooks, tuple | list) or not all(map(callable, hooks)):
                raise ConfigurationError(f"`{name}` is {hooks!r}; give a tuple of functions")
        for observer in self.on_end:
            code = getattr(observer, "__code__", None)
            if code is not None and code.co_flags & _COROUTINE:
                raise ConfigurationError(f"`on_end` has {observer!r}; give functions without async")

    def __add__(self, other: Hooks) -> Hooks:
        return Hooks(
            **{
                name: (*getattr(self, name), *getattr(other, name))
                for name in self.__struct_fields__
            }
        )


NO_HOOKS = Hooks()
