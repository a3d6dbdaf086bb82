"""`agno bench`: measure this runtime and hold it against its targets."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from typer import Argument, Option

from agno_cli.cli._options import Json, Quiet, Verbose, command


class BenchOptions(NamedTuple):
    """What `agno bench` was asked for."""

    names: Annotated[
        list[str] | None,
        Argument(metavar="[NAME]...", help="Benchmarks to run; by default the quick set."),
    ] = None
    everything: Annotated[
        bool, Option("--all", help="Run every benchmark: HTTP, start-up and endurance too.")
    ] = False
    list_: Annotated[bool, Option("--list", help="List the benchmarks and stop.")] = False
    fast: Annotated[
        bool, Option("--fast", help="Measure less: a rough answer in half the time.")
    ] = False
    rigorous: Annotated[
        bool, Option("--rigorous", help="Measure more, where intervals straddle a target.")
    ] = False
    json: Json = False
    md: Annotated[bool, Option("--md", help="Write the table as Markdown.")] = False
    output: Annotated[
        str | None,
        Option("-o", "--output", metavar="FILE", help="Write the results as JSON to a file too."),
    ] = None
    force: Annotated[bool, Option("--force", help="Let --output replace a file.")] = False
    targets: Annotated[
        str | None,
        Option(metavar="FILE", help="Hold the results against these targets; see targets.toml."),
    ] = None
    strict: Annotated[
        bool, Option("--strict", help="Exit with 4 when a target is inconclusive.")
    ] = False
    quiet: Quiet = False
    verbose: Verbose = False


def _bench(options: BenchOptions) -> int:
    """Measure this runtime against its targets.

    Exits with 0 when every target is met, 3 when one is missed, 4 when something could not be
    measured. Interrupted, it shows what it has.

    \b
    agno bench
    agno bench create run --fast
    agno bench --all -o results.json
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._bench import execute

    return execute(options)


bench = command(BenchOptions, _bench)
bench.__name__ = "bench"
