"""Time a benchmark in units of a reference loop: `python -P _relative_worker.py SOURCE NAME FILE`.

It writes JSON to FILE: the seconds of one operation, and the reference loops it takes, null where
one operation is too long for that.

Why: what else runs on a machine slows the reference down as well, and so cancels. 20 runs of
10 processes on two cores with a load of 3 to 4, `create` and `run`, all pairs, p < 0.002 and 10 %:

    seconds             equal code called different in 20 %, a slowdown of 15 % found in 67 %
    reference loops     equal code called different in  0 %, a slowdown of 15 % found in 100 %

Slices of 1 ms, shorter than the 3 ms for which Linux lets a process run, are mostly undisturbed;
the lower quartile of them leaves out those that were not. Medians and minima found fewer, and
slices of 50 ms were less steady.

It is run by its path, so that one file measures any revision of this package, in that
revision's environment. A reference that changed would make earlier results worthless: give it
another REFERENCE number then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from agno_cli.bench._children import report_problem
from agno_cli.bench._operations import Workbench

REFERENCE = 1
_SLICE_SECONDS = 0.001
_SLICES = 40
_FEWEST_SLICES = 4
# For operations that are longer than a slice, such as starting a process.
_BUDGET_SECONDS = 0.4
# Whole requests by the thousand wait, more than they compute.
_LONGEST_SECONDS = 0.5


def reference(loops: int) -> float:
    """Time what most Python code does: integers, tuples, a dict of a fixed size, calls into C."""
    started = perf_counter()
    kept: dict[int, tuple[int, int] | None] = {}
    total = 0
    for index in range(loops):
        total += index & 7
        kept[index & 63] = (index, total)
        kept.get(5)
    return perf_counter() - started


def relative_time(operation: Callable[[int], float]) -> float | None:
    """Give how many reference loops one loop of an operation takes, None if it is too long.

    Args:
        operation: does that many loops and gives the seconds they took.
    """
    return _times(operation)[1]


def _times(operation: Callable[[int], float]) -> tuple[float, float | None]:
    """Give the seconds of one loop of an operation, and the reference loops it takes."""
    loops, seconds = _loops_of_a_slice(operation)
    if seconds > _LONGEST_SECONDS:
        return seconds / loops, None
    reference_loops, _ = _loops_of_a_slice(reference)
    slices = min(_SLICES, max(_FEWEST_SLICES, int(_BUDGET_SECONDS / max(seconds, _SLICE_SECONDS))))
    mine, references = [], []
    for _ in range(slices):
        references.append(reference(reference_loops))
        mine.append(operation(loops))
    each = _lower_quartile(mine) / loops
    return each, each / (_lower_quartile(references) / reference_loops)


def _loops_of_a_slice(operation: Callable[[int], float]) -> tuple[int, float]:
    """Find how many loops fill a slice, and how long they take; warms the operation up too."""
    loops = 1
    while (seconds := operation(loops)) < _SLICE_SECONDS:
        # A first call may be a hundred times slower than the next, so never jump far.
        loops = min(2 * loops, int(loops * _SLICE_SECONDS / max(seconds, 1e-9)) + 1)
    return loops, seconds


def _lower_quartile(values: list[float]) -> float:
    return sorted(values)[len(values) // 4]


def _find(source: str, name: str) -> Any:
    try:
        from agno_cli.bench._sources import find
    except ModuleNotFoundError:  # a revision before there were sources other than built-in
        from agno_cli.bench.benchmarks import BENCHMARKS

        for benchmark in BENCHMARKS:
            if benchmark.name == name:
                return benchmark
        raise ValueError(f"this revision has no benchmark `{name}`") from None
    return find(source, name)


def main(source: str, name: str, output: str) -> None:
    """Measure a benchmark and write it down."""
    benchmark = _find(source, name)
    if benchmark.prepare is None:
        raise ValueError(f"benchmark `{name}` has nothing to time")
    with Workbench(benchmark.prepare()) as bench:
        bench.verify()
        if benchmark.lengthy:
            seconds, relative = bench.time(1), None
        else:
            seconds, relative = _times(bench.time)
        each = bench.per_loop
    written = {"seconds": seconds / each, "relative": relative and relative / each}
    Path(output).write_text(json.dumps(written), encoding="utf-8")


if __name__ == "__main__":
    with report_problem():
        main(*sys.argv[1:])
