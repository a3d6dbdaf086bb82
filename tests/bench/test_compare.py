"""A change is better, the same or worse, or nobody knows; what is missing never passes."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agno_cli.bench._compare import Comparison, compare, decide, outcomes
from agno_cli.bench._statistics import Interval
from tests.bench.records import record, result

EIGHT = [1.00, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07]
seconds = st.lists(st.floats(min_value=1e-9, max_value=1e3), min_size=1, max_size=9)


def slower(factor: float) -> list[float]:
    return [factor * value for value in EIGHT]


@pytest.mark.parametrize(
    ("factor", "outcome", "change"),
    [
        (1.0, "pass", "same"),
        (1.05, "pass", "same"),
        (1.15, "fail", "worse"),
        (0.85, "pass", "better"),
        (0.95, "pass", "same"),
    ],
)
def test_a_change_counts_from_the_minimum_effect_on(factor, outcome, change):
    decision = decide(EIGHT, slower(factor), 0.10)
    assert (decision.outcome, decision.change, decision.reason) == (outcome, change, "")


def test_a_slowdown_that_cannot_be_excluded_is_no_pass():
    decision = decide(EIGHT, slower(1.09), 0.10)
    assert decision.interval is not None
    assert decision.interval.high > 1.10
    assert (decision.outcome, decision.change) == ("inconclusive", "unknown")
    assert decision.reason == (
        "a slowdown of 10% cannot be excluded; measure again with --rigorous"
    )


def test_noise_is_no_regression():
    decision = decide(EIGHT, [0.5, 0.6, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5], 0.10)
    assert (decision.outcome, decision.probability > 0.002) == ("inconclusive", True)


def test_six_processes_can_show_nothing():
    decision = decide(EIGHT[:6], slower(9.0)[:6], 0.10)
    assert decision.outcome == "inconclusive"
    assert decision.reason == (
        "6 and 6 processes can show no difference at p < 0.002; measure at least 7 on each side"
    )


def test_reference_loops_decide_where_both_sides_have_them():
    """The seconds say twice as long: a busier machine, for its reference loop took as long."""
    before = record(result("run", EIGHT, EIGHT))
    after = record(result("run", slower(2.0), EIGHT))
    (comparison,) = compare(before, after)
    assert comparison == Comparison(
        benchmark="run",
        metric="time",
        outcome="pass",
        change="same",
        before=median(EIGHT),
        after=median(slower(2.0)),
        ratio=1.0,
        interval=comparison.interval,
        probability=1.0,
        effect=0.10,
    )
    assert isinstance(comparison.interval, Interval)


def test_another_reference_loop_is_no_reference():
    before = record(result("run", EIGHT, EIGHT))
    after = record(result("run", slower(2.0), EIGHT))
    (comparison,) = compare(before, replace(after, reference=2))
    assert (comparison.outcome, comparison.effect) == ("fail", 0.25)
    assert comparison.ratio == pytest.approx(2.0)


def test_seconds_decide_where_some_processes_took_too_long():
    before = record(result("run", EIGHT, EIGHT))
    after = record(result("run", EIGHT, slower(2.0)[:5]))
    (comparison,) = compare(before, after)
    assert (comparison.ratio, comparison.effect) == (1.0, 0.25)


def test_each_benchmark_has_its_own_minimum_effect():
    before = record(result("run", EIGHT, EIGHT))
    after = record(result("run", EIGHT, slower(1.3)))
    (comparison,) = compare(before, after, lambda name: {"run": 0.4}[name])
    assert (comparison.outcome, comparison.effect) == ("pass", 0.4)


@pytest.mark.parametrize(
    ("before", "after", "outcome", "change", "ratio"),
    [
        (100.0, 100.0, "pass", "same", 1.0),
        (100.0, 101.0, "fail", "worse", 1.01),
        (100.0, 99.0, "pass", "better", 0.99),
        (0.0, 1.0, "fail", "worse", None),
    ],
)
def test_counts_are_compared_without_tolerance(before, after, outcome, change, ratio):
    (comparison,) = compare(record(result("run", bytes=before)), record(result("run", bytes=after)))
    assert comparison == Comparison(
        benchmark="run",
        metric="bytes",
        outcome=outcome,
        change=change,
        before=before,
        after=after,
        ratio=ratio,
    )


def test_counts_of_different_builds_cannot_be_compared():
    before, after = result("run", bytes=1.0), result("run", bytes=1.0)
    (comparison,) = compare(record(before), record(after, python="3.13.0"))
    assert (comparison.outcome, comparison.change) == ("inconclusive", "unknown")
    assert comparison.reason == "counts of different Python builds cannot be compared"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([], result("run", EIGHT), "the baseline has no such benchmark; save a new one with it"),
        (
            [result("run", problem="it broke")],
            result("run", EIGHT),
            "the baseline could not measure it: it broke",
        ),
        ([result("run", EIGHT)], result("run"), "nothing of it was measured"),
        (
            [result("run", EIGHT)],
            result("run", problem="it broke"),
            "it could not be measured: it broke",
        ),
    ],
)
def test_what_was_not_measured_is_never_a_pass(before, after, reason):
    (comparison,) = compare(record(*before), record(after))
    assert comparison == Comparison(
        benchmark="run", metric="all", outcome="inconclusive", change="unknown", reason=reason
    )


def test_one_side_only_is_never_a_pass():
    both = compare(record(result("run", EIGHT)), record(result("run", bytes=1.0)))
    assert [(c.metric, c.outcome, c.reason) for c in both] == [
        ("time", "inconclusive", "it was timed on one side only"),
        ("bytes", "inconclusive", "it was counted on one side only"),
    ]


def test_what_only_the_baseline_has_was_not_asked_for():
    assert compare(record(result("run", EIGHT)), record()) == ()


def test_outcomes_are_counted():
    comparisons = compare(
        record(result("run", bytes=1.0, allocations=2.0)),
        record(result("run", bytes=2.0, allocations=2.0), result("create", bytes=1.0)),
    )
    assert outcomes(comparisons) == {"pass": 1, "fail": 1, "inconclusive": 1}


@given(seconds, seconds, st.floats(0.01, 1.0))
def test_a_regression_is_never_seen_from_both_sides(before, after, effect):
    there, back = decide(before, after, effect), decide(after, before, effect)
    assert (there.change == "worse") == (back.change == "better")
    assert not (there.outcome == "fail" and back.outcome == "fail")
