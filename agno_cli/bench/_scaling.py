"""Scaling: what more workers give in all, held against what one gives.

Throughput is that of all workers together, from the wall time of a fixed amount of work; a time
for each worker would grow with their number and say nothing. Speed-up is the ratio to one
worker of the same kind, efficiency is speed-up divided by workers.
"""

from __future__ import annotations

import os
import re
from statistics import median
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from agno_cli.bench._results import Environment, Result, Suite
from agno_cli.bench._statistics import Interval, process_medians, ratio, ratio_interval

Work: TypeAlias = Literal["create", "run"]
Kind: TypeAlias = Literal["threads", "processes"]

_NAME = re.compile(r"parallel_(create|run)_(threads|processes)_(\d+)")


class Point(Struct, frozen=True):
    """One number of workers: operations per second in all, and the speed-up over one worker.

    `interval` is that of the speed-up, None for too few processes.
    """

    workers: int
    rate: float
    speed_up: float
    interval: Interval | None

    @property
    def efficiency(self) -> float:
        """The share of the workers that the speed-up amounts to."""
        return self.speed_up / self.workers


class Scaling(Struct, frozen=True):
    """One work done by more and more workers of one kind, fewest first."""

    work: Work
    kind: Kind
    points: tuple[Point, ...]


def worker_counts(cores: int | None = None) -> list[int]:
    """Give 1, 2, 4 and so on, up to the cores of this machine; at least 1 and 2."""
    cores = cores or os.cpu_count() or 1
    powers = [2**exponent for exponent in range(1, cores.bit_length()) if 2**exponent < cores]
    return [1, *powers, max(cores, 2)]


def scaling_name(work: Work, kind: Kind, workers: int) -> str:
    """Name the benchmark that measures one point."""
    return f"parallel_{work}_{kind}_{workers}"


def find_scaling(suite: Suite) -> tuple[Scaling, ...]:
    """Collect the curves of a suite; one needs at least its point of one worker."""
    curves: dict[tuple[str, str], dict[int, list[float]]] = {}
    for result in suite.results:
        found = _NAME.fullmatch(result.name)
        if found and result.timing is not None and not result.problem:
            curve = curves.setdefault((found[1], found[2]), {})
            curve[int(found[3])] = _seconds(result)
    return tuple(
        Scaling(cast("Work", work), cast("Kind", kind), _points(curve))
        for (work, kind), curve in curves.items()
        if 1 in curve
    )


def _seconds(result: Result) -> list[float]:
    assert result.timing is not None, "asked for by the caller"
    return process_medians(result.timing.processes)


def _points(curve: dict[int, list[float]]) -> tuple[Point, ...]:
    alone = curve[1]
    return tuple(
        Point(
            workers,
            rate=1 / median(seconds),
            speed_up=ratio(alone, seconds) if workers > 1 else 1.0,
            interval=ratio_interval(alone, seconds) if workers > 1 else None,
        )
        for workers, seconds in sorted(curve.items())
    )


def explain_threads(environment: Environment) -> str:
    """Say plainly what threads can give on this Python."""
    if not environment.gil:
        return "threads: this is a free-threaded Python, so they run on all cores at once"
    if environment.free_threaded:
        return (
            "threads: this is a free-threaded Python, but a module turned its global lock on"
            " again, so they take turns; `PYTHON_GIL=0` forbids it that"
        )
    return (
        "threads: this Python has a global lock, so they take turns and more of them do not"
        " give more; processes need none of it"
    )
