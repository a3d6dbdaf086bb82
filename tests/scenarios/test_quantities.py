"""Figures with units, as people write them in scenario files."""

import math
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.scenarios._quantities import (
    NO_LATENCY,
    UNITS,
    Dimension,
    Latency,
    quantiles,
    read_latency,
    read_quantity,
)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("30s", "time", 30.0),
        ("200ms", "time", 0.2),
        ("2min", "time", 120.0),
        (" 1.5 ms ", "time", 0.0015),
        ("10_000/s", "rate", 10_000.0),
        ("10k/s", "rate", 10_000.0),
        ("25kB", "bytes", 25_000.0),
        ("1KiB", "bytes", 1024.0),
        ("0.1%", "share", 0.001),
        ("1e3", "count", 1000.0),
    ],
)
def test_a_figure_has_a_number_and_a_unit(text, dimension, value):
    assert read_quantity("load.rate", text, dimension) == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "dimension", "message"),
    [
        (30, "time", 'here: 30 has no unit; write a text such as "30s"'),
        (True, "rate", 'here: True has no unit; write a text such as "10_000/s"'),
        ("", "time", "here: expected a number at the beginning, and nothing stands there"),
        (
            "30",
            "rate",
            "here: expected a unit (/s, k/s, M/s) after `30`, and nothing stands there",
        ),
        ("-1s", "time", "here: expected a number at the beginning, not `-1s`"),
        ("1__0s", "time", None),
        ("1s 2s", "time", "here: expected nothing more after `1s`, not `2s`"),
    ],
)
def test_a_bad_figure_is_refused_with_its_place(value, dimension, message):
    with pytest.raises(ConfigurationError) as caught:
        read_quantity("here", value, dimension)
    assert message is None or str(caught.value) == message


def test_a_latency_is_a_time_or_a_distribution():
    assert read_latency("x", "100ms") == Latency("constant", (0.1,), "100ms")
    assert read_latency("x", "uniform(1ms, 2ms)").parameters == (0.001, 0.002)
    assert read_latency("x", "exponential(50ms)").mean == 0.05
    lognormal = read_latency("x", "lognormal(300ms, 0.5)")
    assert lognormal == Latency("lognormal", (0.3, 0.5), "lognormal(300ms, 0.5)")
    assert lognormal.mean == pytest.approx(0.3 * math.exp(0.125))
    assert read_latency("x", "uniform(1s, 3s)").mean == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "normal(1s)",
            (
                "x: expected a time or a distribution (constant, uniform, exponential, lognormal)"
                " at the beginning, not `normal(1s)`"
            ),
        ),
        (
            "lognormal(300ms)",
            (
                "x: expected `,` and the standard deviation of its logarithm after"
                " `lognormal(300ms`, not `)`"
            ),
        ),
        ("uniform(2s, 1s)", "x: in `uniform(2s, 1s)` the least is more than the most"),
        ("uniform(1s, 2s", "x: expected `)` after `uniform(1s, 2s`, and nothing stands there"),
        ("constant 1s", "x: expected `(` and its value after `constant`, not `1s`"),
    ],
)
def test_a_bad_latency_is_refused_with_its_place(text, message):
    with pytest.raises(ConfigurationError) as caught:
        read_latency("x", text)
    assert str(caught.value) == message


def test_a_latency_is_no_number():
    with pytest.raises(ConfigurationError, match='write a text such as "300ms" or "lognormal'):
        read_latency("x", 3)


@pytest.mark.parametrize(
    "text", ["constant(10ms)", "uniform(1ms, 9ms)", "exponential(5ms)", "lognormal(300ms, 0.5)"]
)
def test_quantiles_lie_as_the_distribution_does(text):
    latency = read_latency("x", text)
    values = quantiles(latency, 1024)
    assert values == sorted(values)
    assert mean(values) == pytest.approx(latency.mean, rel=0.01)
    if latency.shape == "lognormal":
        assert median(values) == pytest.approx(0.3, rel=0.01)


def test_no_latency_is_none():
    assert quantiles(NO_LATENCY, 1) == [0.0]


@given(
    number=st.floats(0.001, 1e6).map(lambda value: round(value, 3)),
    dimension=st.sampled_from(["time", "rate", "bytes", "share"]),
    data=st.data(),
)
def test_what_is_written_is_read(number: float, dimension: Dimension, data: st.DataObject):
    unit = data.draw(st.sampled_from(sorted(UNITS[dimension])))
    found = read_quantity("x", f"{number}{unit}", dimension)
    assert found == pytest.approx(number * UNITS[dimension][unit])
