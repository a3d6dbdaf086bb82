"""The exact test of Mann and Whitney."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.bench._significance import ALPHA, can_reach, mann_whitney

numbers = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=6)


def test_samples_apart_are_as_unlikely_as_one_ordering_in_all_of_either_side():
    assert mann_whitney([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == 2 / math.comb(6, 3)


def test_equal_samples_differ_in_nothing():
    assert mann_whitney([1.0] * 8, [1.0] * 8) == 1.0


def test_seven_processes_a_side_are_the_fewest_that_can_differ():
    assert [can_reach(n, n) for n in (1, 6, 7)] == [False, False, True]
    assert mann_whitney([1.0] * 6, [2.0] * 6) > ALPHA > mann_whitney([1.0] * 7, [2.0] * 7)


def test_large_samples_are_no_problem():
    assert mann_whitney(list(map(float, range(30))), [100.0] * 30) < 1e-15


@pytest.mark.parametrize("sizes", [(3, 4), (4, 4)])
def test_p_is_the_share_of_orderings_that_are_as_extreme(sizes):
    """By brute force over all ways to deal out the ranks."""
    first, second = sizes
    ranks = [float(rank) for rank in range(first + second)]
    deals = [
        ([ranks[i] for i in chosen], [r for i, r in enumerate(ranks) if i not in chosen])
        for chosen in itertools.combinations(range(first + second), first)
    ]

    def distance(mine, other):
        wins = sum(m > o for m in mine for o in other)
        return abs(wins - first * second / 2)

    for mine, other in deals:
        extreme = sum(distance(*deal) >= distance(mine, other) for deal in deals)
        assert mann_whitney(mine, other) == pytest.approx(min(1.0, extreme / len(deals)))


@given(numbers, numbers)
def test_p_is_a_probability_and_the_same_from_both_sides(first, second):
    p = mann_whitney(first, second)
    assert 0 < p <= 1
    assert p == mann_whitney(second, first)
    assert p == mann_whitney([2 * value for value in first], [2 * value for value in second])
