"""Measuring, through real processes with as little work as they can have."""

import pytest

from agno_cli.bench._measure import (
    BROAD,
    FAST,
    NORMAL,
    RIGOROUS,
    Progress,
    _plan,
    _processes,
    _progress,
    estimate,
    measure,
)
from agno_cli.bench._registry import Benchmark, select
from agno_cli.bench._results import Count, Settings
from agno_cli.bench._statistics import ratio_interval
from agno_cli.bench.benchmarks import BENCHMARKS, agents

SMALLEST = Settings(rounds=2, processes=1, values=1, min_seconds=1e-9)


def test_a_benchmark_is_counted_then_timed_in_rounds():
    seen: list[Progress] = []
    suite = measure(select(BENCHMARKS, ["create"], everything=False), SMALLEST, seen.append)
    (result,) = suite.results
    assert result.problem == ""
    assert result.timing is not None
    assert [len(values) for values in result.timing.processes] == [1, 1]
    assert result.counts["allocations"] == Count(1.0, "allocation")
    assert [(p.step, p.steps, p.benchmark, p.what) for p in seen] == [
        (1, 3, "create", "counting"),
        (2, 3, "create", "timing, round 1 of 2"),
        (3, 3, "create", "timing, round 2 of 2"),
    ]
    assert not suite.partial


def test_a_benchmark_that_fails_is_a_result_that_says_so():
    unknown = Benchmark(name="arunn", summary="", operation="", prepare=agents.create)
    (result,) = measure([unknown], SMALLEST).results
    assert (result.timing, result.counts) == (None, {})
    assert result.problem == (
        "timing failed: InputError: there is no benchmark `arunn`; did you mean `arun` or `run`?"
    )


def test_an_interrupt_keeps_what_was_measured():
    """`memory_append` was not begun, so it is no result."""

    def interrupt(progress):
        if progress.benchmark == "memory_append":
            raise KeyboardInterrupt

    chosen = select(BENCHMARKS, ["create", "memory_append"], everything=False)
    suite = measure(chosen, SMALLEST, interrupt)
    (result,) = suite.results
    assert (suite.partial, result.name, result.timing) == (True, "create", None)
    assert "bytes" in result.counts


@pytest.mark.parametrize(
    ("settings", "in_all"), [(FAST, 6), (BROAD, 4), (NORMAL, 6), (RIGOROUS, 12)]
)
def test_what_takes_seconds_has_half_the_processes_but_enough_for_a_ratio(settings, in_all):
    lengthy = Benchmark(name="x", summary="", operation="", lengthy=True)
    assert settings.rounds * _processes(lengthy, settings) == in_all
    assert ratio_interval([1.0] * in_all, [1.0] * in_all) is not None


def test_an_estimate_adds_up_the_steps():
    (create,) = select(BENCHMARKS, ["create"])
    steps = list(_plan([create], FAST))
    assert estimate([create], FAST) == sum(step.expected_seconds for step in steps) > 0


def test_the_estimate_follows_the_pace_so_far():
    steps = list(_plan(select(BENCHMARKS, ["create"], everything=False), SMALLEST))
    at_start = _progress(steps, 0, 0.0).seconds_left
    assert at_start == pytest.approx(sum(step.expected_seconds for step in steps))
    expected = steps[0].expected_seconds
    assert _progress(steps, 1, expected).seconds_left == pytest.approx(at_start - expected)
    assert _progress(steps, 1, 60.0).seconds_left > 2 * at_start
