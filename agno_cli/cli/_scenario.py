"""What `agno scenario` does: choose, run, judge, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agno_cli import scenarios
from agno_cli.bench._folders import write_whole
from agno_cli.bench._interrupts import ends_as_interrupts
from agno_cli.cli._console import Console
from agno_cli.cli._files import check_files
from agno_cli.cli._scenario_progress import with_progress
from agno_cli.cli._scenario_request import make_options
from agno_cli.cli._table import write_table
from agno_cli.reports._scenario_document import to_hgrm, to_json
from agno_cli.scenarios._result import ScenarioResult

if TYPE_CHECKING:
    from agno_cli.cli.scenario import ScenarioOptions

FAILED, NOT_MEASURED, INTERRUPTED = 3, 4, 130


def execute(options: ScenarioOptions) -> int:
    """Do what was asked for and write it; give the exit code."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    if options.name in {None, "list"}:
        _list(options, console)
        return 0
    with console.documented("scenario", enabled=options.json and options.output is None):
        result = _run(options, console)
    _write_files(result, options)
    _show(result, options)
    return exit_code(result)


def _run(options: ScenarioOptions, console: Console) -> ScenarioResult:
    """Check what was asked for, and do it."""
    assert options.name is not None
    files = (("-o", options.output), ("--html", options.html), ("--hdr", options.hdr))
    check_files(files, force=options.force)
    chosen = make_options(options)
    scenario = scenarios.load(options.name)
    with ends_as_interrupts():
        return with_progress(console, lambda report: scenarios.run(scenario, chosen, report))


def exit_code(result: ScenarioResult) -> int:
    """Say by a number how it went."""
    conclusions = {run.conclusion for run in result.runs}
    if result.interrupted:
        return INTERRUPTED
    if result.trials:  # what counts is that something was found
        return 0 if any(row.measured is not None for row in result.summary_rows) else FAILED
    if "errors" in conclusions:
        return FAILED
    if conclusions & {"generator", "problem"}:
        return NOT_MEASURED
    rows = (
        row for rows in (result.summary_rows, *(run.rows for run in result.runs)) for row in rows
    )
    outcomes = {verdict.outcome for row in rows for verdict in row.verdicts}
    if "too slow" in conclusions or "fail" in outcomes:
        return FAILED
    return NOT_MEASURED if "inconclusive" in outcomes else 0


def _list(options: ScenarioOptions, console: Console) -> None:
    found = [scenarios.load(name) for name in scenarios.names()]
    if options.json:
        facts = [
            {
                "name": scenario.name,
                "summary": scenario.summary,
                "workload": scenario.workload,
                "runs": [run.name for run in scenario.runs],
            }
            for scenario in found
        ]
        console.document("scenario list", facts)
        return
    rows = [(one.name, one.workload, str(len(one.runs)), one.summary) for one in found]
    write_table(console, ("scenario", "workload", "runs", "what is run"), rows)


def _write_files(result: ScenarioResult, options: ScenarioOptions) -> None:
    if options.output is not None:
        write_whole(Path(options.output), to_json(result), replace=True)
    if options.html is not None:
        from agno_cli.reports.scenario_html import to_html

        page = to_html(result, command=("agno", *sys.argv[1:]))
        write_whole(Path(options.html), page, replace=True)
    if options.hdr is not None:
        write_whole(Path(options.hdr), to_hgrm(result), replace=True)


def _show(result: ScenarioResult, options: ScenarioOptions) -> None:
    if options.json and options.output is None:
        sys.stdout.write(to_json(result))
        return
    from agno_cli.reports import scenario_text

    scenario_text.write(result, sys.stdout)
