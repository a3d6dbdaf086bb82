"""`agno models`: what can be asked, and fetching a local model."""

from typing import Annotated

import typer

from agno_cli.cli._options import Json, Quiet, Verbose

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def models(
    context: typer.Context,
    *,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - its callback acts
) -> None:
    """List the models that can be asked, and fetch local ones.

    A model is configured when its key is set or its file is there; only addresses of this
    machine are tried, so nothing is paid and nobody is told.
    """
    if context.invoked_subcommand is None:
        from agno_cli.cli._models import list_models

        list_models(json=json)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Model to fetch, such as smollm2.")],
    *,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fetch a local model into the cache, unless it is there."""
    from agno_cli.cli._models import pull_model

    pull_model(name, quiet=quiet, verbose=verbose)
