"""The commands put together. Each has a thin file; what it needs is imported when it runs."""

import os
import sys
from typing import Annotated, Any

import typer

from agno_cli.cli._options import command as from_fields
from agno_cli.cli.bench import BenchCommand, bench
from agno_cli.cli.models import app as models_app
from agno_cli.cli.profile import app as profile_app
from agno_cli.cli.run import RunOptions, run
from agno_cli.cli.scenario import scenario
from agno_cli.cli.sessions import app as sessions_app

_NAMES = ("agno", "agno-cli")

# Help in rich's frames costs 60 ms of start-up, its tracebacks are not wanted: `main` reports.
app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(from_fields(RunOptions, run))
app.command("bench", cls=BenchCommand)(bench)
app.command("scenario")(scenario)
app.add_typer(profile_app, name="profile")
app.add_typer(models_app, name="models")
app.add_typer(sessions_app, name="sessions")


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer's form
    if value:
        from agno_cli import __version__

        typer.echo(f"agno {__version__}")
        raise typer.Exit


@app.callback()
def agno(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Run agents, and measure them honestly.

    Data goes to stdout, everything else to stderr. Exit codes: 0 fine, 1 internal error, 2 usage,
    3 target missed, 4 could not measure, 5 configuration or credentials, 6 the provider failed,
    7 a limit was reached, 8 the output failed its schema, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def command() -> Any:
    """Give the whole command line as Typer's command object."""
    return typer.main.get_command(app)


def program_name() -> str:
    """Give the name this was called by, for help and completion."""
    name = os.path.basename(sys.argv[0])  # noqa: PTH119 - a name, not a path to follow
    return name if name in _NAMES else _NAMES[0]
