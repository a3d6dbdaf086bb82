"""Histograms of times: as exact as they say, and the same after a journey."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.scenarios._histogram import Histogram, merged

TIMES = st.lists(st.floats(1e-8, 100.0), min_size=1, max_size=50)


def test_an_empty_one_is_all_zero():
    histogram = Histogram()
    assert (histogram.count, histogram.mean, histogram.max, histogram.min) == (0, 0.0, 0.0, 0.0)
    assert histogram.percentiles([50, 99]) == [0.0, 0.0]
    assert histogram.share_above(1.0) == 0.0
    assert Histogram.decode(histogram.encode()).count == 0


def test_percentiles_are_times_that_so_many_do_not_exceed():
    histogram = Histogram(number / 1000 for number in range(1, 1001))
    assert histogram.percentiles([50, 90, 99, 100]) == pytest.approx(
        [0.5, 0.9, 0.99, 1.0], rel=1e-3
    )
    assert histogram.mean == pytest.approx(0.5005)
    assert (histogram.min, histogram.max) == (0.001, 1.0)


def test_what_is_out_of_range_is_put_at_its_end():
    histogram = Histogram([-1.0, 7200.0])
    assert (histogram.min, histogram.max, histogram.count) == (0.0, 3600.0, 2)


def test_bins_count_up_to_their_edges():
    histogram = Histogram([0.001, 0.002, 0.02, 5.0])
    assert histogram.bins([0.0015, 0.01, 0.1]) == [1, 1, 1, 1]
    assert histogram.share_above(0.01) == 0.5


@settings(max_examples=25)  # each makes thirty thousand counters
@given(TIMES)
def test_a_percentile_is_right_to_three_digits(times):
    histogram = Histogram(times)
    middle = sorted(times)[math.ceil(len(times) / 2) - 1]
    assert histogram.percentile(50) == pytest.approx(middle, rel=2e-3, abs=2e-9)
    assert histogram.max == pytest.approx(max(times), abs=1e-9)
    assert histogram.percentile(100) == histogram.max


@settings(max_examples=25)  # each makes thirty thousand counters
@given(TIMES)
def test_a_histogram_survives_its_encoding(times):
    one = Histogram(times)
    other = Histogram.decode(one.encode())
    assert (other.count, other.max, other.min, other.mean) == (
        one.count,
        one.max,
        one.min,
        one.mean,
    )
    assert other.percentiles([50, 99]) == one.percentiles([50, 99])


@settings(max_examples=25)  # each makes thirty thousand counters
@given(TIMES, TIMES)
def test_merging_is_as_if_all_had_been_recorded_in_one(some, others):
    together, whole = merged([Histogram(some), Histogram(others)]), Histogram([*some, *others])
    assert together.percentiles([10, 50, 99]) == whole.percentiles([10, 50, 99])
    assert (together.count, together.max, together.min) == (whole.count, whole.max, whole.min)
    assert together.mean == pytest.approx(whole.mean)


@pytest.mark.parametrize("text", ["", "1,2,3", "1.0,1.0,1.0,HISTF", "a,b,c,d", "1,2,3,4,5"])
def test_a_damaged_encoding_is_a_configuration_error(text):
    with pytest.raises(ConfigurationError, match="a histogram is damaged"):
        Histogram.decode(text)


def test_the_percentile_spectrum_is_in_milliseconds():
    lines = Histogram([0.001, 0.003]).hgrm().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert lines[2].split()[:3] == ["1.000", "0.000000000000", "1"]
    assert "#[Mean    =        2.000, StdDeviation   =        1.000]" in lines
