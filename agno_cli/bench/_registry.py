"""The benchmarks by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench._operations import Operation
from agno_cli.bench._results import Counted


class Benchmark(Struct, frozen=True, kw_only=True):
    """One thing to measure.

    Args:
        name: also the name that targets use.
        summary: what is measured, for tables and lists.
        operation: what the figures are per.
        prepare: makes the operation, in the worker process; None when nothing is timed.
        count: finds the exact figures, in a process of its own; None when there are none.
        default: whether it belongs to the set of about a minute.
        lengthy: whether one statement takes seconds: each process then times it once, and
            the verification before it is all of the warm-up.
    """

    name: str
    summary: str
    operation: str
    prepare: Callable[[], Operation] | None = None
    count: Callable[[], Counted] | None = None
    default: bool = False
    lengthy: bool = False


def select(
    benchmarks: Sequence[Benchmark], names: Sequence[str], *, everything: bool
) -> list[Benchmark]:
    """Choose by name, in the order of the registry; without names the default set or all.

    Raises:
        InputError: no benchmark has that name; the nearest ones are offered.
    """
    known = [benchmark.name for benchmark in benchmarks]
    for name in names:
        if name not in known:
            raise InputError(f"there is no benchmark `{name}`; {nearest(name, known)}")
    if names and not everything:
        return [benchmark for benchmark in benchmarks if benchmark.name in names]
    return [benchmark for benchmark in benchmarks if everything or benchmark.default]


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which of the known names was probably meant."""
    known = list(known)
    close = get_close_matches(name, known, n=3) or [k for k in known if name and name in k]
    if close:
        return "did you mean " + " or ".join(f"`{match}`" for match in close) + "?"
    return "the names are " + ", ".join(known)
