"""A team written down in a TOML file.

    mode = "leader"
    model = "openai:gpt-5-mini"

    [agents.researcher]
    instructions = "Find facts."
    tools = ["http"]

    [agents.writer]
    instructions = "Write in plain words."

Members are the file's agents in their order, unless `members` names them; `[teams.NAME]` writes
down a team that may itself be a member.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from agno_cli._agent import Agent
from agno_cli._definitions import (
    Place,
    check_keys,
    nearest,
    read_agents,
    read_code,
    read_document,
    read_model,
    read_table,
)
from agno_cli._errors import ConfigurationError
from agno_cli._orchestration import Runnable
from agno_cli.teams._gear import check_fields
from agno_cli.teams._limits import TeamLimits
from agno_cli.teams._team import Mode, Team


class _TeamEntry(Struct, frozen=True):
    members: list[str] = []
    mode: Mode = "sequential"
    name: str | None = None
    model: str | None = None
    instructions: str = ""
    leader: str | None = None
    limits: TeamLimits = TeamLimits()
    on_error: Literal["fail", "collect"] = "fail"
    route: str | None = None
    agree: str | None = None
    max_rounds: int = 3


TABLES = ("agents", "teams")


def team_from_file(path: str | Path) -> Team:
    """Read a team from a TOML file; its models are made at its first run.

    Raises:
        InputError: the file, or code that it names, is not there.
        ConfigurationError: the file cannot be used; the message names the key.
    """
    document, where = read_document(path)
    check_keys(document, [*_TeamEntry.__struct_fields__, *TABLES], where)
    known = read_members(document, where)
    own = {key: value for key, value in document.items() if key not in TABLES}
    if "members" not in own:  # all who are not part of a team within, in their order
        taken = {name for table in document.get("teams", {}).values() for name in table["members"]}
        own["members"] = [n for n in known if n not in taken and n != own.get("leader")]
    return _make_team(where.file.stem, _read_entry(own, where), where, known)


def read_members(document: dict[str, Any], where: Place) -> dict[str, Runnable]:
    """Read the agents and the teams of a file by name, each team after those it is made of.

    Raises:
        InputError: code that is named is not there.
        ConfigurationError: what is written cannot be used, or teams contain each other.
    """
    known: dict[str, Runnable] = {}
    known.update(read_agents(document.get("agents", {}), where.inside("agents")))
    tables, place = document.get("teams", {}), where.inside("teams")
    if not isinstance(tables, dict):
        raise place.error(f"it is {tables!r}; write `[teams.NAME]` for each team")
    waiting = {name: _read_entry(table, place.inside(name)) for name, table in tables.items()}
    for name in waiting.keys() & known.keys():
        raise place.inside(name).error("an agent has this name too; rename one")
    while waiting:
        ready = [n for n, entry in waiting.items() if not waiting.keys() & set(entry.members)]
        if not ready:
            stuck = next(iter(waiting))
            raise place.inside(stuck).error("it is part of itself; take it out of its members")
        for name in ready:
            known[name] = _make_team(name, waiting.pop(name), place.inside(name), known)
    return known


def _read_entry(table: Any, where: Place) -> _TeamEntry:
    entry = read_table(table, _TeamEntry, where)
    if not entry.members:
        raise where.inside("members").error("a team has no members; list their names")
    return entry


def _make_team(name: str, entry: _TeamEntry, where: Place, known: Mapping[str, Runnable]) -> Team:
    leader = None if entry.leader is None else _find(entry.leader, where.inside("leader"), known)
    if leader is not None and not isinstance(leader, Agent):
        raise where.inside("leader").error(f"`{entry.leader}` is a team; name an agent")
    team = Team(
        [_find(member, where.inside("members"), known) for member in entry.members],
        mode=entry.mode,
        name=entry.name or name,
        model=read_model(entry.model, where.inside("model")),
        instructions=entry.instructions,
        leader=leader,
        limits=entry.limits,
        on_error=entry.on_error,
        route=_read_function(entry.route, where.inside("route")),
        agree=_read_function(entry.agree, where.inside("agree")),
        max_rounds=entry.max_rounds,
    )
    try:
        check_fields(team)
    except ConfigurationError as error:
        raise where.error(str(error)) from error
    return team


def _find(name: str, where: Place, known: Mapping[str, Runnable]) -> Runnable:
    if name not in known:
        raise where.error(f"there is no agent or team `{name}`; {nearest(name, known)}")
    return known[name]


def _read_function(reference: str | None, where: Place) -> Any:
    return None if reference is None else read_code(reference, where, callable)
