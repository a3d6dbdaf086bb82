"""Figures as people write them: `30s`, `10_000/s`, `25kB`, `0.1%`, `lognormal(300ms, 0.5)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._targets import UNITS as BENCH_UNITS
from agno_cli.bench._targets import Scanner, take_quantity

Dimension: TypeAlias = Literal["time", "rate", "bytes", "count", "share"]
Shape: TypeAlias = Literal["constant", "uniform", "exponential", "lognormal"]

UNITS: dict[Dimension, Mapping[str, float]] = {
    "time": {**BENCH_UNITS["time"], "min": 60.0},
    "rate": BENCH_UNITS["rate"],
    "bytes": {**BENCH_UNITS["bytes"], "kB": 1e3, "MB": 1e6, "GB": 1e9, "GiB": 1024.0**3},
    "count": BENCH_UNITS["count"],
    "share": {"%": 0.01, "": 1.0},
}
# What follows the name of a distribution, and what each figure means.
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "constant": ("its value",),
    "uniform": ("the least", "the most"),
    "exponential": ("the mean",),
    "lognormal": ("the median", "the standard deviation of its logarithm"),
}
_SIGMA = {"": 1.0}


class Latency(Struct, frozen=True):
    """How long a scripted model takes.

    Args:
        shape: of the distribution.
        parameters: in seconds, in the order they are written; the second of `lognormal` is a
            number.
        text: as it was written.
    """

    shape: Shape
    parameters: tuple[float, ...]
    text: str

    @property
    def mean(self) -> float:
        """Seconds on average."""
        import math

        first, *others = self.parameters
        if self.shape == "lognormal":
            return first * math.exp(others[0] ** 2 / 2)
        return (first + others[0]) / 2 if others else first


NO_LATENCY = Latency("constant", (0.0,), "0s")


def read_quantity(place: str, value: object, dimension: Dimension) -> float:
    """Read one figure with its unit.

    >>> read_quantity("load.rate", "10_000/s", "rate")
    10000.0

    Raises:
        ConfigurationError: what is wrong, with the place marked.
    """
    if not isinstance(value, str):
        example = {"time": "30s", "rate": "10_000/s", "bytes": "25kB", "share": "0.1%"}
        raise ConfigurationError(
            f'{place}: {value!r} has no unit; write a text such as "{example[dimension]}"'
        )
    scanner = Scanner(place, value)
    found = take_quantity(scanner, UNITS[dimension])
    scanner.end()
    return found


def read_latency(place: str, value: object) -> Latency:
    """Read how long a model takes: a time, or a distribution of times.

    >>> read_latency("model.latency", "lognormal(300ms, 0.5)").parameters
    (0.3, 0.5)

    Raises:
        ConfigurationError: what is wrong, with the place marked.
    """
    if not isinstance(value, str):
        raise ConfigurationError(
            f'{place}: {value!r} has no unit; write a text such as "300ms" or'
            ' "lognormal(300ms, 0.5)"'
        )
    if not value.lstrip()[:1].isalpha():
        return Latency("constant", (read_quantity(place, value, "time"),), value)
    scanner = Scanner(place, value)
    shape: Shape = scanner.take(r"[a-z]+", "a time or a distribution", among=_PARAMETERS)  # type: ignore[assignment]  # `among` says so
    scanner.take(r"\(", f"`(` and {_PARAMETERS[shape][0]}")
    figures = [take_quantity(scanner, UNITS["time"])]
    for meaning in _PARAMETERS[shape][1:]:
        scanner.take(",", f"`,` and {meaning}")
        figures.append(take_quantity(scanner, _SIGMA if shape == "lognormal" else UNITS["time"]))
    scanner.take(r"\)", "`)`")
    scanner.end()
    if shape == "uniform" and figures[0] > figures[1]:
        raise ConfigurationError(f"{place}: in `{value}` the least is more than the most")
    return Latency(shape, tuple(figures), value)


def quantiles(latency: Latency, count: int) -> list[float]:
    """Give `count` seconds that lie as the distribution does, the least first.

    The middles of equal shares of the probability, so that no draw of them is unlucky.
    """
    import math
    from statistics import NormalDist

    shares = [(number + 0.5) / count for number in range(count)]
    first, *others = latency.parameters
    if latency.shape == "lognormal":
        normal = NormalDist(0.0, 1.0)
        return [first * math.exp(others[0] * normal.inv_cdf(share)) for share in shares]
    if latency.shape == "exponential":
        return [-first * math.log1p(-share) for share in shares]
    if latency.shape == "uniform":
        return [first + share * (others[0] - first) for share in shares]
    return [first] * count
