"""Hold results against targets: pass, fail or inconclusive, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._results import Result, Suite
from agno_cli.bench._statistics import (
    Interval,
    median_interval,
    process_medians,
    ratio,
    ratio_interval,
)
from agno_cli.bench._targets import TIMED, Target

Outcome: TypeAlias = Literal["pass", "fail", "inconclusive"]


class Verdict(Struct, frozen=True):
    """What became of one target.

    Attributes:
        measured: the figure in the target's unit, None where it could not be measured; such a
            target is inconclusive, never met.
        interval: where the figure lies with 95 % confidence, None for exact counts.
        reason: why it is inconclusive, else empty.
    """

    target: Target
    outcome: Outcome
    measured: float | None = None
    interval: Interval | None = None
    reason: str = ""


def required(targets: Iterable[Target], names: Iterable[str]) -> set[str]:
    """Give the benchmarks that targets of the named ones are ratios to."""
    chosen = set(names)
    return {target.base for target in targets if target.base and target.benchmark in chosen}


def judge(targets: Iterable[Target], suite: Suite) -> tuple[Verdict, ...]:
    """Judge the targets of the benchmarks that were to be measured."""
    results = {result.name: result for result in suite.results}
    return tuple(_judge(target, results) for target in targets if target.benchmark in results)


def _judge(target: Target, results: Mapping[str, Result]) -> Verdict:
    involved = [target.benchmark, *([target.base] if target.base else [])]
    for name in involved:
        reason = _missing(name, target.metric, results)
        if reason:
            return Verdict(target, "inconclusive", reason=reason)
    if target.metric in TIMED:
        return _judge_samples(target, [_samples(results[n], target.metric) for n in involved])
    values = [results[name].counts[target.metric].value for name in involved]
    if target.base and values[1] == 0:
        return Verdict(target, "inconclusive", reason=f"`{target.base}` is 0: there is no ratio")
    measured = values[0] / values[1] if target.base else values[0]
    return Verdict(target, "pass" if target.met_by(measured) else "fail", measured)


def _missing(name: str, metric: str, results: Mapping[str, Result]) -> str:
    """Say why there is no such figure; give an empty text when there is."""
    result = results.get(name)
    if result is None:
        return f"`{name}` was not measured"
    if result.problem:
        return f"`{name}` could not be measured: {result.problem}"
    timing = result.timing
    if metric not in TIMED:
        known = metric in result.counts
    else:
        known = timing is not None and bool(metric != "cpu" or timing.cpu)
    return "" if known else f"`{name}` has no {metric} here"


def _samples(result: Result, metric: str) -> list[float]:
    assert result.timing is not None, "asked for by `_missing` first"
    timing = result.timing
    seconds = process_medians(timing.cpu if metric == "cpu" else timing.processes)
    return [1 / second for second in seconds] if metric == "rate" else seconds


def _judge_samples(target: Target, samples: Sequence[Sequence[float]]) -> Verdict:
    if target.base:
        measured, interval = ratio(*samples), ratio_interval(*samples)
    else:
        measured, interval = median(samples[0]), median_interval(samples[0])
    if interval is None:
        reason = "too few processes for a 95 % interval"
        return Verdict(target, "inconclusive", measured, reason=reason)
    met = {target.met_by(interval.low), target.met_by(interval.high)}
    if len(met) > 1:
        reason = "the 95 % interval straddles the target; measure with --rigorous"
        return Verdict(target, "inconclusive", measured, interval, reason)
    return Verdict(target, "pass" if met == {True} else "fail", measured, interval)
