"""`agno profile`: where time goes, what holds memory, what an import loads."""

from typing import Annotated, Any, NamedTuple

import typer
from typer import Argument, Option
from typer.core import TyperCommand

from agno_cli.cli._options import Json, Quiet, Verbose, command

_Words = list[str] | None

_TARGETS = (
    "A benchmark (default `run`; `agno bench list` names them), MODULE:ATTR or FILE.py:ATTR of an"
    " agent or a function, script.py and its arguments, scenario:NAME; or `-- command`."
)
_EVERYWHERE = {"help_option_names": ["-h", "--help"]}


class ProfileCommand(TyperCommand):
    """Keeps what stands behind `--` apart: a command, whose options are its own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand the command over as values of a hidden option."""
        if "--" in args:
            place = args.index("--")
            given = args[place + 1 :]
            args = [*args[:place], *(f"--command={word}" for word in given)]
        return super().parse_args(ctx, args)


_Target = Annotated[_Words, Argument(metavar="[TARGET]...", help=_TARGETS)]
_Command = Annotated[_Words, Option("--command", hidden=True)]
_CallTools = Annotated[
    bool,
    Option(
        "--call-tools",
        help="Call an agent's own tools, with made-up arguments; else only stand-ins.",
    ),
]
_Output = Annotated[
    str | None,
    Option("-o", "--output", metavar="FILE", help="Write there; its ending may name the format."),
]
_Diff = Annotated[
    str | None,
    Option("--diff", metavar="FILE", help="Compare with a profile written by `-f json`."),
]
_Top = Annotated[int, Option("--top", min=1, metavar="N", help="Rows of the table.")]
_Timeout = Annotated[
    str, Option("--timeout", metavar="TIME", help="End a target that takes longer.")
]
_Force = Annotated[bool, Option("--force", help="Replace the file that -o names.")]


class CpuOptions(NamedTuple):
    """What `agno profile cpu` was asked for."""

    words: _Target = None
    command: _Command = None
    model: Annotated[
        str | None,
        Option(
            "-m",
            "--model",
            metavar="PROVIDER:NAME",
            help="Profile one real run; the last word is the prompt, one before it an agent.",
        ),
    ] = None
    engine: Annotated[
        str,
        Option("--engine", metavar="NAME", help="auto, py-spy, pyinstrument, cprofile or perf."),
    ] = "auto"
    mode: Annotated[
        str,
        Option(
            "--mode", metavar="NAME", help="cpu, wall (waiting counts), or auto: as it turns out."
        ),
    ] = "auto"
    interval: Annotated[
        str, Option("-i", "--interval", metavar="TIME", help="Between two samples.")
    ] = "2ms"
    duration: Annotated[
        str | None,
        Option(
            "-d",
            "--duration",
            metavar="TIME",
            help="How long to look; default 4s. A script or command is stopped then.",
        ),
    ] = None
    once: Annotated[
        bool,
        Option("--once", help="Run a script or command only once, so that no slowdown is known."),
    ] = False
    call_tools: _CallTools = False
    format: Annotated[
        str | None,
        Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="text, tree, html, flamegraph, speedscope or json.",
        ),
    ] = None
    output: _Output = None
    diff: _Diff = None
    top: _Top = 20
    timeout: _Timeout = "5min"
    force: _Force = False
    json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False


def _cpu(options: CpuOptions) -> int:
    """Show where the time goes, in a process of its own.

    A target is warmed up and repeated; a script or command is run whole, and again where one
    run gives too few samples, so it must bear being repeated (else --once). The slowdown that
    the profiler itself makes, the samples and the margin are always shown.

    \b
    agno profile cpu
    agno profile cpu shop.agents:support -f html -o cpu.html
    agno profile cpu script.py --mode wall
    agno profile cpu -d 10s -- python -m app
    agno profile cpu --model local:smollm2 "Say hello."
    agno profile cpu -f json -o old.json ; agno profile cpu --diff old.json
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._profile import profile_cpu

    return profile_cpu(options)


class MemOptions(NamedTuple):
    """What `agno profile mem` was asked for."""

    words: _Target = None
    command: _Command = None
    per_object: Annotated[
        int,
        Option(
            "--per-object",
            min=0,
            metavar="N",
            help="Objects to count by; 0 for as many as their speed allows, 1,000 at most.",
            show_default=False,
        ),
    ] = 0
    leaks: Annotated[
        bool, Option("--leaks", help="Show what runs leave behind, although nothing is kept.")
    ] = False
    temporary: Annotated[
        bool, Option("--temporary", help="Show what is asked for and given back at once.")
    ] = False
    native: Annotated[bool, Option("--native", help="Show frames of native code too.")] = False
    live: Annotated[
        bool, Option("--live", help="Watch it in the terminal, while the target is repeated.")
    ] = False
    engine: Annotated[
        str, Option("--engine", metavar="NAME", help="auto, memray or tracemalloc.")
    ] = "auto"
    call_tools: _CallTools = False
    format: Annotated[
        str | None,
        Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="summary, table, tree, html, flamegraph, speedscope or json.",
        ),
    ] = None
    output: _Output = None
    diff: _Diff = None
    top: _Top = 20
    timeout: _Timeout = "5min"
    force: _Force = False
    json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False


def _mem(options: MemOptions) -> int:
    """Show what memory goes to, exactly, in a process of its own.

    Of a target that can be repeated: live bytes of one object, the peak of its making, its share
    of resident memory, and the allocations of an operation, cold (results kept) and warm
    (dropped), then the lines of code that asked. Of a script or command: its peak.

    \b
    agno profile mem
    agno profile mem create_tools --per-object 1000
    agno profile mem shop.agents:support --leaks --call-tools
    agno profile mem script.py -o mem.html
    agno profile mem --native -- python -m app
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._profile import profile_mem

    return profile_mem(options)


class StartupOptions(NamedTuple):
    """What `agno profile startup` was asked for."""

    module: Annotated[
        str, Argument(metavar="[MODULE|FILE.py]", help="What to import; default agno_cli.")
    ] = "agno_cli"
    format: Annotated[
        str | None,
        Option("-f", "--format", metavar="FORMAT", help="text, tree, html, flamegraph or json."),
    ] = None
    output: _Output = None
    diff: _Diff = None
    top: _Top = 20
    timeout: _Timeout = "1min"
    force: _Force = False
    json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False


def _startup(options: StartupOptions) -> int:
    """Show what an import loads, module by module.

    \b
    agno profile startup
    agno profile startup shop.agents -f tree
    """  # noqa: D301 - Typer keeps the lines of a paragraph that begins with backspace
    from agno_cli.cli._profile import profile_startup

    return profile_startup(options)


app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, context_settings=_EVERYWHERE)


@app.callback()
def profile(context: typer.Context) -> None:
    """Show where time goes, what holds memory, what an import loads."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("cpu", cls=ProfileCommand)(command(CpuOptions, _cpu))
app.command("mem", cls=ProfileCommand)(command(MemOptions, _mem))
app.command("startup")(command(StartupOptions, _startup))
