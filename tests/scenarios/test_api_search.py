"""The search for the largest rate, with services whose limit is known."""

import pytest

from agno_cli.scenarios._api_search import _row, trials
from agno_cli.scenarios._result import Conclusion, RunResult


def tried(rate: float, limit: float, *, beyond: Conclusion = "too slow") -> list[float]:
    """Search from a rate for a limit; give the rates in their order."""
    rates: list[float] = []

    def trial(asked: float) -> RunResult:
        rates.append(asked)
        conclusion: Conclusion = "pass" if asked <= limit else beyond
        return RunResult(name="", conditions="", conclusion=conclusion)

    assert len(list(trials(rate, trial, least=1.0, most=400_000.0))) == len(rates)
    return rates


@pytest.mark.parametrize("limit", [3.0, 999.0, 1000.0, 12_345.0, 250_000.0])
def test_the_limit_is_found_to_a_twentieth(limit):
    rates = tried(1000.0, limit)
    best = max(rate for rate in rates if rate <= limit)
    assert best <= limit <= best * 1.05
    assert len(rates) <= 16


def test_it_doubles_then_halves_what_is_left():
    assert tried(1000.0, 2200.0) == [1000.0, 2000.0, 4000.0, 3000.0, 2500.0, 2250.0, 2120.0, 2180.0]


def test_where_nothing_passes_it_ends():
    rates = tried(100.0, 0.0)
    assert rates[-1] >= 1.0
    assert rates == sorted(rates, reverse=True)


def test_where_everything_passes_it_ends_too():
    assert tried(100_000.0, 1e9) == [100_000.0, 200_000.0, 400_000.0]


@pytest.mark.parametrize("conclusion", ["interrupted", "problem"])
def test_it_ends_with_what_makes_no_sense_to_try_again(conclusion):
    assert tried(1000.0, 10.0, beyond=conclusion) == [1000.0]


def test_the_result_says_what_stopped_it():
    def result(conclusion: Conclusion) -> RunResult:
        return RunResult(name="", conditions="", conclusion=conclusion)

    row = _row([(1.0, result("pass")), (4.0, result("generator")), (2.0, result("too slow"))])
    assert (row.measured, row.note) == (1.0, "at 2/s a threshold was missed")
    assert _row([(1.0, result("pass"))]).note == "no rate was tried beyond it"
    assert _row([(1.0, result("too slow"))]).measured is None
