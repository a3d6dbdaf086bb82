"""What `agno bench` does: choose, measure, judge, compare, report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agno_cli._errors import ConfigurationError
from agno_cli.bench._environment import read_environment
from agno_cli.bench._history import remember
from agno_cli.bench._measure import estimate, measure
from agno_cli.bench._record import Record
from agno_cli.bench._results import Environment
from agno_cli.bench._verdicts import judge
from agno_cli.bench._warnings import cautions, read_governors
from agno_cli.bench.peers._compare import compare
from agno_cli.cli._bench_compare import compare_with, measure_and_keep_noise
from agno_cli.cli._bench_progress import with_progress
from agno_cli.cli._bench_request import Request, find_source, make_request, read_words
from agno_cli.cli._console import Console
from agno_cli.cli._peers import caption, peer_listing, peer_rows, pins_updated
from agno_cli.cli._table import write_table
from agno_cli.reports._document import BenchReport, to_json

if TYPE_CHECKING:
    from agno_cli.cli._bench_request import Gate
    from agno_cli.cli.bench import BenchOptions

MISSED, NOT_MEASURED, INTERRUPTED = 3, 4, 130


def execute(options: BenchOptions) -> int:
    """Do what was asked for and write it; give the exit code."""
    word, names, file = read_words(options.words or ())
    source = find_source(options, file)
    if word != "run":
        from agno_cli.cli import _bench_words

        if word == "list":
            _bench_words.show_list(options, source, names)
        elif word == "show":
            _bench_words.show_one(options, source, names)
        else:
            _bench_words.show_history(options, names)
        return 0
    console = Console(quiet=options.quiet, verbose=options.verbose)
    if options.update_pins:
        console.write(pins_updated())
        return 0
    if options.vs == "":
        write_table(console, ("library", "installed is", "state"), peer_listing())
        return 0
    environment = read_environment()  # before the load that measuring makes
    request = make_request(options, source, names, environment)
    if options.dry_run:
        _show_plan(request, console)
        return 0
    if options.aa:
        measure_and_keep_noise(request.chosen, environment, console, json=options.json)
        return 0
    return _measure_and_report(options, request, environment, console)


def _measure_and_report(
    options: BenchOptions, request: Request, environment: Environment, console: Console
) -> int:
    suite = with_progress(console, lambda report: measure(request.chosen, request.settings, report))
    record = Record(environment=environment, suite=suite)
    _keep(options, record, console)
    report = _with_others(_report(request, record), options, request, console)
    for warning in report.warnings:
        console.note(f"warning: {warning.text}; {warning.next_step}")
    _write_files(report, options)
    _show(report, options)
    return exit_code(report, request.gates, strict=options.strict)


def _report(request: Request, record: Record) -> BenchReport:
    before = request.before if isinstance(request.before, Record) else None
    return BenchReport(
        environment=record.environment,
        result=record.suite,
        verdicts=judge(request.targets, record.suite),
        imported=request.imported,
        warnings=tuple(
            cautions(record, noise=request.noise, baseline=before, governors=read_governors())
        ),
    )


def _with_others(
    report: BenchReport, options: BenchOptions, request: Request, console: Console
) -> BenchReport:
    """Add the comparison and the other libraries; an interrupt keeps what there is."""
    try:
        if request.before is not None and not report.result.partial:
            comparisons = compare_with(request.before, report, request, console)
            report = replace(report, baseline=options.baseline or "", comparisons=comparisons)
        if request.peers and not report.result.partial:
            versus = with_progress(
                console, lambda show: compare(request.peers, request.settings, show)
            )
            report = replace(
                report,
                peers=tuple(peer_rows(versus)),
                peer_caption=tuple(caption(versus)),
                versus=versus,
            )
    except KeyboardInterrupt:
        return replace(report, result=replace(report.result, partial=True))
    return report


def exit_code(
    report: BenchReport, gates: frozenset[Gate] = frozenset({"targets"}), *, strict: bool
) -> int:
    """Say by a number how it went."""
    verdicts = report.verdicts if "targets" in gates else ()
    comparisons = report.comparisons if "regression" in gates else ()
    outcomes = {verdict.outcome for verdict in verdicts} | {one.outcome for one in comparisons}
    if report.result.partial or (report.versus is not None and report.versus.partial):
        return INTERRUPTED
    if "fail" in outcomes:
        return MISSED
    unmeasured = (
        any(result.problem for result in report.result.results)
        or any(verdict.measured is None for verdict in verdicts)
        or any(one.ratio is None and one.outcome == "inconclusive" for one in comparisons)
    )
    return NOT_MEASURED if unmeasured or (strict and "inconclusive" in outcomes) else 0


def _show_plan(request: Request, console: Console) -> None:
    settings = request.settings
    processes = settings.rounds * settings.processes
    console.write("".join(f"{benchmark.name}\n" for benchmark in request.chosen))
    seconds = estimate(request.chosen, settings)
    console.note(
        f"{len(request.chosen)} benchmarks, {processes} processes each,"
        f" {settings.values} values a process: about {seconds:.0f} s; nothing was measured"
    )


def _keep(options: BenchOptions, record: Record, console: Console) -> None:
    """Remember the results; a home that cannot be written to must not lose the report."""
    from agno_cli.bench import _baselines

    if not any(result.timing or result.counts for result in record.suite.results):
        return
    try:
        remember(record)
    except ConfigurationError as error:
        console.note(f"warning: these results are not in the history: {error}")
    if options.save is not None and not record.suite.partial:
        path = _baselines.save(record, options.save, force=options.force)
        console.note(f"saved as `{options.save}` in {path}")
    elif options.save is not None:
        console.note(f"warning: partial results are not saved as `{options.save}`; measure again")


def _write_files(report: BenchReport, options: BenchOptions) -> None:
    if options.output is not None:
        _write_whole(Path(options.output), to_json(report))
    if options.html is not None:
        from agno_cli.reports.html import to_html

        page = to_html(report, command=("agno", *sys.argv[1:]))
        _write_whole(Path(options.html), page)


def _write_whole(path: Path, text: str) -> None:
    """Write a whole file or none."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _show(report: BenchReport, options: BenchOptions) -> None:
    from agno_cli.reports import markdown, text

    if options.md:
        sys.stdout.write(markdown.to_markdown(report))
    elif options.json and options.output is None:
        sys.stdout.write(to_json(report))
    else:
        text.write(report, sys.stdout)
