"""What running a scenario gives: raw histograms, time series, figures and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._results import Environment
from agno_cli.scenarios._definition import Scenario
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._quantities import Dimension
from agno_cli.scenarios._thresholds import METRICS, Threshold, dimension_of

SCHEMA_VERSION = 1
Outcome: TypeAlias = Literal["pass", "fail", "inconclusive"]
# `too slow` is what runs, `generator` what measures it; `problem` when there is no measurement.
Conclusion: TypeAlias = Literal["pass", "too slow", "generator", "errors", "problem", "interrupted"]
_SHOWN = ("p(50)", "p(90)", "p(99)", "p(99.9)", "max")


class Measured(Struct, frozen=True):
    """One metric: a trend's encoded histogram, a counter's number and rate, a gauge's value."""

    histogram: str = ""
    count: float = 0.0
    rate: float = 0.0
    value: float = 0.0
    note: str = ""


class Verdict(Struct, frozen=True):
    """What became of one threshold; `measured` is None where there was nothing to judge."""

    threshold: Threshold
    outcome: Outcome
    measured: float | None = None
    reason: str = ""


class Row(Struct, frozen=True):
    """One line of the table: a figure in its dimension's unit, and what stands beside it.

    Attributes:
        subject: metric and aggregation, as in `response:p(99)`, or words for other figures.
        stated: the same, from elsewhere, as it was stated there.
        verdicts: of the thresholds on it.
        note: how it came about, where that is not plain.
    """

    subject: str
    dimension: Dimension
    measured: float | None
    stated: str = ""
    verdicts: tuple[Verdict, ...] = ()
    note: str = ""


class Series(Struct, frozen=True):
    """A figure over time: `values[i]` at `seconds[i]`; None where there was nothing."""

    name: str
    dimension: Dimension
    seconds: tuple[float, ...]
    values: tuple[float | None, ...]


class RunResult(Struct, frozen=True, kw_only=True, dict=True):
    """One run of a scenario.

    Attributes:
        name: of the run, may be empty where there is one only.
        conditions: what was equal, in words: transport, rate, model.
        conclusion: what follows for the whole; see Conclusion.
        reason: why, where it is not `pass`, with what to do.
        metrics: by the names of METRICS.
        rows: the table; made by `rows_of` and what the workload adds.
        errors: how many, by kind.
        budget: seconds of processor time for each operation, by part.
        notes: what must be known to read the figures.
        partial: it was stopped before its end.
    """

    name: str
    conditions: str
    conclusion: Conclusion
    reason: str = ""
    seconds: float = 0.0
    metrics: dict[str, Measured] = {}
    rows: tuple[Row, ...] = ()
    series: tuple[Series, ...] = ()
    errors: dict[str, int] = {}
    budget: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    partial: bool = False

    @cached_property
    def histograms(self) -> dict[str, Histogram]:
        """The trends, decoded."""
        return {
            name: Histogram.decode(metric.histogram)
            for name, metric in self.metrics.items()
            if metric.histogram
        }

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all rows."""
        return tuple(verdict for row in self.rows for verdict in row.verdicts)


class ScenarioResult(Struct, frozen=True, kw_only=True):
    """One `agno scenario NAME`, begun at `started` (UTC).

    Attributes:
        trials: the runs were tries at something, of which most may well fail.
        partial: a run was not done, or not to its end.
        interrupted: because the user said so.
        summary_rows: figures over all runs, such as the largest rate that was held.
    """

    schema_version: int = SCHEMA_VERSION
    scenario: Scenario
    started: str
    seconds: float
    environment: Environment
    runs: tuple[RunResult, ...]
    summary_rows: tuple[Row, ...] = ()
    trials: bool = False
    partial: bool = False
    interrupted: bool = False


class Progress(Struct, frozen=True, kw_only=True):
    """How far it has come; figures are of the last moments, None where there is none.

    Attributes:
        run: the run's name.
        step: the number of the run or trial, from 1, of `steps`.
        done: seconds, or operations, of `total`.
        unit: of `done` and `total`.
    """

    run: str
    step: int
    steps: int
    done: float
    total: float
    unit: str = "s"
    what: str = ""
    rate: float | None = None
    p99: float | None = None
    in_flight: int | None = None
    errors: int | None = None


Report: TypeAlias = Callable[[Progress], None]


def trend(histogram: Histogram, note: str = "") -> Measured:
    """Make a metric from a distribution."""
    return Measured(histogram=histogram.encode(), note=note)


def gauge(value: float, note: str = "") -> Measured:
    """Make a metric from one figure."""
    return Measured(value=value, note=note)


def figure(
    subject: Threshold, metrics: Mapping[str, Measured], histograms: Mapping[str, Histogram]
) -> float | None:
    """Give what a threshold is about, None where it was not measured."""
    measured = metrics.get(subject.metric)
    if measured is None:
        return None
    kind = METRICS[subject.metric].kind
    if kind == "gauge":
        return measured.value
    if kind == "counter":
        return measured.count if subject.aggregation == "count" else measured.rate
    return _of_trend(subject, histograms[subject.metric])


def _of_trend(subject: Threshold, histogram: Histogram) -> float | None:
    if not histogram.count:
        return None
    if subject.percentile is not None:
        return histogram.percentile(subject.percentile)
    if subject.aggregation == "med":
        return histogram.percentile(50)
    return {"avg": histogram.mean, "min": histogram.min, "max": histogram.max}[subject.aggregation]


def judge(
    thresholds: Iterable[Threshold],
    metrics: Mapping[str, Measured],
    histograms: Mapping[str, Histogram],
) -> tuple[Verdict, ...]:
    """Hold what was measured against thresholds."""
    return tuple(_judge(threshold, metrics, histograms) for threshold in thresholds)


def _judge(
    threshold: Threshold, metrics: Mapping[str, Measured], histograms: Mapping[str, Histogram]
) -> Verdict:
    measured = figure(threshold, metrics, histograms)
    if measured is None:
        reason = f"`{threshold.metric}` was not measured here"
        return Verdict(threshold, "inconclusive", reason=reason)
    return Verdict(threshold, "pass" if threshold.met_by(measured) else "fail", measured)


def rows_of(
    metrics: Mapping[str, Measured],
    histograms: Mapping[str, Histogram],
    verdicts: Iterable[Verdict],
    stated: Mapping[str, str],
) -> list[Row]:
    """Make the table: all metrics in the order of METRICS, then thresholds on nothing."""
    by_subject: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_subject.setdefault(verdict.threshold.subject, []).append(verdict)
    rows = [
        row
        for name in METRICS
        if name in metrics
        for row in _rows(name, metrics[name], histograms.get(name), by_subject, stated)
    ]
    for subject, left in by_subject.items():
        first = left[0]
        dimension = first.threshold.dimension
        rows.append(Row(subject, dimension, first.measured, "", tuple(left)))
    return rows


def _rows(
    name: str,
    measured: Measured,
    histogram: Histogram | None,
    by_subject: dict[str, list[Verdict]],
    stated: Mapping[str, str],
) -> Iterator[Row]:
    figures = list(_figures(name, measured, histogram))
    subjects = [subject for subject, _, _ in figures]
    # What was stated of a time, without saying which, is held against p(99).
    told = [f"{name}:p(99)"] if f"{name}:p(99)" in subjects else subjects[:1]
    for subject, dimension, value in figures:
        verdicts = tuple(by_subject.pop(subject, ()))
        said = stated.get(name, "") if subject in told else ""
        yield Row(subject, dimension, value, said, verdicts, measured.note)


def _figures(
    name: str, measured: Measured, histogram: Histogram | None
) -> Iterator[tuple[str, Dimension, float | None]]:
    metric = METRICS[name]
    if metric.kind == "gauge":
        yield f"{name}:value", metric.dimension, measured.value
    elif metric.kind == "counter":
        yield f"{name}:count", dimension_of(name, "count"), measured.count
        yield f"{name}:rate", metric.dimension, measured.rate
    elif histogram is not None and histogram.count:
        values = [*histogram.percentiles([50, 90, 99, 99.9]), histogram.max]
        for which, value in zip(_SHOWN, values, strict=True):
            yield f"{name}:{which}", metric.dimension, value
