"""`agno scenario`: run a real-world workload, and hold it against thresholds."""

from typing import Annotated, NamedTuple

from typer import Argument, Option

from agno_cli.cli._options import Json, Quiet, Verbose, command

_Names = list[str] | None


class ScenarioOptions(NamedTuple):
    """What `agno scenario` was asked for."""

    name: Annotated[
        str | None,
        Argument(
            metavar="[list|NAME|FILE.toml]",
            help="A scenario that comes with this package, or one of yours; `list` names them.",
        ),
    ] = None
    run: Annotated[
        str | None,
        Option("--run", metavar="TEXT", help="Only the runs with this text in their name."),
    ] = None
    rate: Annotated[
        str | None, Option(metavar="RATE", help="Requests a second, as in 500 or 10k/s.")
    ] = None
    duration: Annotated[
        str | None, Option(metavar="TIME", help="How long is measured, as in 30s or 2min.")
    ] = None
    warmup: Annotated[
        str | None, Option(metavar="TIME", help="How long before that is not measured.")
    ] = None
    threshold: Annotated[
        _Names,
        Option(
            "--threshold",
            metavar="BOUND",
            help="A bound, as in 'response:p(99)<5ms'; in place of the scenario's own on the same"
            " figure. Repeatable.",
        ),
    ] = None
    agent: Annotated[
        str | None,
        Option(
            metavar="MODULE:ATTR",
            help="Make an agent of yours, or file.py:attribute. Its model is replaced by a"
            " scripted one unless --model is given.",
        ),
    ] = None
    agents: Annotated[
        int | None, Option(metavar="N", help="How many agents, of batch and multi-agent.", min=1)
    ] = None
    model: Annotated[
        str | None, Option(metavar="NAME", help="Ask a real model. What that costs, you pay.")
    ] = None
    latency: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help="What a scripted model takes: 100ms, or 'lognormal(300ms, 0.3)'.",
        ),
    ] = None
    transport: Annotated[
        str | None,
        Option(
            metavar="http|inproc",
            help="Over HTTP on loopback, or in one process without a network. [default: http]",
        ),
    ] = None
    url: Annotated[
        str | None, Option(metavar="URL", help="Ask this service instead of starting one.")
    ] = None
    allow_remote: Annotated[
        bool, Option("--allow-remote", help="Let that service be on another machine.")
    ] = False
    port: Annotated[
        int | None,
        Option(metavar="PORT", help="Where our service listens. [default: any]", min=1, max=65535),
    ] = None
    find_max: Annotated[
        bool, Option("--find-max", help="Search for the largest rate that meets the thresholds.")
    ] = False
    inject_stall: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help="Have the service stand still for so long, half way, to see that the report"
            " shows it.",
        ),
    ] = None
    seed: Annotated[int | None, Option(metavar="N", help="Of what is random.")] = None
    engine: Annotated[
        str | None,
        Option(metavar="one|processes|ray", help="Run in one process, in many, or on Ray."),
    ] = None
    workers: Annotated[
        int | None, Option(metavar="N", help="How many workers the engine has.", min=1)
    ] = None
    address: Annotated[
        str | None, Option(metavar="ADDRESS", help="Of a Ray cluster, as in ray://host:10001.")
    ] = None
    json: Json = False
    html: Annotated[
        str | None, Option(metavar="FILE", help="Write one self-contained HTML file too.")
    ] = None
    hdr: Annotated[
        str | None,
        Option(metavar="FILE", help="Write the percentiles too, as HdrHistogram's plotter reads."),
    ] = None
    output: Annotated[
        str | None,
        Option("-o", "--output", metavar="FILE", help="Write the JSON to a file, not to stdout."),
    ] = None
    force: Annotated[bool, Option("--force", help="Replace files.")] = False
    quiet: Quiet = False
    verbose: Verbose = False


def _scenario(options: ScenarioOptions) -> int:
    """Run a workload for real, and compare it with thresholds and stated figures.

    Load is open: requests are sent on a schedule made beforehand, whether or not those before
    them are answered, and response times count from the intended time. A run whose load
    generator was late is invalid, and says so.

    stdout gets the tables, or JSON with --json. With -o, JSON goes to that file. Exits with 0
    when all is met, 3 for a missed threshold or failed requests, 4 when the generator was too
    slow. Interrupted, it shows what it has and exits with 130.

    \b
    agno scenario list
    agno scenario api-10k
    agno scenario api-10k --rate 500 --duration 5s --transport inproc
    agno scenario api-10k --url http://127.0.0.1:8000/run --threshold 'response:p(99)<50ms'
    agno scenario api-10k --find-max --json -o r.json --html r.html --hdr r.hgrm
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._scenario import execute

    return execute(options)


scenario = command(ScenarioOptions, _scenario)
scenario.__name__ = "scenario"
