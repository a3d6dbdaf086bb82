"""What `agno bench` does: choose, measure, judge, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agno_cli._errors import InputError
from agno_cli.bench._environment import read_environment
from agno_cli.bench._measure import FAST, NORMAL, RIGOROUS, Progress, measure
from agno_cli.bench._registry import Benchmark, select
from agno_cli.bench._results import Settings, Suite
from agno_cli.bench._targets import BUILT_IN, Target, load_targets
from agno_cli.bench._verdicts import judge, required
from agno_cli.bench.benchmarks import BENCHMARKS
from agno_cli.reports._document import BenchReport, to_json

if TYPE_CHECKING:
    from agno_cli.cli.bench import BenchOptions

MISSED, NOT_MEASURED, INTERRUPTED = 3, 4, 130


def execute(options: BenchOptions) -> int:
    """Measure what was asked for and write it; give the exit code."""
    if options.list_:
        sys.stdout.write(_listing())
        return 0
    settings = _settings(options)
    path = Path(options.targets) if options.targets else BUILT_IN
    targets = load_targets(path, {benchmark.name: 0 for benchmark in BENCHMARKS})
    chosen = _with_bases(
        select(BENCHMARKS, options.names or (), everything=options.everything), targets
    )
    _check_output(options)
    environment = read_environment()  # before the load that measuring makes
    suite = _measured(chosen, settings, quiet=options.quiet)
    report = BenchReport(environment=environment, result=suite, verdicts=judge(targets, suite))
    if options.output is not None:
        _save(Path(options.output), to_json(report))
    _show(report, options)
    return exit_code(report, strict=options.strict)


def exit_code(report: BenchReport, *, strict: bool) -> int:
    """Say by a number how it went."""
    outcomes = {verdict.outcome for verdict in report.verdicts}
    if report.result.partial:
        return INTERRUPTED
    if "fail" in outcomes:
        return MISSED
    unmeasured = any(result.problem for result in report.result.results) or any(
        verdict.measured is None for verdict in report.verdicts
    )
    return NOT_MEASURED if unmeasured or (strict and "inconclusive" in outcomes) else 0


def _settings(options: BenchOptions) -> Settings:
    if options.fast and options.rigorous:
        raise InputError("`--fast` and `--rigorous` contradict each other; give one of them")
    if options.json and options.md:
        raise InputError("`--json` and `--md` both want standard output; use `-o FILE` for JSON")
    return FAST if options.fast else RIGOROUS if options.rigorous else NORMAL


def _with_bases(chosen: list[Benchmark], targets: list[Target]) -> list[Benchmark]:
    """Add the benchmarks that the targets of the chosen ones are ratios to."""
    names = {benchmark.name for benchmark in chosen}
    names |= required(targets, names)
    return [benchmark for benchmark in BENCHMARKS if benchmark.name in names]


def _listing() -> str:
    width = max(len(benchmark.name) for benchmark in BENCHMARKS)
    lines = [
        f"{b.name:{width}}  {'' if b.default else '(--all) '}{b.summary}\n" for b in BENCHMARKS
    ]
    return "".join(lines)


def _check_output(options: BenchOptions) -> None:
    """Refuse what could not be written before minutes are spent on it."""
    if options.output is None:
        return
    path = Path(options.output)
    if path.exists() and not options.force:
        raise InputError(f"{path} exists; give another name to `-o`, or `--force` to replace it")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to; make it first")


def _save(path: Path, text: str) -> None:
    """Write a whole file or none."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _show(report: BenchReport, options: BenchOptions) -> None:
    from agno_cli.reports import markdown, text

    if options.json:
        sys.stdout.write(to_json(report))
    elif options.md:
        sys.stdout.write(markdown.to_markdown(report))
    else:
        text.write(report, sys.stdout)


def _measured(chosen: list[Benchmark], settings: Settings, *, quiet: bool) -> Suite:
    if quiet:
        return measure(chosen, settings)
    if not sys.stderr.isatty():
        return measure(chosen, settings, _print_line)
    return _with_bar(lambda on_progress: measure(chosen, settings, on_progress))


def _print_line(progress: Progress) -> None:
    sys.stderr.write(f"{_in_words(progress)}\n")
    sys.stderr.flush()


def _in_words(progress: Progress) -> str:
    place = f"[{progress.step}/{progress.steps}]"
    left = f"about {max(1, round(progress.seconds_left))} s left"
    return f"{place} {progress.benchmark}: {progress.what} ({left})"


def _with_bar(work: Callable[[Callable[[Progress], None]], Suite]) -> Suite:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(
        BarColumn(20),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        auto_refresh=False,  # a thread that draws would be measured too
    ) as bar:
        task = bar.add_task("")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.steps,
                completed=progress.step - 1,
                description=_in_words(progress).replace("[", r"\["),
                refresh=True,
            )

        return work(show)
