"""`agno bench list`, `show NAME` and `history`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agno_cli._errors import InputError
from agno_cli.bench._documented import DOCUMENTED
from agno_cli.bench._documented import NAME as DOCUMENTED_NAME
from agno_cli.bench._environment import read_environment
from agno_cli.bench._history import Entry, history
from agno_cli.bench._registry import BUILT_IN, Benchmark, Source, select
from agno_cli.bench._sources import load_benchmarks
from agno_cli.bench._targets import BUILT_IN as BUILT_IN_TARGETS
from agno_cli.bench._targets import load_targets
from agno_cli.cli._console import Console
from agno_cli.cli._table import write_table
from agno_cli.reports import _figures

if TYPE_CHECKING:
    from agno_cli.cli.bench import BenchOptions

_NEWEST = 20
_SHOWN = 5
# What the history shows of a run unless benchmarks are named.
_USUAL = ("create", "run", "run_tool")


def show_list(options: BenchOptions, source: Source, names: Sequence[str]) -> None:
    """Write all benchmarks, or those named."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    everything = not names and not options.part
    chosen = select(load_benchmarks(source), names, parts=options.part or (), everything=everything)
    if options.json:
        facts = [{"name": b.name, "default": b.default, "summary": b.summary} for b in chosen]
        console.document("bench list", facts)
        return
    rows = [(b.name, "default" if b.default else "--all", b.summary) for b in chosen]
    write_table(console, ("benchmark", "set", "what is measured"), rows)


def show_one(options: BenchOptions, source: Source, names: Sequence[str]) -> None:
    """Write what is known of the benchmarks named.

    Raises:
        InputError: none is named.
    """
    if not names:
        raise InputError("`show` needs a benchmark; write `agno bench show create`")
    console = Console(quiet=options.quiet, verbose=options.verbose)
    chosen = select(load_benchmarks(source), names)
    entries = history(read_environment())
    facts = {benchmark.name: dict(_facts(benchmark, entries)) for benchmark in chosen}
    if options.json:
        console.document("bench show", facts)
        return
    for name, found in facts.items():
        lines = [f"  {key:12} {value}\n" for key, values in found.items() for value in values]
        console.write("".join([f"{name}\n", *lines]))


def _facts(benchmark: Benchmark, entries: Sequence[Entry]) -> Iterator[tuple[str, list[str]]]:
    yield "measures", [benchmark.summary or "(its function has no docstring)"]
    yield "per", [benchmark.operation]
    figures = ["time"] * (benchmark.prepare is not None)
    figures += ["exact counts"] * (benchmark.count is not None)
    yield "figures", [" and ".join(figures)]
    yield "in the set", ["default" if benchmark.default else "--all"]
    if benchmark.source == BUILT_IN:
        targets = load_targets(BUILT_IN_TARGETS, dict.fromkeys(_names()))
        mine = [f"{t.metric}: {t.text}" for t in targets if t.benchmark == benchmark.name]
        if mine:
            yield "targets", mine
    known = DOCUMENTED.get(benchmark.name)
    if known is not None:
        yield DOCUMENTED_NAME, [f"{known.documented.speed}, documented", known.difference][:1]
    found = [entry for entry in entries if benchmark.name in entry.medians][-_SHOWN:]
    if found:
        yield (
            "history",
            [f"{e.started}  {_figures.seconds(e.medians[benchmark.name])}" for e in found],
        )


def _names() -> Iterator[str]:
    return (benchmark.name for benchmark in load_benchmarks(BUILT_IN))


def show_history(options: BenchOptions, names: Sequence[str]) -> None:
    """Write the earlier results of this machine, the newest last."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    entries = history(read_environment(), newest=_NEWEST)
    if options.json:
        console.document("bench history", entries)
        return
    if not entries:
        console.note("nothing was measured on this machine yet; `agno bench` does")
    wanted = names or _USUAL
    rows = [
        (entry.started or entry.path.name, entry.commit, entry.python, _in_short(entry, wanted))
        for entry in entries
    ]
    write_table(console, ("started (UTC)", "commit", "Python", "time"), rows)


def _in_short(entry: Entry, wanted: Sequence[str]) -> str:
    if entry.problem:
        return entry.problem
    said = [f"{n} {_figures.seconds(entry.medians[n])}" for n in wanted if n in entry.medians]
    others = len(entry.medians) - len(said)
    if others:
        said.append(f"{others} others" if said else f"{others} benchmarks")
    return ", ".join(said)
