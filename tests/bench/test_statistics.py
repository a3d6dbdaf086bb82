"""Intervals come from ranks, so their properties hold for any numbers."""

import itertools
from collections import Counter
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.bench._statistics import (
    Interval,
    mann_whitney_counts,
    median_interval,
    process_medians,
    ratio,
    ratio_interval,
)

seconds = st.floats(min_value=1e-9, max_value=1e3)
samples = st.lists(seconds, min_size=6, max_size=20)


def test_a_process_counts_once_however_many_values_it_gave():
    assert process_medians([(3.0, 1.0, 2.0), (5.0,)]) == [2.0, 5.0]


def test_the_interval_of_ten_values_leaves_out_one_at_each_end():
    """Of ten fair coins, one or none is heads in 1.1 % of cases, two or fewer in 5.5 %."""
    assert median_interval([float(n) for n in range(10)]) == Interval(1.0, 8.0)


def test_six_values_are_the_fewest_that_enclose_a_median_with_95_percent():
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == Interval(1.0, 6.0)
    assert median_interval([]) is None


def test_four_values_a_side_are_the_fewest_that_enclose_a_ratio():
    assert ratio_interval([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) is None
    assert ratio_interval([2.0, 4.0, 6.0, 8.0], [1.0, 1.0, 1.0, 2.0]) == Interval(1.0, 8.0)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 3)])
def test_mann_whitney_counts_are_those_of_all_orderings(first, second):
    """Counted by brute force: U is how many pairs the first sample wins."""
    wins: Counter[int] = Counter()
    for places in itertools.combinations(range(first + second), first):
        others = [place for place in range(first + second) if place not in places]
        wins[sum(mine > other for mine in places for other in others)] += 1
    expected = tuple(wins[u] for u in range(first * second + 1))
    assert mann_whitney_counts(first, second) == expected


@given(samples)
def test_the_interval_encloses_the_median(values):
    interval = median_interval(values)
    assert interval is not None
    assert min(values) <= interval.low <= median(values) <= interval.high <= max(values)


@given(samples, samples)
def test_the_interval_encloses_the_ratio(numerators, denominators):
    interval = ratio_interval(numerators, denominators)
    assert interval is not None
    assert interval.low <= ratio(numerators, denominators) <= interval.high


@given(samples, samples, st.sampled_from([2.0, 4.0, 1024.0]))
def test_slowing_one_side_down_scales_the_ratio(numerators, denominators, factor):
    slower = [value * factor for value in numerators]
    assert ratio(slower, denominators) == pytest.approx(factor * ratio(numerators, denominators))
