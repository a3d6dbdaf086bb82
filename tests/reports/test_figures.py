"""Three digits and the unit that suits them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.reports import _figures


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.1e-7, "110 ns"),
        (9.994e-10, "0.999 ns"),
        (999.6e-9, "1.00 µs"),
        (0.05, "50.0 ms"),
        (90.0, "90.0 s"),
        (12_345.0, "12,345 s"),
    ],
)
def test_durations(seconds, text):
    assert _figures.seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 B"), (-512.0, "-512 B"), (10_239.0, "10,239 B"), (10_240.0, "10.0 KiB")],
)
def test_sizes(value, text):
    assert _figures.size(value) == text


def test_rates_counts_and_shares():
    assert [_figures.rate(rate) for rate in (9.5, 830_400.0, 9.2e6)] == ["9.50", "830 k", "9.20 M"]
    assert [_figures.number(count) for count in (17.994, 1.5, 45_888.0)] == ["18", "1.5", "45,888"]
    assert _figures.percent(0.034) == "3.4 %"


def test_a_metric_that_only_its_own_tool_knows_is_a_number():
    assert _figures.in_words("widgets", 12_345.5) == "12,345.5"


@given(st.floats(min_value=1e-9, max_value=999.0))
def test_a_duration_reads_back_within_three_digits(seconds):
    number, unit = _figures.seconds(seconds).split()
    factor = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(number) * factor == pytest.approx(seconds, rel=0.006)
    assert float(number) < 1000
