"""Schedules: made before the first request, and the same for the same seed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.scenarios._arrivals import requests_of, schedule
from agno_cli.scenarios._definition import Arrival, Load


def test_a_constant_rate_has_even_distances():
    times = schedule(Load(rate=4.0, duration=1.0, warmup=0.5))
    assert list(times) == [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75]


def test_random_arrivals_are_the_same_for_the_same_seed():
    one = schedule(Load(arrival="poisson", rate=1000.0, duration=2.0, warmup=0.5, seed=3))
    assert one == schedule(Load(arrival="poisson", rate=1000.0, duration=2.0, warmup=0.5, seed=3))
    assert one != schedule(Load(arrival="poisson", rate=1000.0, duration=2.0, warmup=0.5, seed=4))
    measured = [at for at in one if at >= 0]
    assert len(measured) == pytest.approx(2000, rel=0.1)


def test_a_ramp_gets_faster_evenly():
    load = Load(arrival="ramp", rate_from=100.0, rate=300.0, duration=2.0, warmup=0.1)
    times = [at for at in schedule(load) if at >= 0]
    assert len(times) == 400
    first_half = sum(1 for at in times if at < 1.0)
    assert first_half == pytest.approx(150, abs=1)  # 100/s rising to 200/s
    distances = [after - before for before, after in pairwise(times)]
    assert all(after <= before + 1e-9 for before, after in pairwise(distances))


def test_a_ramp_may_fall_or_be_level():
    falling = schedule(Load(arrival="ramp", rate_from=300.0, rate=100.0, duration=1.0, warmup=0.0))
    assert len(falling) == 200
    level = schedule(Load(arrival="ramp", rate_from=100.0, rate=100.0, duration=1.0, warmup=0.0))
    assert len(level) == 100


def test_a_closed_loop_has_room_for_what_nobody_can_count():
    times = schedule(Load(arrival="closed", duration=0.01, warmup=0.0))
    assert list(times) == [0.0] * 2000


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (
            Load(rate=1e6, duration=60.0, warmup=0.0),
            (
                "60,000,000 requests are more than the 10,000,000 that are kept track of; lower the"
                " rate or the duration"
            ),
        ),
        (
            Load(rate=0.1, duration=1.0, warmup=0.0),
            "1 s at 0.1/s are no requests; raise the rate or the duration",
        ),
        (Load(duration=0.0), "0 s at 1000/s are no requests; raise the rate or the duration"),
    ],
)
def test_a_schedule_of_nothing_or_of_too_much_is_refused(load, message):
    with pytest.raises(ConfigurationError) as caught:
        schedule(load)
    assert str(caught.value) == message


@given(
    arrival=st.sampled_from(["constant", "poisson", "ramp"]),
    rate=st.floats(10, 2000),
    start=st.floats(10, 2000),
    duration=st.floats(0.2, 3),
    warmup=st.floats(0, 1),
)
def test_a_schedule_is_in_order_and_within_its_time(
    arrival: Arrival, rate: float, start: float, duration: float, warmup: float
):
    load = Load(arrival=arrival, rate=rate, rate_from=start, duration=duration, warmup=warmup)
    times = schedule(load)
    assert list(times) == sorted(times)
    assert all(-warmup - 1e-6 <= at <= duration + 1e-6 for at in times)
    if arrival != "poisson":
        assert len(times) == pytest.approx(requests_of(load), abs=2)
