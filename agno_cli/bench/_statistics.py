"""Statistics of repeated measurements, as pure functions.

The unit of analysis is the worker process: values of one process are not independent of each
other, and treating them as if they were called identical code different in 16 of 28 pairs.
Every interval here comes from ranks alone, so it holds whatever the shape of the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import median

from msgspec import Struct

CONFIDENCE = 0.95


class Interval(Struct, frozen=True):
    """The bounds between which a figure lies with 95 % confidence."""

    low: float
    high: float


def process_medians(processes: Sequence[Sequence[float]]) -> list[float]:
    """Give the median of each worker process."""
    return [median(values) for values in processes]


def median_interval(values: Sequence[float]) -> Interval | None:
    """Give the interval of the median from order statistics, None for fewer than six values.

    With n values, the k-th smallest and the k-th largest enclose the median of what they were
    drawn from, unless fewer than k of n fair coins fall on one side.
    """
    ordered = sorted(values)
    count = len(ordered)
    k = _rank([math.comb(count, heads) for heads in range(count + 1)])
    return Interval(ordered[k - 1], ordered[-k]) if k else None


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Give the median of all pairwise ratios (Hodges-Lehmann, on logarithms).

    Both must be positive and not empty.
    """
    return median(_pairwise(numerators, denominators))


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Interval | None:
    """Give the interval of `ratio`, from the Mann-Whitney distribution; None for too few values.

    Four values on each side are the fewest that reach 95 %.
    """
    ordered = _pairwise(numerators, denominators)
    k = _rank(mann_whitney_counts(len(numerators), len(denominators)))
    return Interval(ordered[k - 1], ordered[-k]) if k else None


@cache
def mann_whitney_counts(first: int, second: int) -> tuple[int, ...]:
    """Count the orderings of two samples for each value of U, from 0 to first x second.

    The largest value of all belongs to the first sample, and then exceeds all of the second,
    or to the second (Mann and Whitney, 1947).
    """
    if first == 0 or second == 0:
        return (1,)
    without_first = mann_whitney_counts(first - 1, second)
    without_second = mann_whitney_counts(first, second - 1)
    counts = [0] * (first * second + 1)
    for u, ways in enumerate(without_first):
        counts[u + second] += ways
    for u, ways in enumerate(without_second):
        counts[u] += ways
    return tuple(counts)


def _pairwise(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    return sorted(above / below for above in numerators for below in denominators)


def _rank(counts: Sequence[int]) -> int:
    """Give the largest k for which both tails of k counts stay within what is left of 1."""
    # In whole numbers: floats would round a tail of exactly 2.5 % to either side.
    allowed = sum(counts) * (100 - round(100 * CONFIDENCE)) // 200
    tail = 0
    for k, ways in enumerate(counts):
        tail += ways
        if tail > allowed:
            return k
    raise AssertionError("unreachable: the counts sum to more than the tail allows")
