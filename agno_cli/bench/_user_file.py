"""The user's own benchmarks: functions of a file, marked by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from agno_cli.bench._operations import Operation
    from agno_cli.bench._registry import Benchmark, Source

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MARK = "__agno_benchmark__"
_ANYTHING: Any = object()


class _Marked(Struct, frozen=True):
    """What the decorator was given."""

    function: Callable[..., Any]
    name: str
    summary: str
    setup: Callable[[], Any] | None
    expected: Any
    unrolled: int


@overload
def benchmark(function: _Function, /) -> _Function: ...
@overload
def benchmark(
    *,
    name: str = "",
    setup: Callable[[], Any] | None = None,
    expected: Any = ...,
    unrolled: int = 1,
) -> Callable[[_Function], _Function]: ...
def benchmark(
    function: _Function | None = None,
    /,
    *,
    name: str = "",
    setup: Callable[[], Any] | None = None,
    expected: Any = _ANYTHING,
    unrolled: int = 1,
) -> _Function | Callable[[_Function], _Function]:
    """Mark a function as a benchmark; `agno bench FILE` measures its calls.

    Args:
        function: a function or a coroutine function; it is given back as it is. Its docstring
            is shown in tables.
        name: the benchmark's, if not the function's.
        setup: called once in each measuring process, untimed; the function is then called with
            what it gives. With a `yield`, what stands behind that cleans up. A coroutine
            function's may be asynchronous too.
        expected: what the function must return; anything else ends the measurement. A function
            of one parameter is called with the value, and raises or returns False to refuse it.
        unrolled: how often the call stands in the timed loop; give 25 for a function that takes
            less than a microsecond, and the loop's own 10 to 20 ns do not count.

    >>> @benchmark(expected=[1, 2, 3])
    ... def sort_three():
    ...     return sorted([3, 1, 2])

    Raises:
        ConfigurationError: the function is a generator, whose call does no work; the setup is
            asynchronous and the function is not; `unrolled` is no positive number.
    """

    def mark(function: _Function) -> _Function:
        label = name or function.__name__
        _check(function, label, setup, unrolled)
        summary = (function.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        marked = _Marked(function, label, summary, setup, expected, unrolled)
        setattr(function, _MARK, marked)
        return function

    return mark if function is None else mark(function)


def _check(
    function: Callable[..., Any], name: str, setup: Callable[[], Any] | None, unrolled: int
) -> None:
    from inspect import (
        isasyncgenfunction,
        iscoroutinefunction,
        isgeneratorfunction,
    )

    if isgeneratorfunction(function) or isasyncgenfunction(function):
        raise ConfigurationError(
            f"benchmark `{name}` is a generator, and calling it does no work; consume it in a"
            " function of its own"
        )
    awaits = iscoroutinefunction(setup) or isasyncgenfunction(setup)
    if awaits and not iscoroutinefunction(function):
        raise ConfigurationError(
            f"the setup of benchmark `{name}` is asynchronous, but `{name}` is not; write"
            f" `async def {function.__name__}`"
        )
    if type(unrolled) is not int or unrolled < 1:
        raise ConfigurationError(
            f"`unrolled` of benchmark `{name}` is {unrolled!r}; give a whole number from 1 up"
        )


def benchmarks_of_file(source: Source) -> list[Benchmark]:
    """Give the benchmarks of a user's file, in the order they are written.

    Raises:
        InputError: there is no such file, or it has no benchmark.
        ConfigurationError: it raises when it is imported; two benchmarks have one name, or
            one has the name of a built-in one.
    """
    from agno_cli._user_code import load_module
    from agno_cli.bench._counting import count_memory
    from agno_cli.bench._registry import Benchmark
    from agno_cli.bench.benchmarks import BENCHMARKS

    taken = {built_in.name: "a built-in one" for built_in in BENCHMARKS}
    found = []
    for marked in _marked(vars(load_module(source.reference, "FILE"))):
        if marked.name in taken:
            raise ConfigurationError(
                f"benchmark `{marked.name}` of {source.reference} has the name of"
                f" {taken[marked.name]}; rename it by `@benchmark(name=...)`"
            )
        taken[marked.name] = "another"
        prepare = partial(_operation, marked)
        found.append(
            Benchmark(
                name=marked.name,
                summary=marked.summary,
                operation="call",
                prepare=prepare,
                count=partial(count_memory, prepare),
                default=True,
                source=source,
            )
        )
    if not found:
        raise InputError(
            f"{source.reference} has no benchmark; put `@benchmark` from agno_cli.bench before"
            " a function"
        )
    return found


def _marked(names: dict[str, Any]) -> Iterator[_Marked]:
    seen = set()
    for value in names.values():
        marked = getattr(value, "__dict__", {}).get(_MARK)
        if isinstance(marked, _Marked) and id(marked) not in seen:
            seen.add(id(marked))
            yield marked


def _operation(marked: _Marked) -> Operation:
    from inspect import iscoroutinefunction

    from agno_cli.bench._operations import Operation

    call = "function(given)" if marked.setup else "function()"
    opening, closing = _around(marked.setup)
    return Operation(
        statement=f"result = {'await ' * iscoroutinefunction(marked.function)}{call}",
        names={"function": marked.function},
        check=partial(_check_result, marked),
        unrolled=marked.unrolled,
        open=opening,
        close=closing,
    )


def _around(
    setup: Callable[[], Any] | None,
) -> tuple[Callable[[], Any] | None, Callable[[], Any] | None]:
    """Give what opens and what closes a benchmark, out of a function or a generator."""
    from inspect import isasyncgenfunction, isgeneratorfunction

    if setup is not None and isgeneratorfunction(setup):
        steps = setup()
        return partial(next, steps), partial(next, steps, None)
    if setup is not None and isasyncgenfunction(setup):
        asteps = setup()
        return partial(anext, asteps), partial(anext, asteps, None)
    return setup, None


def _check_result(marked: _Marked, result: Any) -> None:
    from agno_cli.bench._operations import WorkNotDoneError, expect

    if hasattr(result, "__await__"):
        raise WorkNotDoneError(
            f"`{marked.name}` returned {result!r}, which nobody awaits; write"
            f" `async def {marked.function.__name__}` and await it"
        )
    if marked.expected is _ANYTHING:
        return
    if not callable(marked.expected):
        expect(result, marked.expected)
    elif marked.expected(result) is False:
        raise WorkNotDoneError(f"the work was not done: {result!r} was refused")
