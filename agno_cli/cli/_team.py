"""From the options of `agno run --team` to the team that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from agno_cli._errors import InputError
from agno_cli._orchestration import Runnable
from agno_cli.cli._agent import limits_of
from agno_cli.cli._console import Console
from agno_cli.cli._model import prepare_local
from agno_cli.cli.run import RunOptions
from agno_cli.teams._file import team_from_file
from agno_cli.teams._team import Team

_OF_AN_AGENT = {
    "agent": "--agent",
    "system": "-s",
    "tool": "-T",
    "option": "-o",
    "schema": "--schema",
    "record": "--record",
    "replay": "--replay",
    "dry_run": "--dry-run",
}


def make_team(options: RunOptions, console: Console) -> Team:
    """Read the team, with the model and the limits that options name; fetch its local models.

    Raises:
        InputError: an option is not for teams, or a file is not there.
        ConfigurationError: the file cannot be used.
    """
    for field, flag in _OF_AN_AGENT.items():
        if getattr(options, field):
            raise InputError(f"{flag} changes one agent, not a team; write it in the team's file")
    assert options.team is not None
    team = team_from_file(options.team)
    changes: dict[str, Any] = {}
    if options.model is not None:
        changes["model"] = options.model
    limits = limits_of(options)
    if limits:
        changes["limits"] = replace(team.limits, **limits)
    team = team.replace(**changes)
    for spec in set(models_of(team)):
        prepare_local(spec, console)
    team.check()
    return team


def models_of(runnable: Runnable) -> Iterator[str]:
    """Yield the models that are known by name, of a team and all within."""
    model = getattr(runnable, "model", None)
    if isinstance(model, str):
        yield model
    for member in getattr(runnable, "members", ()):
        yield from models_of(member)
