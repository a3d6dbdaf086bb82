"""A target is met, missed or undecided; one that could not be measured is never met."""

import pytest

from agno_cli.bench._measure import FAST
from agno_cli.bench._results import Count, Result, Suite, Timing
from agno_cli.bench._statistics import Interval
from agno_cli.bench._targets import parse_target
from agno_cli.bench._verdicts import Verdict, judge, required

KNOWN = {"create": 0, "run": 0, "soak": 0}


def timed(name: str, *processes: float, problem: str = "") -> Result:
    timing = Timing(tuple((seconds,) for seconds in processes), loops=1)
    return Result(name=name, summary="", operation="run", timing=timing, problem=problem)


def counted(name: str, **counts: float) -> Result:
    exact = {metric: Count(value, "byte") for metric, value in counts.items()}
    return Result(name=name, summary="", operation="run", counts=exact)


def verdict(metric: str, text: str, *results: Result) -> Verdict:
    target = parse_target("run", metric, text, KNOWN)
    (only,) = judge([target], Suite("", 0.0, FAST, results))
    assert only.target == target
    return only


@pytest.mark.parametrize(
    ("text", "outcome", "reason"),
    [
        ("med<=7s", "pass", ""),
        ("med<=6s", "pass", ""),
        (
            "med<6s",
            "inconclusive",
            ("the 95 % interval straddles the target; measure with --rigorous"),
        ),
        (
            "med<=1s",
            "inconclusive",
            ("the 95 % interval straddles the target; measure with --rigorous"),
        ),
        ("med<1s", "fail", ""),
        ("med>=1s", "pass", ""),
    ],
)
def test_time_is_decided_by_the_interval_of_its_median(text, outcome, reason):
    given = verdict("time", text, timed("run", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert given == Verdict(given.target, outcome, 3.5, Interval(1.0, 6.0), reason)


def test_too_few_processes_decide_nothing():
    given = verdict("time", "med<=1s", timed("run", 9.0, 9.0, 9.0, 9.0, 9.0))
    reason = "too few processes for a 95 % interval"
    assert given == Verdict(given.target, "inconclusive", 9.0, None, reason)


def test_a_ratio_compares_two_benchmarks_of_one_run():
    results = timed("run", *[3.0] * 4), timed("create", *[2.0] * 4)
    given = verdict("time", "ratio(create)<=1.3", *results)
    assert given == Verdict(given.target, "fail", 1.5, Interval(1.5, 1.5))


def test_a_rate_is_the_inverse_of_the_time():
    results = timed("run", *[1.0] * 6), timed("create", *[8.0] * 6)
    given = verdict("rate", "ratio(create)>=5", *results)
    assert given == Verdict(given.target, "pass", 8.0, Interval(8.0, 8.0))
    assert verdict("rate", "med>=2/s", *results).outcome == "fail"


@pytest.mark.parametrize(("text", "outcome"), [("value<=128B", "pass"), ("value<=127B", "fail")])
def test_a_count_is_decided_without_tolerance(text, outcome):
    given = verdict("bytes", text, counted("run", bytes=128.0))
    assert given == Verdict(given.target, outcome, 128.0)


def test_counts_have_ratios_too():
    results = counted("run", bytes=30.0), counted("create", bytes=20.0)
    assert verdict("bytes", "ratio(create)<=2", *results).measured == 1.5
    given = verdict("bytes", "ratio(create)<=2", results[0], counted("create", bytes=0.0))
    reason = "`create` is 0: there is no ratio"
    assert given == Verdict(given.target, "inconclusive", reason=reason)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([timed("run", problem="it broke")], "`run` could not be measured: it broke"),
        ([counted("run", bytes=1.0)], "`run` has no time here"),
        ([timed("run", *[1.0] * 6)], "`create` was not measured"),
    ],
)
def test_what_was_not_measured_is_never_met(results, reason):
    given = verdict("time", "ratio(create)<=9", *results)
    assert given == Verdict(given.target, "inconclusive", reason=reason)
    assert verdict("growth", "value<=9B", timed("run", 1.0)).reason == "`run` has no growth here"


def test_only_targets_of_measured_benchmarks_are_judged():
    target = parse_target("soak", "growth", "value<=1B", KNOWN)
    assert judge([target], Suite("", 0.0, FAST, (timed("run", 1.0),))) == ()


def test_a_ratio_requires_its_base():
    targets = [
        parse_target("run", "time", "ratio(create)<=9", KNOWN),
        parse_target("soak", "time", "ratio(run)<=9", KNOWN),
    ]
    assert required(targets, ["run"]) == {"create"}
