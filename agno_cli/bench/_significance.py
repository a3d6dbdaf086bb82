"""The Mann-Whitney U test, exact; no table, no approximation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agno_cli.bench._statistics import mann_whitney_counts

# asv's level. With 28 comparisons of equal code, 5 % would call 1.4 of them different, and
# values of one machine are never quite independent.
ALPHA = 0.002


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Give the two-sided p-value of two samples; ties count as half, rounded against a finding.

    >>> mann_whitney([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    0.1
    """
    wins = sum(
        1.0 if mine > other else 0.5 if mine == other else 0.0 for mine in first for other in second
    )
    counts = mann_whitney_counts(len(first), len(second))
    tail = math.ceil(min(wins, len(first) * len(second) - wins))
    # In whole numbers, for the counts of large samples are no floats any more.
    extreme, orderings = 2 * sum(counts[: tail + 1]), sum(counts)
    return min(1.0, extreme / orderings)


def can_reach(first: int, second: int) -> bool:
    """Say whether samples of these sizes can differ significantly at all.

    Seven processes a side are the fewest that can: six give 2/924 = 0.0022 at best.
    """
    return 2 / math.comb(first + second, first) < ALPHA
