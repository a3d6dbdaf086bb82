"""The benchmarks by name, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench._operations import Operation
from agno_cli.bench._results import Counted


class Source(Struct, frozen=True):
    """Where a benchmark is found again by the processes that measure it.

    Args:
        kind: the built-in ones, those of a user's file, or those made of a user's agent.
        reference: the file, or `module:attribute` of the agent.
        call_tools: whether an agent's own tool functions are called.
    """

    kind: Literal["built-in", "file", "agent"] = "built-in"
    reference: str = ""
    call_tools: bool = False


BUILT_IN = Source()


class Benchmark(Struct, frozen=True, kw_only=True):
    """One thing to measure.

    Args:
        name: also the name that targets use.
        summary: what is measured, for tables and lists.
        operation: what the figures are per.
        prepare: makes the operation, in the worker process; None when nothing is timed.
        count: finds the exact figures, in a process of its own; None when there are none.
        default: whether it belongs to the set of about a minute.
        lengthy: whether one statement takes seconds: half as many processes then time it once
            each, and the verification before it is all of the warm-up.
        source: where it comes from.
    """

    name: str
    summary: str
    operation: str
    prepare: Callable[[], Operation] | None = None
    count: Callable[[], Counted] | None = None
    default: bool = False
    lengthy: bool = False
    source: Source = BUILT_IN


def select(
    benchmarks: Sequence[Benchmark],
    names: Sequence[str] = (),
    *,
    parts: Sequence[str] = (),
    everything: bool = False,
) -> list[Benchmark]:
    """Choose in the order of the registry; when nothing is asked for, the default set.

    Args:
        benchmarks: those to choose from.
        names: whole names.
        parts: texts; every benchmark whose name holds one of them is chosen too.
        everything: choose all.

    Raises:
        InputError: no benchmark has that name, or that text in its name; the nearest ones are
            offered.
    """
    known = [benchmark.name for benchmark in benchmarks]
    for name in names:
        if name not in known:
            raise InputError(f"there is no benchmark `{name}`; {nearest(name, known)}")
    wanted = set(names)
    for part in parts:
        matches = {name for name in known if part.lower() in name}
        if not matches:
            raise InputError(f"no benchmark has `{part}` in its name; {nearest(part, known)}")
        wanted |= matches
    if everything or not wanted:
        return [benchmark for benchmark in benchmarks if everything or benchmark.default]
    return [benchmark for benchmark in benchmarks if benchmark.name in wanted]


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which of the known names was probably meant."""
    known = list(known)
    close = get_close_matches(name, known, n=3) or [k for k in known if name and name in k]
    if close:
        return "did you mean " + " or ".join(f"`{match}`" for match in close) + "?"
    return "the names are " + ", ".join(known)
