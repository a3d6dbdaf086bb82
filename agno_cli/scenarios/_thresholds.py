"""Thresholds: bounds on what a scenario measures, in k6's grammar.

`METRIC:AGGREGATION OPERATOR BOUND`, as in `response:p(99)<5ms` or `errors:rate<0.1%`. Which
aggregations a metric has depends on its kind: a trend has a distribution, a counter a number and
a rate, a gauge a value.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._registry import nearest
from agno_cli.bench._targets import OPERATORS, Scanner, take_quantity, take_sign
from agno_cli.scenarios._quantities import UNITS, Dimension

Kind: TypeAlias = Literal["trend", "counter", "gauge"]


class Metric(Struct, frozen=True):
    """What can be measured: its kind, the dimension of its figures, what it is in words."""

    kind: Kind
    dimension: Dimension
    meaning: str


METRICS: dict[str, Metric] = {
    # api
    "response": Metric("trend", "time", "from the intended send time to the whole answer"),
    "service": Metric("trend", "time", "from the actual send time to the whole answer"),
    "overhead": Metric("trend", "time", "response without the model's own time"),
    "lag": Metric("trend", "time", "how late the load generator itself was"),
    "wait": Metric("trend", "time", "in the generator's queue, for a free connection"),
    "errors": Metric("counter", "share", "requests without a good answer"),
    "requests": Metric("counter", "rate", "good answers"),
    "held": Metric("gauge", "share", "good answers a second, of the rate asked for"),
    "queue": Metric("gauge", "count", "most requests that waited for a connection"),
    "in_flight": Metric("gauge", "count", "most requests under way at once"),
    "memory": Metric("gauge", "bytes", "the service's resident memory at its peak"),
    "memory_per_request": Metric("gauge", "bytes", "that memory, for each request in flight"),
    "cpu": Metric("gauge", "share", "of a core, by the service"),
    "generator_cpu": Metric("gauge", "share", "of a core, by the generator, without idle turns"),
    # batch
    "create": Metric("trend", "time", "the creation of one agent"),
    "time": Metric("gauge", "time", "the whole, once warm"),
    "time_per_agent": Metric("gauge", "time", "the whole, for each agent"),
    "cold": Metric("gauge", "time", "the whole, the first time in a fresh process"),
    "dropped": Metric("gauge", "time", "the whole, none of them kept"),
    "throughput": Metric("gauge", "rate", "agents a second, of all workers together"),
    "teardown": Metric("gauge", "time", "until all are gone again"),
    "bytes": Metric("gauge", "bytes", "live"),
    "bytes_per_agent": Metric("gauge", "bytes", "live, for each agent"),
    "rss": Metric("gauge", "bytes", "resident memory that they take"),
    "rss_per_agent": Metric("gauge", "bytes", "resident memory, for each agent"),
    "memory_ratio": Metric("gauge", "count", "memory per agent of the most over the fewest"),
    "allocations": Metric("gauge", "count", "for each agent"),
    "speedup": Metric("gauge", "count", "of the workers together, over one"),
    "startup": Metric("gauge", "time", "until all workers are ready; in no other figure"),
    # multi-agent
    "makespan": Metric("trend", "time", "from the first agent's start to the last one's end"),
    "hop": Metric("trend", "time", "from the last message for an agent to its own, without model"),
    "efficiency": Metric("gauge", "share", "critical path over makespan"),
    "messages": Metric("gauge", "count", "that agents sent each other"),
    "message_bytes": Metric("gauge", "bytes", "of all these messages"),
    "working_bytes": Metric("gauge", "bytes", "live at the peak of a run, for each agent"),
    "orphans": Metric("gauge", "count", "tasks that were left over"),
}
# By k6, where a trend also has `count`; `rate` of a counter is a share or a number a second.
AGGREGATIONS: dict[Kind, tuple[str, ...]] = {
    "trend": ("avg", "min", "med", "max", "p(N)"),
    "counter": ("count", "rate"),
    "gauge": ("value",),
}


class Threshold(Struct, frozen=True):
    """One bound, in seconds, a number a second, bytes, a count or a share.

    Attributes:
        percentile: of `p(N)`, else None.
        text: the bound as it was written.
    """

    metric: str
    aggregation: str
    percentile: float | None
    operator: str
    bound: float
    text: str

    def met_by(self, value: float) -> bool:
        """Say whether a figure meets the bound."""
        return OPERATORS[self.operator](value, self.bound)

    @property
    def subject(self) -> str:
        """What is bounded, as in `response:p(99)`."""
        which = f"p({self.percentile:g})" if self.percentile is not None else self.aggregation
        return f"{self.metric}:{which}"

    @property
    def dimension(self) -> Dimension:
        """What the bound is a figure of."""
        return dimension_of(self.metric, self.aggregation)


def dimension_of(metric: str, aggregation: str) -> Dimension:
    """Give the dimension of a metric's aggregation: counts of counters are counts."""
    return "count" if aggregation == "count" else METRICS[metric].dimension


def parse_threshold(place: str, text: object) -> Threshold:
    """Read one threshold.

    >>> parse_threshold("threshold", "response:p(99)<5ms").bound
    0.005

    Args:
        place: what the text is the value of, for errors.
        text: the threshold.

    Raises:
        ConfigurationError: what is wrong, with the place marked.
    """
    if not isinstance(text, str):
        raise ConfigurationError(
            f'{place}: {text!r} is no threshold; write a text such as "response:p(99)<5ms"'
        )
    scanner = Scanner(place, text)
    metric = scanner.take(r"[a-z_]+", "a metric such as `response`")
    if metric not in METRICS:
        raise ConfigurationError(
            f"{place}: there is no metric `{metric}`; {nearest(metric, METRICS)}"
        )
    scanner.take(":", "`:` and an aggregation")
    known = AGGREGATIONS[METRICS[metric].kind]
    aggregation = scanner.take(r"[a-z]+", f"one of {', '.join(known)}")
    percentile = _percentile(scanner) if aggregation == "p" and "p(N)" in known else None
    if percentile is None and aggregation not in known:
        scanner.fail(f"one of {', '.join(known)}", again=aggregation)
    sign = take_sign(scanner)
    dimension = dimension_of(metric, aggregation)
    # 95 % is 0.95, where the product of 95 and 0.01 is a little more.
    bound = float(f"{take_quantity(scanner, UNITS[dimension]):.12g}")
    scanner.end()
    return Threshold(metric, aggregation, percentile, sign, bound, text.strip())


def _percentile(scanner: Scanner) -> float:
    scanner.take(r"\(", "`(` and a percentile")
    number = scanner.take(r"\d+(\.\d+)?", "a percentile")
    if float(number) > 100:  # noqa: PLR2004 - per cent
        scanner.fail("a percentile up to 100", again=number)
    scanner.take(r"\)", "`)`")
    return float(number)


def parse_thresholds(place: str, texts: object) -> tuple[Threshold, ...]:
    """Read a list of thresholds.

    Raises:
        ConfigurationError: what is wrong, with the place marked.
    """
    if not isinstance(texts, list):
        raise ConfigurationError(
            f'{place}: {texts!r} is no list; write one such as ["response:p(99)<5ms"]'
        )
    return tuple(parse_threshold(f"{place}[{number}]", text) for number, text in enumerate(texts))


def combined(file: tuple[Threshold, ...], given: tuple[Threshold, ...]) -> tuple[Threshold, ...]:
    """Put given thresholds in place of the file's on the same subject, and beside the others."""
    subjects = {threshold.subject for threshold in given}
    return (*(kept for kept in file if kept.subject not in subjects), *given)
