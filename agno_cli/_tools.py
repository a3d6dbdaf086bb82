"""Tools: a typed function with its JSON schema, made once, at decoration.

A call has three parts: `prepare_call` decodes and validates the arguments, the driver calls the
function, `finish_call` words the result; `hooked_call` is the same with hooks around it. Whatever
goes wrong becomes, by `failed_call`, a result that the model can act on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeAlias, TypeVar, final, overload

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from ._context import RunContext
from ._errors import ConfigurationError, Rejected
from ._hooks import Hooks
from ._json import to_json
from ._limits import check_seconds
from ._messages import Message, ToolCall, ToolResult

_T = TypeVar("_T")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_logger = logging.getLogger("agno_cli")

Decode: TypeAlias = Callable[[str], Struct]


class Tool(Struct, frozen=True, eq=False, kw_only=True):
    """A function that a model may call. Make one with `tool`.

    Args:
        name: what the model calls it.
        description: what it does, for the model.
        parameters: JSON schema of its arguments, an object schema.
        function: the function as it was written.
        call: called with the validated arguments by position, in the order of the signature.
        decode: JSON text to a struct of arguments; raises `msgspec.ValidationError`.
        takes_context: whether the first parameter is the RunContext.
        waits: whether asynchronous runs must call it in a thread: it is neither a coroutine
            function nor quick.
        quick: whether it is called where the run is, never in a thread nor in parallel; for
            pure functions of microseconds.
        timeout: seconds a call may take, None for the run's `Limits.tool_seconds`.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    function: Callable[..., Any]
    call: Callable[..., Any]
    decode: Decode
    takes_context: bool = False
    waits: bool = True
    quick: bool = False
    timeout: float | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function as if it were not decorated."""
        return self.function(*args, **kwargs)


class Toolkit(Struct, frozen=True, eq=False):
    """A named group of tools, handed to an agent as one.

    Raises:
        ConfigurationError: two of its tools have one name, or they are no list.
    """

    name: str
    tools: Sequence[ToolLike]

    def __post_init__(self) -> None:
        if not isinstance(self.tools, list | tuple):
            raise ConfigurationError(
                f"the tools of toolkit `{self.name}` are {self.tools!r}; give a list"
            )
        msgspec.structs.force_setattr(self, "tools", tuple(tool_table([self]).values()))


ToolLike: TypeAlias = Tool | Toolkit | Callable[..., Any]


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    quick: bool = False,
    timeout: float | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    quick: bool = False,
    timeout: float | None = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool from a function whose parameters are annotated.

    The schema comes from the signature, the descriptions from the docstring. Annotations may
    be anything msgspec can describe: builtins, `Literal`, enums, dataclasses, TypedDicts,
    Structs, and `Annotated[int, msgspec.Meta(ge=0)]` for constraints.

    >>> @tool
    ... def add(a: int, b: int = 1) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> add.name, add.parameters["required"]
    ('add', ['a'])

    Raises:
        ConfigurationError: a parameter without an annotation or with one that has no schema,
            a variadic parameter, a `quick` tool that is asynchronous or has a timeout.
    """
    if function is not None:
        return _make_tool(function, name, description, quick, timeout)
    return lambda function: _make_tool(function, name, description, quick, timeout)


def tool_table(tools: Iterable[ToolLike]) -> dict[str, Tool]:
    """Flatten tools, toolkits and plain functions to tools by name, in the order given.

    Raises:
        ConfigurationError: two tools of one name, or something that is not a tool.
    """
    table: dict[str, Tool] = {}
    for item in _flatten(tools):
        if item.name in table:
            raise ConfigurationError(
                f"two tools are named `{item.name}`; rename one with `@tool(name=...)`"
            )
        table[item.name] = item
    return table


def _flatten(tools: Iterable[ToolLike]) -> Iterable[Tool]:
    for item in tools:
        if isinstance(item, Tool):
            yield item
        elif isinstance(item, Toolkit):
            yield from _flatten(item.tools)
        elif callable(item):
            yield tool(item)
        else:
            raise ConfigurationError(
                f"{item!r} is not a tool; give a function, a `Tool` or a `Toolkit`"
            )


def _make_tool(
    function: Callable[..., Any],
    name: str | None,
    description: str | None,
    quick: bool,  # noqa: FBT001 - private, and named where it is given
    timeout: float | None,
) -> Tool:
    from ._signatures import read_signature

    signature = read_signature(function)
    name = name or signature.name
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"`{name}` cannot name a tool; providers take 1 to 64 of A-Z a-z 0-9 _ and -,"
            " so name it with `@tool(name=...)`"
        )
    if timeout is not None:
        check_seconds(f"timeout of tool `{name}`", timeout)
    if quick and (signature.is_async or timeout is not None):
        raise ConfigurationError(
            f"tool `{name}` is quick, so it can be neither async nor timed; drop `quick=True`"
        )
    return Tool(
        name=name,
        description=signature.description if description is None else description,
        parameters=signature.parameters,
        function=function,
        call=signature.call,
        decode=signature.decode,
        takes_context=signature.takes_context,
        waits=not (quick or signature.is_async),
        quick=quick,
        timeout=timeout,
    )


@final
class Invoke(Struct, eq=False):
    """Ask the driver to call a function of the user's, and wait for its value.

    The driver fills `value` or `error`. A `blocking` function waits for something, so
    asynchronous drivers call it in a thread. One that `must_finish` is not stopped half-way.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    blocking: bool = False
    timeout: float | None = None
    must_finish: bool = False
    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        """Give the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


def prepare_call(
    call: ToolCall,
    tools: Mapping[str, Tool],
    context: RunContext | None,
    timeout: float | None,
) -> Invoke:
    """Decode and validate a call's arguments.

    Raises:
        Rejected: there is no such tool, or the arguments do not fit it.
    """
    found = tools.get(call.name)
    if found is None:
        raise Rejected(f"there is no such tool; the tools are: {', '.join(tools) or 'none'}")
    try:
        arguments = astuple(found.decode(call.arguments or "{}"))
    except Exception as error:  # msgspec's errors, and whatever a `__post_init__` raises
        raise Rejected(f"invalid arguments: {error}") from error
    if found.takes_context:
        arguments = (context, *arguments)
    seconds = None if found.quick else found.timeout or timeout
    return Invoke(found.call, arguments, found.waits, seconds)


def finish_call(call: ToolCall, value: Any, started: float) -> ToolResult:
    """Put what a call gave into words for the model.

    Raises:
        Exception: the value cannot be encoded, or its `str` raises.
    """
    content = value if type(value) is str else _as_text(value)
    return ToolResult(call.id, call.name, content, False, perf_counter() - started)  # noqa: FBT003


def failed_call(call: ToolCall, error: BaseException, started: float) -> ToolResult:
    """Tell the model why a call failed, or was refused."""
    if isinstance(error, Rejected):
        content = f"`{call.name}` was refused: {error}"
    else:
        content = f"{type(error).__name__}: {error}"
        _logger.debug("tool `%s` raised", call.name, exc_info=error)
    return ToolResult(call.id, call.name, content, True, perf_counter() - started)  # noqa: FBT003


def hooked_call(
    call: ToolCall,
    tools: Mapping[str, Tool],
    hooks: Hooks,
    context: RunContext | None,
    timeout: float | None,
) -> Generator[Invoke | ToolResult, None, None]:
    """Carry out one call with its hooks: yield Invokes to be filled, then the ToolResult, last."""
    started = perf_counter()
    try:
        for hook in hooks.before_tool:
            call = replacement((yield from invoke(hook, context, call)), call)
        result = yield from _hookless(call, tools, context, timeout)
        for look in hooks.after_tool:
            result = replacement((yield from invoke(look, context, result)), result)
    except Exception as error:
        result = failed_call(call, error, started)
    yield result


def _hookless(
    call: ToolCall,
    tools: Mapping[str, Tool],
    context: RunContext | None,
    timeout: float | None,
) -> Generator[Invoke, None, ToolResult]:
    started = perf_counter()
    try:
        step = prepare_call(call, tools, context, timeout)
        yield step
        return finish_call(call, step.result(), started)
    except (Exception, SystemExit) as error:
        return failed_call(call, error, started)


def replacement(given: object, current: _T) -> _T:
    """Take what a hook gave in place of a value; None leaves it as it is.

    Raises:
        TypeError: it is of another type.
    """
    if given is None:
        return current
    if not isinstance(given, type(current)):
        raise TypeError(f"a hook gave {given!r}; give a {type(current).__name__} or None")
    return given


def invoke(function: Callable[..., Any], *args: Any) -> Generator[Invoke, None, Any]:
    """Yield one Invoke, then return its value or raise its error."""
    step = Invoke(function, args)
    yield step
    return step.result()


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # the text of an enum's member, not its name
    return "" if value is None else to_json(value)


def _nothing() -> None:
    """Stand in for a function that will not be called."""


def tool_message(call: ToolCall, result: ToolResult) -> Message:
    """Put a result into the form that a conversation keeps.

    The id is the call's whatever hooks made of the result: providers refuse a call without one.
    """
    return Message("tool", result.content, (), call.id, call.name, result.is_error)


def not_run(call: ToolCall, reason: str) -> Message:
    """Answer a call that was not carried out: a conversation never lacks a result."""
    return Message("tool", f"Not run: {reason}.", (), call.id, call.name, is_error=True)
