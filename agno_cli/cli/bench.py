"""`agno bench`: measure this runtime, or what is built on it, and hold it against targets."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from typer import Argument, Option
from typer.core import TyperCommand

from agno_cli.cli._options import Json, Quiet, Verbose, command

_Names = list[str] | None


class BenchCommand(TyperCommand):
    """Lets `--vs` stand without a value, for which Typer has no form."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--vs` the empty text as its value."""
        following = [*args[1:], "--"]
        given = [
            "--vs=" if arg == "--vs" and after.startswith("-") else arg
            for arg, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, given)


class BenchOptions(NamedTuple):
    """What `agno bench` was asked for."""

    words: Annotated[
        _Names,
        Argument(
            metavar="[run|list|show|history] [NAME|FILE.py]...",
            help="What to do and with which benchmarks; by default, measure the quick set.",
        ),
    ] = None
    everything: Annotated[
        bool,
        Option("--all", help="Every benchmark: scaling, HTTP, start-up and endurance too."),
    ] = False
    part: Annotated[
        _Names,
        Option("-k", metavar="TEXT", help="Also those with this text in their name. Repeatable."),
    ] = None
    agent: Annotated[
        str | None,
        Option(
            metavar="MODULE:ATTR",
            help="Measure an agent of yours, or file.py:attribute. Its model is replaced by a"
            " scripted one, so nothing is paid, its memory by a fresh one; its hooks are called.",
        ),
    ] = None
    call_tools: Annotated[
        bool,
        Option(
            "--call-tools",
            help="Call that agent's tools for real, with made-up arguments; else only stand-ins.",
        ),
    ] = False
    vs: Annotated[
        str | None,
        Option(
            "--vs",
            metavar="[NAME,...]",
            help="Measure other libraries beside, or a worker file; without a name, list them.",
        ),
    ] = None
    update_pins: Annotated[
        bool,
        Option("--update-pins", help="Pin the newest release of each of those libraries; stop."),
    ] = False
    imported: Annotated[
        _Names,
        Option(
            "--import",
            metavar="FILE",
            help="Show results of Go, pyperf or pytest-benchmark beside. Repeatable.",
        ),
    ] = None
    fast: Annotated[bool, Option("--fast", help="Measure less: a rough, quicker answer.")] = False
    rigorous: Annotated[
        bool, Option("--rigorous", help="Measure more, where intervals straddle a target.")
    ] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say what would be measured and for how long; stop.")
    ] = False
    aa: Annotated[
        bool,
        Option("--aa", help="Measure this machine's own noise and remember it for comparisons."),
    ] = False
    save: Annotated[
        str | None, Option(metavar="NAME", help="Keep the results on this machine as a baseline.")
    ] = None
    baseline: Annotated[
        str | None,
        Option(metavar="NAME|FILE|REV", help="Compare with kept results, or a git revision."),
    ] = None
    fail_on: Annotated[
        _Names,
        Option(
            metavar="WHAT",
            help="What exits with 3: `targets`, `regression`, or both. [default: targets]",
        ),
    ] = None
    targets: Annotated[
        str | None,
        Option(metavar="FILE", help="Hold the results against these targets; see targets.toml."),
    ] = None
    json: Json = False
    md: Annotated[bool, Option("--md", help="Write the tables as Markdown on stdout.")] = False
    html: Annotated[
        str | None, Option(metavar="FILE", help="Write one self-contained HTML file too.")
    ] = None
    output: Annotated[
        str | None,
        Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write the JSON document, which pyperf reads too, to a file, not to stdout.",
        ),
    ] = None
    force: Annotated[
        bool, Option("--force", help="Replace files; compare with another machine's results.")
    ] = False
    strict: Annotated[
        bool, Option("--strict", help="Exit with 4 when a target or comparison is inconclusive.")
    ] = False
    quiet: Quiet = False
    verbose: Verbose = False


def _bench(options: BenchOptions) -> int:
    """Measure this runtime, or what you build on it, against targets and baselines.

    As the first word, `run` may be left out (so the benchmark of that name alone is
    `agno bench run run`), `list` names the benchmarks, `show NAME` explains one and `history`
    lists earlier results. A FILE.py holds functions marked with `agno_cli.bench.benchmark`.

    stdout gets the table, or Markdown with --md, or JSON with --json. With -o, JSON goes to that
    file. Exits with 0 when all is met, 3 for a missed target (see --fail-on), 4 when something
    could not be measured. Interrupted, it shows what it has and exits with 130.

    \b
    agno bench create run --fast
    agno bench run create -k tool --rigorous
    agno bench --all --json -o result.json --md --html report.html
    agno bench --agent shop.agents:support
    agno bench shop/benchmarks.py
    agno bench --save main ; agno bench --baseline main --fail-on regression
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._bench import execute

    return execute(options)


bench = command(BenchOptions, _bench)
bench.__name__ = "bench"
