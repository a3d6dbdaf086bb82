"""A scenario's figures in words: what each row of its tables says, whatever writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile

from msgspec import Struct

from agno_cli.reports import _figures
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._quantities import Dimension
from agno_cli.scenarios._result import Outcome, Row, RunResult, ScenarioResult
from agno_cli.scenarios._thresholds import METRICS, Threshold

NOTHING = "-"
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
_STEPS = (1.0, 2.0, 5.0)
_LEAST_DECADE, _MOST_DECADE = -9, 4
_IN_TENTHS = 1000.0
_MOST_BINS = 14


class Line(Struct, frozen=True):
    """A row of the table of figures, in words.

    Attributes:
        bounds: each threshold with what became of it.
    """

    name: str
    measured: str
    stated: str
    bounds: tuple[tuple[Outcome, str], ...]
    note: str


class Times(Struct, frozen=True):
    """A row of the table of times: p(50), p(90), p(99), p(99.9) and the longest."""

    name: str
    cells: tuple[str, ...]
    meaning: str


class Bin(Struct, frozen=True):
    """A bar of a histogram: times up to `edge` (None: beyond the last), and their share."""

    label: str
    count: int
    share: float


def in_words(dimension: Dimension, value: float | None) -> str:
    """Write a figure.

    >>> in_words("time", 0.0012), in_words("share", 0.5), in_words("rate", 9998)
    ('1.20 ms', '50.0 %', '9,998/s')
    """
    if value is None:
        return NOTHING
    if dimension == "time":
        return _figures.seconds(value)
    if dimension == "rate":
        return f"{_figures.number(value if value < _IN_TENTHS else round(value))}/s"
    if dimension == "bytes":
        return _figures.size(value)
    return _figures.percent(value) if dimension == "share" else _figures.number(value)


def subject_in_words(subject: str) -> str:
    """Write what a row is about.

    >>> subject_in_words("response:p(99)"), subject_in_words("in_flight:value")
    ('response p(99)', 'in flight')
    """
    metric, _, aggregation = subject.partition(":")
    if metric not in METRICS:
        return subject
    name = metric.replace("_", " ")
    return name if aggregation in {"value", ""} else f"{name} {aggregation}"


def lines(run: RunResult) -> list[Line]:
    """Give the table of figures: of trends only what is bounded or was stated elsewhere."""
    return [_line(row) for row in run.rows if _is_shown(row, run)]


def summary_lines(result: ScenarioResult) -> list[Line]:
    """Give the table over all runs."""
    return [_line(row) for row in result.summary_rows]


def _is_shown(row: Row, run: RunResult) -> bool:
    metric, _, aggregation = row.subject.partition(":")
    if row.verdicts or row.stated:
        return True
    if metric in METRICS and METRICS[metric].kind == "trend":
        return False
    return not (metric == "errors" and aggregation == "rate" and not run.errors)


def _line(row: Row) -> Line:
    return Line(
        name=subject_in_words(row.subject),
        measured=in_words(row.dimension, row.measured),
        stated=row.stated,
        bounds=tuple((v.outcome, _bound(v.threshold)) for v in row.verdicts),
        note="; ".join(part for part in (row.note, *(v.reason for v in row.verdicts)) if part),
    )


def _bound(threshold: Threshold) -> str:
    """Write a bound in the unit in which it was given."""
    return f"{threshold.operator} {threshold.text.rpartition(threshold.operator)[2].strip()}"


def times(run: RunResult) -> list[Times]:
    """Give the table of times, one row a trend."""
    return [
        Times(
            name.replace("_", " "),
            tuple(
                _figures.seconds(value)
                for value in (*histogram.percentiles(PERCENTILES), histogram.max)
            ),
            METRICS[name].meaning,
        )
        for name, histogram in run.histograms.items()
        if histogram.count
    ]


def bins(histogram: Histogram) -> list[Bin]:
    """Sort times into bars whose edges are 1, 2 and 5 of each decade.

    The last one holds what is beyond, so that few long times do not make many empty bars.
    """
    edges = [
        step * 10.0**decade for decade in range(_LEAST_DECADE, _MOST_DECADE) for step in _STEPS
    ]
    counts = histogram.bins(edges)
    pairs = list(dropwhile(lambda pair: not pair[1], zip([*edges, None], counts, strict=True)))
    while pairs and not pairs[-1][1]:
        pairs.pop()
    kept, rest = pairs[:_MOST_BINS], pairs[_MOST_BINS:]
    found = [
        Bin(
            NOTHING if edge is None else f"<= {_figures.seconds(edge)}",
            count,
            count / histogram.count,
        )
        for edge, count in kept
    ]
    if rest:
        beyond = sum(count for _, count in rest)
        found.append(Bin("beyond", beyond, beyond / histogram.count))
    return found


def trials(result: ScenarioResult) -> list[tuple[str, str, str, str, tuple[Outcome, str]]]:
    """Give a line for each trial of a search: rate, share held, p(99) of response and lag, end."""
    return [
        (
            run.name,
            in_words("share", run.metrics["held"].value) if "held" in run.metrics else NOTHING,
            _p99(run, "response"),
            _p99(run, "lag"),
            conclusion(run),
        )
        for run in result.runs
    ]


def _p99(run: RunResult, trend: str) -> str:
    histogram = run.histograms.get(trend)
    return NOTHING if histogram is None else _figures.seconds(histogram.percentile(99))


def best_trial(result: ScenarioResult) -> list[RunResult]:
    """Give the runs to be shown in full: of trials, only the last one that passed."""
    if not result.trials:
        return list(result.runs)
    return [run for run in result.runs if run.conclusion == "pass"][-1:]


def budget(run: RunResult) -> list[tuple[str, str, float]]:
    """Give the parts of what one operation costs: name, time in words, share of the whole."""
    whole = sum(run.budget.values())
    return [
        (name, _figures.seconds(value), value / whole if whole else 0.0)
        for name, value in run.budget.items()
    ]


def conclusion(run: RunResult) -> tuple[Outcome, str]:
    """Say how a run ended, as an outcome and in a sentence."""
    words = {
        "pass": "all thresholds met" if run.verdicts else "no thresholds to meet",
        "too slow": "too slow",
        "generator": "this run is invalid: the generator was too slow",
        "errors": "there were errors",
        "problem": "it could not be measured",
        "interrupted": "interrupted",
    }
    outcomes: dict[str, Outcome] = {"pass": "pass", "too slow": "fail", "errors": "fail"}
    outcome = outcomes.get(run.conclusion, "inconclusive")
    said = words[run.conclusion]
    return outcome, f"{said}: {run.reason}" if run.reason else said


def tally(result: ScenarioResult) -> str:
    """Sum a result up in a line."""
    if result.trials:
        return f"{len(result.runs)} trials ({result.seconds:,.0f} s)"
    outcomes = [verdict.outcome for run in result.runs for verdict in run.verdicts]
    outcomes += [verdict.outcome for row in result.summary_rows for verdict in row.verdicts]
    counts = [f"{outcomes.count(o)} {o}" for o in ("pass", "fail", "inconclusive") if o in outcomes]
    said = f"{len(outcomes)} thresholds: {', '.join(counts)}" if outcomes else "no thresholds"
    return f"{said} ({result.seconds:,.0f} s)"


def title_of(run: RunResult, result: ScenarioResult) -> str:
    """Name a run."""
    partial = " (partial)" if run.partial else ""
    return f"{run.name or result.scenario.name}{partial}"


def has_notes(rows: Sequence[Line]) -> Iterator[str]:
    """Yield the notes of rows, each once."""
    yield from dict.fromkeys(f"{row.name}: {row.note}" for row in rows if row.note)
