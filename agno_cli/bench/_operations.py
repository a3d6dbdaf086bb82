"""An operation to be measured: a statement, compiled to the loops that time and count it.

A call costs 16 to 30 ns, a quarter of the fastest operation here. So an operation is source
text, put into its loop as often as its `unrolled` says; the same text is timed and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from textwrap import indent
from time import perf_counter, process_time
from typing import Any, Self

from msgspec import Struct

_TIMED = """\
{define} timed(loops):
    result = None
    started = perf_counter()
    for _ in repeat(None, loops):
{body}
    return perf_counter() - started, result
"""

_KEPT = """\
{define} kept(places, indices):
    result = None
    for index in indices:
{body}
        places[index] = result
"""


class WorkNotDoneError(Exception):
    """A benchmark's operation did not do what it claims to measure."""


def expect(actual: Any, expected: Any) -> None:
    """Raise WorkNotDoneError unless the two are equal; unlike `assert`, under `-O` too."""
    if actual != expected:
        raise WorkNotDoneError(f"the work was not done: {actual!r} instead of {expected!r}")


class Operation(Struct, frozen=True, kw_only=True):
    """What to measure.

    Args:
        statement: one line of Python that leaves what it made in `result`; it may use `await`
            and `async`.
        names: what the statement refers to.
        check: called with a result, outside the timed part; raises WorkNotDoneError, by
            `expect`, unless the work was really done.
        unrolled: how often the statement stands in the timed loop.
        per_statement: how many operations one statement is.
        open: called at the start; what it gives, awaited if need be, is `given` to the statement.
        close: called at the end; may give an awaitable.
    """

    statement: str
    names: dict[str, Any]
    check: Callable[[Any], None]
    unrolled: int = 1
    per_statement: int = 1
    open: Callable[[], Any] | None = None
    close: Callable[[], Any] | None = None

    @property
    def is_async(self) -> bool:
        """Whether the statement awaits something."""
        return "await " in self.statement or "async " in self.statement


class Workbench:
    """An operation made ready. Use it as a context manager: it holds an event loop if need be.

    Everything asynchronous runs in one event loop, so connections outlive a timed value.
    """

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.cpu: list[float] = []  # of each call of `time`, in seconds per operation
        self._runner: Any = None
        self._names = {"repeat": repeat, "perf_counter": perf_counter, **operation.names}
        self._timed = self._compile(_TIMED, "timed", operation.unrolled)
        self._kept = self._compile(_KEPT, "kept", 1)

    @property
    def per_loop(self) -> int:
        """How many operations one loop of `time` is."""
        return self.operation.unrolled * self.operation.per_statement

    def __enter__(self) -> Self:
        if self.operation.is_async:
            import asyncio

            self._runner = asyncio.Runner()
        if self.operation.open is not None:
            given = self.operation.open()
            self._names["given"] = self._finish(given) if hasattr(given, "__await__") else given
        return self

    def __exit__(self, *_: object) -> None:
        if self.operation.close is not None:
            closing = self.operation.close()
            if hasattr(closing, "__await__"):
                self._finish(closing)
        if self._runner is not None:
            self._runner.close()

    def time(self, loops: int) -> float:
        """Time `loops` loops, in seconds, and check the last result.

        Raises:
            WorkNotDoneError: the check failed.
        """
        started = process_time()
        seconds, result = self._finish(self._timed(loops))
        self.cpu.append((process_time() - started) / (loops * self.per_loop))
        self.operation.check(result)
        return float(seconds)

    def keep(self, places: list[Any], indices: list[int]) -> None:
        """Do the operation for each index and keep its result there; allocates nothing else."""
        self._finish(self._kept(places, indices))

    def verify(self) -> None:
        """Do the operation once and check it.

        Raises:
            WorkNotDoneError: the check failed.
        """
        places: list[Any] = [None]
        self.keep(places, [0])
        self.operation.check(places[0])

    def _finish(self, value: Any) -> Any:
        return value if self._runner is None else self._runner.run(_awaited(value))

    def _compile(self, template: str, name: str, copies: int) -> Callable[..., Any]:
        operation = self.operation
        source = template.format(
            define="async def" if operation.is_async else "def",
            body=indent("\n".join([operation.statement] * copies), " " * 8),
        )
        exec(compile(source, f"<{operation.statement}>", "exec"), self._names)  # noqa: S102 - our own text
        compiled: Callable[..., Any] = self._names[name]
        return compiled


async def _awaited(value: Any) -> Any:
    return await value
