"""A benchmark report as one HTML file that can be sent, opened without a network, and printed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from agno_cli.bench._documented import NAME
from agno_cli.bench._results import Environment, Suite
from agno_cli.bench._verdicts import Outcome
from agno_cli.reports._changes import changes
from agno_cli.reports._distribution import distribution
from agno_cli.reports._document import BenchReport
from agno_cli.reports._markup import EMPTY, Markup, element, joined, spelled
from agno_cli.reports._page import Column, Section, definitions, listing, mark, page, row, table
from agno_cli.reports._peers import peers
from agno_cli.reports._rows import NOTHING, Row, TargetLine, caption, remarks, rows, tally
from agno_cli.reports._scaling import scaling

_COLUMNS = (
    Column("benchmark", "text"),
    *map(Column, ("time", "±", "ops/s", "live", "allocs")),
    Column("targets", "text"),
    Column(f"{NAME}, documented"),
    Column(f"{NAME}, elsewhere"),
)
_OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "inconclusive")


def to_html(report: BenchReport, *, command: Sequence[str] = ("agno", "bench")) -> str:
    """Write the page; `command` is what was typed, for whoever wants to do it again."""
    sections = [
        *_attention(report),
        _figures(report),
        *changes(report.baseline, report.comparisons),
        *peers(report.peers, report.peer_caption),
        *scaling(report.scaling, report.environment),
        *distribution(report),
        environment_section(report.environment),
        again_section(report.environment, command),
    ]
    return page(f"agno bench: {tally(report)}", _header(report), sections)


def _header(report: BenchReport) -> Markup:
    environment, suite = report.environment, report.result
    partial = element("p", "Interrupted: these are partial results.", class_="banner")
    return joined(
        [
            element("h1", "agno bench"),
            element("p", _when_and_where(suite, environment), class_="lead"),
            partial if suite.partial else EMPTY,
            _tally(report),
        ]
    )


def _when_and_where(suite: Suite, environment: Environment) -> Markup:
    started = suite.started.replace("T", " ").removesuffix("+00:00")
    place = f"Python {environment.python} on {environment.cpu}, {environment.cores} cores"
    return joined([element("time", started, datetime=suite.started), f" UTC · {place}"])


def _tally(report: BenchReport) -> Markup:
    outcomes = [verdict.outcome for verdict in report.verdicts]
    counts: list[tuple[str, str]] = [
        (mark(outcome), str(outcomes.count(outcome))) for outcome in _OUTCOMES
    ]
    results = report.result.results
    counts.append(("benchmarks", str(len(results))))
    unmeasured = sum(1 for result in results if result.problem)
    if unmeasured:
        counts.append((mark("fail", "not measured"), str(unmeasured)))
    return definitions(counts, name="tally")


def _attention(report: BenchReport) -> list[Section]:
    items = [
        joined(
            [
                element("strong", warning.case),
                ": ",
                spelled(warning.text),
                " ",
                element("em", spelled(warning.next_step)),
            ]
        )
        for warning in report.warnings
    ]
    # What is to be said of changes stands beside their rows.
    rest = replace(report, warnings=(), comparisons=())
    items += [spelled(remark) for remark in remarks(rest)]
    return [Section("Worth knowing", listing(items, name="remarks"))] if items else []


def _figures(report: BenchReport) -> Section:
    lines = (row(_COLUMNS, _cells(line)) for line in rows(report))
    *said, _where = caption(report)
    body = joined([table("Figures", _COLUMNS, lines), listing(map(spelled, said), name="captions")])
    return Section("Figures", body)


def _cells(line: Row) -> list[str]:
    return [
        joined([element("code", line.name), element("small", spelled(line.summary))]),
        *(line.time, line.spread, line.rate, line.live, line.allocations),
        _targets(line),
        _stacked(line.documented),
        _stacked(line.measured_elsewhere),
    ]


def _targets(line: Row) -> Markup:
    if line.problem and not line.targets:
        return mark("fail", "not measured")
    return listing(map(_target, line.targets), name="targets") or Markup(NOTHING)


def _target(line: TargetLine) -> Markup:
    text = element("span", line.text)
    return text if line.outcome is None else joined([mark(line.outcome), " ", text])


def _stacked(lines: Iterable[str]) -> Markup:
    return joined(element("div", line) for line in lines) or Markup(NOTHING)


def environment_section(environment: Environment) -> Section:
    """Write where something was measured."""
    pairs = [
        ("Python", f"{environment.python} ({environment.build})"),
        ("System", f"{environment.os} {environment.machine}"),
        ("Processor", f"{environment.cpu}, {environment.cores} cores"),
        ("Load at the start", NOTHING if environment.load is None else f"{environment.load:.2f}"),
        ("Garbage collector", "on" if environment.gc else "off"),
        ("Global interpreter lock", "on" if environment.gil else "off"),
        ("Commit", environment.commit or NOTHING),
    ]
    pairs += [*environment.packages.items(), *environment.variables.items()]
    return Section("Environment", definitions(pairs, name="environment"))


def again_section(environment: Environment, command: Sequence[str]) -> Section:
    """Write what to type to have it done again."""
    pinned = f"agno-cli=={environment.packages['agno-cli']}"
    lines = [f"python{_minor(environment.python)} -m pip install {pinned}", shlex.join(command)]
    commit = f", at commit {environment.commit}" if environment.commit else ""
    lead = (
        f"With Python {environment.python}{commit}. Absolute figures differ from machine to"
        " machine; ratios taken in one run travel better."
    )
    code = element("pre", element("code", "\n".join(lines)), tabindex="0")
    return Section("Do it again", code, lead)


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
