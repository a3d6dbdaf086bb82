"""When requests are to be sent: schedules that are made before the first one is."""

from __future__ import annotations

import math
import random
from array import array

from agno_cli._errors import ConfigurationError
from agno_cli.scenarios._definition import Load

MOST_REQUESTS = 10_000_000
# Of a closed loop, whose requests nobody can count beforehand; it ends early beyond.
_CLOSED_RATE = 200_000.0


def schedule(load: Load) -> array[float]:
    """Give the intended send times in seconds, from the end of the warm-up: it is before 0.

    A closed loop has no such times; its array is as long as it may send requests.

    Raises:
        ConfigurationError: more requests than are kept track of, or none at all.
    """
    expected = requests_of(load)
    if expected > MOST_REQUESTS and load.arrival != "closed":
        raise ConfigurationError(
            f"{expected:,.0f} requests are more than the {MOST_REQUESTS:,} that are kept track"
            " of; lower the rate or the duration"
        )
    if load.duration <= 0 or expected < 1:
        raise ConfigurationError(
            f"{load.duration:g} s at {load.rate:g}/s are no requests; raise the rate or the"
            " duration"
        )
    if load.arrival == "closed":
        return array("d", bytes(8 * math.ceil(min(expected, MOST_REQUESTS))))
    if load.arrival == "poisson":
        return _poisson(load)
    first = load.rate_from if load.arrival == "ramp" else load.rate
    warm = math.floor(load.warmup * first)
    times = array("d", (-(warm - number) / first for number in range(warm)))
    if load.arrival == "ramp":
        times.extend(_ramp(load))
    else:
        count = math.ceil(load.duration * load.rate - 1e-9)
        times.extend(number / load.rate for number in range(count))
    return times


def requests_of(load: Load) -> float:
    """Say how many requests there will be, warm-up included."""
    if load.arrival == "closed":
        return _CLOSED_RATE * (load.duration + load.warmup)
    if load.arrival == "ramp":
        return (load.rate_from + load.rate) / 2 * load.duration + load.rate_from * load.warmup
    return load.rate * (load.duration + load.warmup)


def _poisson(load: Load) -> array[float]:
    chance = random.Random(load.seed)  # noqa: S311 - nothing is secret
    times = array("d")
    at = -load.warmup + chance.expovariate(load.rate)
    while at < load.duration:
        times.append(at)
        at += chance.expovariate(load.rate)
    return times


def _ramp(load: Load) -> array[float]:
    """Solve `first * t + (last - first) * t² / (2 * duration) = n` for every n."""
    first, slope = load.rate_from, (load.rate - load.rate_from) / load.duration
    if abs(slope) < 1e-9:  # noqa: PLR2004 - as good as constant
        return array("d", (n / first for n in range(math.ceil(first * load.duration))))
    count = math.ceil((load.rate_from + load.rate) / 2 * load.duration - 1e-9)
    return array(
        "d",
        (
            (math.sqrt(max(first * first + 2 * slope * n, 0.0)) - first) / slope
            for n in range(count)
        ),
    )
