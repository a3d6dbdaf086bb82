"""`agno sessions`: the stored conversations."""

from typing import Annotated

import typer

from agno_cli.cli._completion import session_ids
from agno_cli.cli._options import Json, Quiet, Verbose

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
)

SessionId = Annotated[str, typer.Argument(metavar="ID", autocompletion=session_ids)]


@app.callback()
def sessions(context: typer.Context) -> None:
    """List, show and delete stored conversations."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    *,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - its callback acts
) -> None:
    """List the sessions, the one used last first."""
    from agno_cli.cli._sessions import list_sessions

    list_sessions(json=json)


@app.command()
def show(
    session_id: SessionId,
    *,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - its callback acts
) -> None:
    """Write a whole conversation."""
    from agno_cli.cli._sessions import show_session

    show_session(session_id, json=json)


@app.command()
def delete(
    session_id: Annotated[list[str], typer.Argument(metavar="ID...", autocompletion=session_ids)],
    *,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - its callback acts
) -> None:
    """Delete conversations, for good."""
    from agno_cli.cli._sessions import delete_sessions

    delete_sessions(session_id, quiet=quiet)
