"""A scenario's result as one HTML file that can be sent, opened without a network, and printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agno_cli.reports import _figures
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, definitions, listing, mark, page, row, table
from agno_cli.reports._plots import Tick, drawing, grid, plot_row, plot_rows, span
from agno_cli.reports._scenario_plots import percentile_curves, time_series
from agno_cli.reports._scenario_rows import (
    NOTHING,
    Line,
    Times,
    best_trial,
    bins,
    budget,
    conclusion,
    has_notes,
    lines,
    summary_lines,
    tally,
    times,
    title_of,
    trials,
)
from agno_cli.reports.html import again_section, environment_section
from agno_cli.scenarios._result import RunResult, ScenarioResult

_FIGURES = (
    Column("figure", "text"),
    Column("measured"),
    Column("stated", "text"),
    Column("threshold", "text"),
)
_TRIALS = (
    Column("rate", "text"),
    *map(Column, ("held", "response p(99)", "lag p(99)")),
    Column("verdict", "text"),
)
_TIMES = (Column("time", "text"), *map(Column, ("p(50)", "p(90)", "p(99)", "p(99.9)", "max")))


def to_html(result: ScenarioResult, *, command: Sequence[str] = ("agno", "scenario")) -> str:
    """Write the page; `command` is what was typed, for whoever wants to do it again."""
    sections = [
        *_summary(result),
        *_trials(result),
        *(_run(run, result) for run in best_trial(result)),
        environment_section(result.environment),
        again_section(result.environment, command),
    ]
    name = result.scenario.name
    return page(f"agno scenario {name}: {tally(result)}", _header(result), sections)


def _header(result: ScenarioResult) -> Markup:
    environment = result.environment
    started = result.started.replace("T", " ").removesuffix("+00:00")
    place = f"Python {environment.python} on {environment.cpu}, {environment.cores} cores"
    banner = element("p", "Interrupted: these are partial results.", class_="banner")
    return joined(
        [
            element("h1", f"agno scenario {result.scenario.name}"),
            element("p", result.scenario.summary),
            element(
                "p",
                joined([element("time", started, datetime=result.started), f" UTC · {place}"]),
                class_="lead",
            ),
            banner if result.partial else EMPTY,
            _tally(result),
        ]
    )


def _tally(result: ScenarioResult) -> Markup:
    if result.trials:
        return definitions([("trials", str(len(result.runs)))], name="tally")
    outcomes = [verdict.outcome for run in result.runs for verdict in run.verdicts]
    counts: list[tuple[str, str]] = [
        (mark(outcome), str(outcomes.count(outcome))) for outcome in ("pass", "fail")
    ]
    if "inconclusive" in outcomes:
        counts.append((mark("inconclusive"), str(outcomes.count("inconclusive"))))
    counts.append(("runs", str(len(result.runs))))
    return definitions(counts, name="tally")


def _summary(result: ScenarioResult) -> list[Section]:
    if not result.summary_rows:
        return []
    rows = summary_lines(result)
    body = joined([_table("Over all runs", rows), _notes([*has_notes(rows)])])
    return [Section("Over all runs", body)]


def _trials(result: ScenarioResult) -> list[Section]:
    if not result.trials:
        return []
    rows = (
        row(_TRIALS, [*cells, joined([mark(outcome), " ", spelled(said)])])
        for *cells, (outcome, said) in trials(result)
    )
    return [Section("Trials", table("Trials", _TRIALS, rows))]


def _run(run: RunResult, result: ScenarioResult) -> Section:
    rows = lines(run)
    outcome, said = conclusion(run)
    parts: list[Markup] = [element("p", mark(outcome), " ", spelled(said))]
    if run.histograms:
        parts.append(table("Times", _TIMES, (row(_TIMES, _times(r)) for r in times(run))))
    if rows:
        parts.append(_table("Figures", rows))
    parts += [*_drawings(run)]
    errors = [f"{count:,} requests: {kind}" for kind, count in run.errors.items()]
    parts.append(_notes([*errors, *has_notes(rows), *run.notes]))
    return Section(title_of(run, result), joined(parts), run.conditions)


def _times(one: Times) -> list[str]:
    name = joined([element("code", one.name), element("small", one.meaning)])
    return [name, *one.cells]


def _table(caption: str, rows: Sequence[Line]) -> Markup:
    return table(caption, _FIGURES, (row(_FIGURES, _cells(line)) for line in rows))


def _cells(line: Line) -> list[str]:
    bounds = [joined([mark(outcome), f" {bound}"]) for outcome, bound in line.bounds]
    return [
        line.name,
        line.measured,
        line.stated or NOTHING,
        listing(bounds, name="targets") or Markup(NOTHING),
    ]


def _notes(notes: Sequence[str]) -> Markup:
    return listing(map(spelled, notes), name="captions")


def _drawings(run: RunResult) -> Iterator[Markup]:
    curves = percentile_curves(run)
    charts = [*curves, *time_series(run)]
    if charts:
        yield element("div", *charts, class_="charts")
    name, histogram = next(iter(run.histograms.items()), ("", None))
    if histogram is not None and histogram.count:
        bars = bins(histogram)
        shares = [(bar.label, bar.share, f"{bar.share:.1%}", f"{bar.count:,}") for bar in bars]
        yield _bars(f"{name}, {histogram.count:,} of them", shares)
    parts = budget(run)
    if parts:
        whole = _figures.seconds(sum(run.budget.values()))
        yield _bars(
            f"processor time of each: {whole}",
            [(name, share, time, f"{share:.0%}") for name, time, share in parts],
        )


def _bars(caption: str, bars: Sequence[tuple[str, float, str, str]]) -> Markup:
    """Draw shares as bars: each with its label, its share, its value and what is beside that."""
    ticks = [Tick(part / 4, f"{25 * part} %") for part in range(5)]
    rows = (
        plot_row(
            label,
            drawing(
                f"{label}: {value}",
                grid(ticks),
                span(0.0, min(share, 1.0), name="bar"),
                name="strip",
            ),
            joined([value, element("small", beside)]),
        )
        for label, share, value, beside in bars
    )
    drawn = plot_rows(rows, ticks)
    return element("figure", element("figcaption", caption), drawn)
