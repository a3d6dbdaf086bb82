"""Scaling is total throughput, held against one worker."""

import msgspec
import pytest

from agno_cli.bench._environment import read_environment
from agno_cli.bench._measure import FAST
from agno_cli.bench._results import Result, Suite, Timing
from agno_cli.bench._scaling import (
    Point,
    Scaling,
    explain_threads,
    find_scaling,
    scaling_name,
    worker_counts,
)
from agno_cli.bench._statistics import Interval


def timed(name: str, seconds: float, problem: str = "") -> Result:
    timing = Timing(((seconds,),) * 4, 1)
    return Result(name=name, summary="", operation="run", timing=timing, problem=problem)


@pytest.mark.parametrize(
    ("cores", "counts"),
    [(1, [1, 2]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])],
)
def test_workers_double_up_to_the_cores(cores, counts):
    assert worker_counts(cores) == counts


def test_the_speed_up_is_that_of_all_workers_together():
    results = (
        timed(scaling_name("run", "processes", 4), 0.5),
        timed(scaling_name("run", "processes", 1), 1.5),
        timed(scaling_name("create", "threads", 1), 1.0, problem="it broke"),
        timed(scaling_name("create", "threads", 2), 1.0),
        timed("run", 1.0),
    )
    (curve,) = find_scaling(Suite("", 0.0, FAST, results))
    assert curve == Scaling(
        "run",
        "processes",
        (Point(1, 1 / 1.5, 1.0, None), Point(4, 2.0, 3.0, Interval(3.0, 3.0))),
    )
    assert [point.efficiency for point in curve.points] == [1.0, 0.75]


@pytest.mark.parametrize(
    ("gil", "free_threaded", "said"),
    [
        (True, False, "this Python has a global lock, so they take turns"),
        (True, True, "this is a free-threaded Python, but a module turned its global lock on"),
        (False, True, "this is a free-threaded Python, so they run on all cores at once"),
    ],
)
def test_what_threads_can_give_is_said_plainly(gil, free_threaded, said):
    environment = msgspec.structs.replace(read_environment(), gil=gil, free_threaded=free_threaded)
    assert said in explain_threads(environment)
