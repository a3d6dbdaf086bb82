"""Targets: bounds that benchmarks must meet, written in k6's grammar (see `targets.toml`)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._registry import nearest

Statistic: TypeAlias = Literal["med", "value", "ratio"]
Dimension: TypeAlias = Literal["time", "rate", "bytes", "count"]

METRICS: dict[str, Dimension] = {
    "time": "time",
    "rate": "rate",
    "bytes": "bytes",
    "allocations": "count",
    "growth": "bytes",
    "rss": "bytes",
    "cpu": "time",
    "bytecodes": "count",
    "modules": "count",
    "heavy_modules": "count",
}
# Measured by repetition; all others are counted.
TIMED = frozenset({"time", "rate", "cpu"})
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
UNITS: dict[Dimension, dict[str, float]] = {
    "time": {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0},
    "rate": {"/s": 1.0, "k/s": 1e3, "M/s": 1e6},
    "bytes": {"B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2},
    "count": {"": 1.0},
}
_STATISTICS = ("med", "value", "ratio(NAME)")
BUILT_IN = Path(__file__).with_name("targets.toml")


class Target(Struct, frozen=True):
    """One bound, in seconds, operations per second, bytes, a count or a ratio.

    `base` is the benchmark a ratio is to; `text` is the bound as it was written.
    """

    benchmark: str
    metric: str
    statistic: Statistic
    operator: str
    bound: float
    base: str
    text: str

    def met_by(self, value: float) -> bool:
        """Say whether a figure meets the bound."""
        return OPERATORS[self.operator](value, self.bound)


def load_targets(path: Path, known: Mapping[str, object]) -> list[Target]:
    """Read a file of targets, in its order.

    Args:
        path: a TOML file with a table `targets`.
        known: the names of the benchmarks.

    Raises:
        ConfigurationError: it cannot be read, is not grammatical (the place is marked), or
            names a benchmark or metric that does not exist.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read targets {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"targets {path} are not TOML: {error}") from error
    try:
        return list(_targets(document.get("targets"), known))
    except ConfigurationError as error:
        raise ConfigurationError(f"in targets {path}: {error}") from None


def _targets(table: Any, known: Mapping[str, object]) -> Iterator[Target]:
    if not isinstance(table, dict):
        raise ConfigurationError('there is no table `targets`; begin with "[targets]"')
    for benchmark, metrics in table.items():
        if benchmark not in known:
            raise ConfigurationError(
                f"there is no benchmark `{benchmark}`; {nearest(benchmark, known)}"
            )
        if not isinstance(metrics, dict):
            raise ConfigurationError(
                f"`{benchmark}` has no metric; write `{benchmark}.time` or another of"
                f" {', '.join(METRICS)}"
            )
        for metric, texts in metrics.items():
            for text in texts if isinstance(texts, list) else [texts]:
                yield parse_target(benchmark, metric, text, known)


def parse_target(benchmark: str, metric: str, text: Any, known: Mapping[str, object]) -> Target:
    """Read one target.

    >>> parse_target("run", "time", "med<=1.2us", {"run": 0}).bound
    1.2e-06

    Raises:
        ConfigurationError: what is wrong, with the place marked.
    """
    if metric not in METRICS:
        raise ConfigurationError(
            f"`{benchmark}` has no metric `{metric}`; {nearest(metric, METRICS)}"
        )
    if not isinstance(text, str):
        raise ConfigurationError(
            f"{benchmark}.{metric} is {text!r}; write a text such as {_example(metric)}"
        )
    scanner = Scanner(f"{benchmark}.{metric}", text)
    statistic = scanner.take(r"[a-z]+", f"one of {', '.join(_STATISTICS)}")
    base = ""
    if statistic == "ratio":
        scanner.take(r"\(", "`(` and the benchmark it is a ratio to")
        base = scanner.take(r"[^()\s]+", "a benchmark", among=known)
        scanner.take(r"\)", "`)`")
    elif statistic not in {"med", "value"}:
        scanner.fail(f"one of {', '.join(_STATISTICS)}", again=statistic)
    elif (statistic == "med") != (metric in TIMED):
        wanted = "value" if statistic == "med" else "med"
        scanner.fail(f"`{wanted}`, for `{metric}`", again=statistic)
    sign = take_sign(scanner)
    bound = take_quantity(scanner, {"": 1.0} if base else UNITS[METRICS[metric]])
    scanner.end()
    return Target(benchmark, metric, statistic, sign, bound, base, text.strip())  # type: ignore[arg-type]  # one of the three, as checked above


def take_sign(scanner: Scanner) -> str:
    """Read what compares a figure with its bound."""
    return scanner.take(r"<=|>=|<|>", "one of < <= > >=")


def take_quantity(scanner: Scanner, units: Mapping[str, float]) -> float:
    """Read a number and its unit."""
    number = scanner.take(r"\d+(_\d+)*(\.\d+)?(e[+-]?\d+)?", "a number")
    return float(number) * units[scanner.take(r"[^\s,()]*", "a unit", among=units)]


def _example(metric: str) -> str:
    return {
        "time": '"med<=1us"',
        "rate": '"med>=1M/s"',
        "bytes": '"value<=1KiB"',
        "count": '"value<=1"',
    }[METRICS[metric]]


class Scanner:
    """Reads a text from left to right, and shows where it stops being grammatical.

    Args:
        place: what the text is the value of, for errors.
        text: what to read.
    """

    def __init__(self, place: str, text: str) -> None:
        self._place = place
        self._text = text
        self._at = 0
        self._skip()

    def take(self, pattern: str, wanted: str, among: Mapping[str, object] | None = None) -> str:
        """Read what matches, of those names only where some are given.

        Raises:
            ConfigurationError: `wanted` was expected here, and something else stands there.
        """
        found = re.compile(pattern).match(self._text, self._at)
        if found is None or (among is not None and found[0] not in among):
            names = ", ".join(name for name in among if name) if among else ""
            if among is not None:
                wanted = f"{wanted} ({names})" if names else "nothing more"
            self.fail(wanted)
        self._at = found.end()
        self._skip()
        return found[0]

    def end(self) -> None:
        """Refuse what is left.

        Raises:
            ConfigurationError: there is something left.
        """
        if self._at < len(self._text):
            self.fail("nothing more")

    def fail(self, wanted: str, *, again: str = "") -> NoReturn:
        """Report that `wanted` should stand here, or where `again`, just taken, begins."""
        at = self._text.rindex(again, 0, self._at) if again else self._at
        before, here = self._text[:at].rstrip(), self._text[at:].rstrip()
        place = f"after `{before}`" if before else "at the beginning"
        found = f"not `{here}`" if here else "and nothing stands there"
        raise ConfigurationError(f"{self._place}: expected {wanted} {place}, {found}")

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
