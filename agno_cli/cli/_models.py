"""What `agno models` does."""

from __future__ import annotations

from agno_cli.cli._console import Console
from agno_cli.cli._model import fetch
from agno_cli.cli._table import write_table
from agno_cli.models._configured import ModelRow, configured_models
from agno_cli.models._download import pull

_HEAD = ("MODEL", "READY", "SOURCE", "NOTE")


def list_models(*, json: bool) -> None:
    """Write what can be asked.

    Raises:
        ConfigurationError: the configuration file cannot be used.
    """
    console = Console()
    with console.documented("models", enabled=json):
        found = configured_models()
        if json:
            console.document("models", found)
        else:
            write_table(console, _HEAD, [_cells(row) for row in found])


def _cells(row: ModelRow) -> tuple[str, ...]:
    ready = row.configured and row.reachable is not False
    note = ", ".join(filter(None, ["asked by default" if row.default else "", row.note]))
    return f"{row.provider}:{row.model}", "yes" if ready else "no", row.source, note


def pull_model(name: str, *, quiet: bool, verbose: bool) -> None:
    """Fetch a local model and write where it is.

    Raises:
        ConfigurationError: there is no such model, or it could not be fetched.
    """
    console = Console(quiet=quiet, verbose=verbose)
    name = name.removeprefix("local:")
    fetch(name, console)
    console.write(f"{pull(name)}\n")
