"""What `agno bench` does: choose, measure, judge, compare, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from agno_cli._errors import ConfigurationError, RunCancelled
from agno_cli.bench._environment import read_environment
from agno_cli.bench._history import remember
from agno_cli.bench._interrupts import ends_as_interrupts, interrupts_held
from agno_cli.bench._measure import estimate, measure
from agno_cli.bench._record import Record
from agno_cli.bench._results import Environment, Suite
from agno_cli.bench._verdicts import judge
from agno_cli.bench._warnings import cautions, read_governors
from agno_cli.bench.peers._compare import compare
from agno_cli.cli._bench_compare import compare_with, measure_and_keep_noise
from agno_cli.cli._bench_progress import with_progress
from agno_cli.cli._bench_request import Gate, Request, find_source, make_request, read_words
from agno_cli.cli._console import Console
from agno_cli.cli._errors import as_document, describe
from agno_cli.cli._errors import exit_code as code_of
from agno_cli.cli._peers import show_peers, update_and_show_pins
from agno_cli.reports._document import BenchReport, to_json
from agno_cli.reports._peer_rows import peer_caption, peer_rows

if TYPE_CHECKING:
    from agno_cli.cli.bench import BenchOptions

MISSED, NOT_MEASURED, INTERRUPTED = 3, 4, 130


class _Measured(NamedTuple):
    """What there is to be published."""

    report: BenchReport
    gates: frozenset[Gate]


def execute(options: BenchOptions) -> int:
    """Do what was asked for and write it; give the exit code."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    with ends_as_interrupts():
        with _errors_as_data(console, enabled=options.json and options.output is None):
            measured = _do(options, console)
        return 0 if measured is None else _publish(measured, options, console)


@contextmanager
def _errors_as_data(console: Console, *, enabled: bool) -> Iterator[None]:
    """Write what ended the command where the data goes too, if that is to be a document."""
    try:
        yield
    except BrokenPipeError:  # nobody reads any more
        raise
    except (Exception, KeyboardInterrupt) as error:
        if enabled:
            told = error if isinstance(error, Exception) else RunCancelled("interrupted")
            console.document("bench", None, error=as_document(told))
        raise


def _do(options: BenchOptions, console: Console) -> _Measured | None:
    """Do what was asked for; None where that is written by now, and nothing was measured."""
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
        return None
    if options.update_pins:
        update_and_show_pins(console, json=options.json)
        return None
    if options.vs == "":
        show_peers(console, json=options.json)
        return None
    environment = read_environment()  # before the load that measuring makes
    request = make_request(options, source, names, environment)
    if options.dry_run:
        _show_plan(request, console, json=options.json)
        return None
    if options.aa:
        measure_and_keep_noise(request.chosen, environment, console, json=options.json)
        return None
    return _Measured(_measure(options, request, environment, console), request.gates)


def _measure(
    options: BenchOptions, request: Request, environment: Environment, console: Console
) -> BenchReport:
    """Measure and compare; an interrupt at any moment keeps what there is."""
    suite = _suite(request, console)
    try:
        with interrupts_held():
            record = Record(environment=environment, suite=suite)
            report = _report(request, record)
            _keep(options, record, console)
        return _with_others(report, options, request, console)
    except KeyboardInterrupt:
        return replace(report, result=replace(report.result, partial=True))


def _suite(request: Request, console: Console) -> Suite:
    found: list[Suite] = []
    try:
        with_progress(
            console,
            lambda report: found.append(measure(request.chosen, request.settings, report)),
        )
    except KeyboardInterrupt:  # while the bar was taken away
        if not found:
            raise
        return replace(found[0], partial=True)
    return found[0]


def _publish(measured: _Measured, options: BenchOptions, console: Console) -> int:
    report, code = (
        measured.report,
        exit_code(measured.report, measured.gates, strict=options.strict),
    )
    with interrupts_held():
        for warning in report.warnings:
            console.note(f"warning: {warning.text}; {warning.next_step}")
        try:
            _write_files(report, options)
        except OSError as error:  # what took minutes is shown all the same
            console.remark(f"error: {describe(error)}\n", dim=False)
            code = code_of(error)
        _show(report, options)
    return code


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
                peer_caption=tuple(peer_caption(versus)),
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


def _show_plan(request: Request, console: Console, *, json: bool) -> None:
    settings = request.settings
    processes = settings.rounds * settings.processes
    names = [benchmark.name for benchmark in request.chosen]
    seconds = estimate(request.chosen, settings)
    if json:
        plan = {"benchmarks": names, "settings": settings, "seconds": seconds}
        console.document("bench --dry-run", plan)
        return
    console.write("".join(f"{name}\n" for name in names))
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
