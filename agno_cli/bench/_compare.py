"""Compare two records, benchmark by benchmark: pass, fail or inconclusive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._record import Record
from agno_cli.bench._results import Result
from agno_cli.bench._significance import ALPHA, can_reach, mann_whitney
from agno_cli.bench._statistics import Interval, process_medians, ratio, ratio_interval
from agno_cli.bench._verdicts import Outcome

Change: TypeAlias = Literal["better", "same", "worse", "unknown"]

# For a machine whose noise was not measured: `agno bench --aa` does.
DEFAULT_EFFECT = 0.10
# Seconds drift with whatever else a machine does: the medians of two runs of equal code differed
# by up to 40 % on two busy cores, and by 14 % on quiet ones.
SECONDS_EFFECT = 0.25
_EXACT = ("bytes", "allocations", "bytecodes", "modules", "heavy_modules")


class Comparison(Struct, frozen=True, kw_only=True):
    """What became of one figure.

    Attributes:
        outcome: `fail` is a regression; a figure that was not measured on both sides is
            inconclusive, never a pass.
        before: seconds per operation, or a count; None where it is missing.
        ratio: how many times `before` it is now: of counts themselves, of times the median of
            all pairwise ratios.
        interval: where that ratio lies with 95 % confidence, for times.
        probability: of such a difference between equal code (p), for times.
        effect: the least relative change of time that counts as one.
        reason: why it is inconclusive, else empty.
    """

    benchmark: str
    metric: str
    outcome: Outcome
    change: Change
    before: float | None = None
    after: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    probability: float | None = None
    effect: float | None = None
    reason: str = ""


def compare(
    before: Record, after: Record, effect_of: Callable[[str], float] = lambda _: DEFAULT_EFFECT
) -> tuple[Comparison, ...]:
    """Compare every benchmark of `after` with the one of its name in `before`.

    Args:
        before: the baseline.
        after: the candidate; what only the baseline has was not asked for.
        effect_of: the minimum effect on time by benchmark, 0.1 for 10 %; see `_noise`.
    """
    earlier = {result.name: result for result in before.suite.results}
    return tuple(
        comparison
        for result in after.suite.results
        for comparison in _compare(before, after, earlier.get(result.name), result, effect_of)
    )


def _compare(
    before: Record,
    after: Record,
    old: Result | None,
    new: Result,
    effect_of: Callable[[str], float],
) -> Iterator[Comparison]:
    reason = _missing(old, new)
    if old is None or reason:
        yield _unknown(new.name, "all", reason)
        return
    timed = _compare_time(before, after, old, new, effect_of(new.name))
    if timed is not None:
        yield timed
    same_build = before.environment.build == after.environment.build and (
        before.environment.python == after.environment.python
    )
    for metric in _EXACT:
        if metric in old.counts or metric in new.counts:
            yield _compare_counts(metric, old, new, same_build=same_build)


def _missing(old: Result | None, new: Result) -> str:
    if new.problem:
        return f"it could not be measured: {new.problem}"
    if new.timing is None and not new.counts:
        return "nothing of it was measured"
    if old is None:
        return "the baseline has no such benchmark; save a new one with it"
    return f"the baseline could not measure it: {old.problem}" if old.problem else ""


def _unknown(benchmark: str, metric: str, reason: str) -> Comparison:
    return Comparison(
        benchmark=benchmark,
        metric=metric,
        outcome="inconclusive",
        change="unknown",
        reason=reason,
    )


def _compare_counts(metric: str, old: Result, new: Result, *, same_build: bool) -> Comparison:
    if metric not in old.counts or metric not in new.counts:
        return _unknown(new.name, metric, "it was counted on one side only")
    before, after = old.counts[metric].value, new.counts[metric].value
    change: Change = "worse" if after > before else "better" if after < before else "same"
    outcome: Outcome = "fail" if change == "worse" else "pass"
    reason = ""
    if not same_build:
        outcome, change = "inconclusive", "unknown"
        reason = "counts of different Python builds cannot be compared"
    return Comparison(
        benchmark=new.name,
        metric=metric,
        outcome=outcome,
        change=change,
        before=before,
        after=after,
        ratio=after / before if before > 0 else None,
        reason=reason,
    )


def _compare_time(
    before: Record, after: Record, old: Result, new: Result, effect: float
) -> Comparison | None:
    """Compare the times of a benchmark; None if it has none on either side."""
    name = new.name
    seconds = _seconds(old), _seconds(new)
    relative: tuple[Sequence[float], Sequence[float]] = ((), ())
    if before.reference == after.reference:
        relative = _relative(old), _relative(new)
    if relative[0] and relative[1]:
        decided = decide(relative[0], relative[1], effect)
    elif seconds[0] and seconds[1]:
        decided = decide(seconds[0], seconds[1], max(effect, SECONDS_EFFECT))
    elif any(seconds):
        return _unknown(name, "time", "it was timed on one side only")
    else:
        return None
    return Comparison(
        benchmark=name,
        metric="time",
        outcome=decided.outcome,
        change=decided.change,
        before=median(seconds[0]),
        after=median(seconds[1]),
        ratio=decided.ratio,
        interval=decided.interval,
        probability=decided.probability,
        effect=decided.effect,
        reason=decided.reason,
    )


def _relative(result: Result) -> Sequence[float]:
    """Give the times in reference loops, none if some processes took too long for that."""
    timing = result.timing
    if timing is None or len(timing.relative) != len(timing.processes):
        return ()
    return timing.relative


def _seconds(result: Result) -> Sequence[float]:
    return process_medians(result.timing.processes) if result.timing is not None else ()


class Decision(Struct, frozen=True):
    """What two samples of times say; see `Comparison`."""

    outcome: Outcome
    change: Change
    ratio: float
    interval: Interval | None
    probability: float
    effect: float
    reason: str = ""


def decide(before: Sequence[float], after: Sequence[float], effect: float) -> Decision:
    """Decide whether times became longer, one figure a process.

    Worse or better: significantly so, and by the minimum effect. The same: the interval leaves
    no room for a slowdown of that size. Else nobody knows.
    """
    change_ratio, interval = ratio(after, before), ratio_interval(after, before)
    probability = mann_whitney(before, after)

    def decision(outcome: Outcome, change: Change, reason: str = "") -> Decision:
        return Decision(outcome, change, change_ratio, interval, probability, effect, reason)

    if not can_reach(len(before), len(after)):
        return decision("inconclusive", "unknown", _too_few(len(before), len(after)))
    if probability < ALPHA and change_ratio >= 1 + effect:
        return decision("fail", "worse")
    if probability < ALPHA and change_ratio <= 1 / (1 + effect):
        return decision("pass", "better")
    if interval is not None and interval.high < 1 + effect:
        return decision("pass", "same")
    return decision(
        "inconclusive",
        "unknown",
        f"a slowdown of {effect:.0%} cannot be excluded; measure again with --rigorous",
    )


def _too_few(before: int, after: int) -> str:
    return (
        f"{before} and {after} processes can show no difference at p < {ALPHA}; measure at least"
        " 7 on each side"
    )


def outcomes(comparisons: Sequence[Comparison]) -> Mapping[Outcome, int]:
    """Count the comparisons by outcome, all three of them."""
    counted: dict[Outcome, int] = {"pass": 0, "fail": 0, "inconclusive": 0}
    for comparison in comparisons:
        counted[comparison.outcome] += 1
    return counted
