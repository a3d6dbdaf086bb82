"""From a team's fields to its plan: every field checked, and what its mode needs prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from agno_cli._agent import Agent
from agno_cli._context import RunContext
from agno_cli._errors import ConfigurationError
from agno_cli._limits import Limits
from agno_cli._memory import is_memory
from agno_cli.teams._consensus import Consensus, agree_in_rounds, make_voter
from agno_cli.teams._leader import Leader, lead, plan_type
from agno_cli.teams._limits import TeamLimits
from agno_cli.teams._modes import (
    RouteByFunction,
    choice_type,
    parallel,
    route_by_function,
    route_by_model,
    sequential,
)
from agno_cli.teams._plan import Conduct, Place, TeamPlan, are_quick, make_places, own_agent
from agno_cli.teams._prompts import CHOOSING, PLANNING, WRITING, answer_begins, roster

if TYPE_CHECKING:
    from agno_cli.teams._team import Team

Places: TypeAlias = tuple[Place, ...]


class _Gear(Struct, frozen=True, eq=False):
    """How a mode is conducted, what it needs, and whether that never waits."""

    conduct: Conduct
    gear: Any = None
    quick: bool = True


def make_team_plan(team: Team) -> TeamPlan:
    """Resolve and check what a team was given.

    Raises:
        ConfigurationError: a field that does not fit, or that the mode has no use for; a member
            that cannot work as written.
    """
    check_fields(team)
    members = make_places(team.members, team.model)
    members_quick = are_quick(members)
    made = _MODES[team.mode](team, members)
    follows, last = team.mode == "sequential", members[-1]
    return TeamPlan(
        name=team.name,
        members=members,
        names=tuple(place.name for place in members),
        conduct=made.conduct,
        gear=made.gear,
        members_quick=members_quick,
        quick=members_quick and made.quick and not getattr(team.memory, "blocking", False),
        has_data=any(getattr(p.runnable, "output_type", None) is not None for p in members),
        fails=team.on_error == "fail",
        limits=team.limits,
        adds_up=team.limits.adds_up,
        memory=team.memory,
        straight=team.mode in {"sequential", "parallel"}
        and members_quick
        and team.memory is None
        and team.limits.seconds is None
        and not team.limits.adds_up,
        follows=follows,
        runs=tuple(
            (place.runnable.run, answer_begins(place.name) if follows and place is not last else "")
            for place in members
        ),
    )


def check_fields(team: Team) -> None:
    """Raise ConfigurationError for a field that does not fit, or that the mode has no use for."""
    _check("name", team.name, isinstance(team.name, str), "a text")
    _check("mode", team.mode, team.mode in _MODES, f"one of: {', '.join(_MODES)}")
    _check("on_error", team.on_error, team.on_error in {"fail", "collect"}, "`fail` or `collect`")
    _check("instructions", team.instructions, isinstance(team.instructions, str), "a text")
    _check("leader", team.leader, isinstance(team.leader, Agent | None), "an Agent")
    rounds = team.max_rounds
    _check("max_rounds", rounds, type(rounds) is int and rounds > 0, "a whole number from 1 up")
    if isinstance(team.limits, Limits):
        raise ConfigurationError(
            "a team's `limits` is a `Limits`, which bounds one agent; give a `TeamLimits`, which"
            " bounds all members together"
        )
    _check("limits", team.limits, isinstance(team.limits, TeamLimits), "a `TeamLimits`")
    for field in ("route", "agree"):
        function = getattr(team, field)
        _check(field, function, function is None or callable(function), "a function")
    if team.memory is not None:
        _check("memory", team.memory, is_memory(team.memory), "a Memory, not its class or name")
    _check_use(team)


def _check(field: str, value: object, fits: bool, wanted: str) -> None:  # noqa: FBT001
    if not fits:
        raise ConfigurationError(f"a team's `{field}` is {value!r}; give {wanted}")


def _check_use(team: Team) -> None:
    """Raise ConfigurationError for a field that the mode would silently ignore."""
    for field, modes in _USED_BY.items():
        if getattr(team, field) and team.mode not in modes:
            raise ConfigurationError(
                f"a team's `{field}` means nothing in mode `{team.mode}`; leave it out, or choose"
                f" mode {' or '.join(f'`{mode}`' for mode in modes)}"
            )
    for field in ("instructions", "leader"):
        if getattr(team, field) and team.route is not None:
            raise ConfigurationError(
                f"a team's `{field}` and `route` exclude each other: `{field}` is for the model"
                " that chooses where no function does; leave one out"
            )
    if team.instructions and team.leader is not None:
        raise ConfigurationError(
            "a team's `instructions` and `leader` exclude each other; give the leader its"
            " `instructions`"
        )


_USED_BY: Mapping[str, tuple[str, ...]] = {
    "route": ("route",),
    "agree": ("consensus",),
    "leader": ("leader", "route"),
    "instructions": ("leader", "route"),
}


def _sequential(team: Team, members: Places) -> _Gear:  # noqa: ARG001 - as all modes
    return _Gear(sequential)


def _parallel(team: Team, members: Places) -> _Gear:  # noqa: ARG001 - as all modes
    return _Gear(parallel)


def _leader(team: Team, members: Places) -> _Gear:
    names = [place.name for place in members]
    planner = _own(team, f"{PLANNING}\n\n{_roster(members)}", plan_type(names), "leader")
    leader = team.leader
    writer = _own(team, WRITING, None if leader is None else leader.output_type, "leader")
    quick = are_quick([planner, writer])
    return _Gear(lead, Leader(planner, writer), quick)


def _consensus(team: Team, members: Places) -> _Gear:
    names = tuple(place.name for place in members)
    voters: Places = ()
    if team.agree is None:
        voters = tuple(make_voter(p, names, team.limits.output_retries) for p in members)
    quick = are_quick(voters)
    gear = Consensus(team.max_rounds, team.agree, voters, quick)
    return _Gear(agree_in_rounds, gear, quick and team.agree is None)


def _route(team: Team, members: Places) -> _Gear:
    if team.route is not None:
        gear = RouteByFunction(team.route, _takes_context(team.route))
        return _Gear(route_by_function, gear, quick=False)
    choice = choice_type([place.name for place in members], "member")
    router = _own(team, f"{CHOOSING}\n\n{_roster(members)}", choice, "router")
    return _Gear(route_by_model, router, are_quick([router]))


_MODES: dict[str, Callable[[Team, Places], _Gear]] = {
    "sequential": _sequential,
    "parallel": _parallel,
    "leader": _leader,
    "consensus": _consensus,
    "route": _route,
}


def _own(team: Team, role: str, output_type: Any, name: str) -> Place:
    """Make the agent that a team asks on its own behalf."""
    agent = team.leader or Agent(team.model, name=name, instructions=team.instructions)
    if agent.model is None:
        agent = agent.replace(model=team.model)
    made = own_agent(agent, role, output_type, team.limits.output_retries)
    return Place(agent.name, made, agent.memory is not None)


def _roster(members: Places) -> str:
    return roster((p.name, getattr(p.runnable, "instructions", "")) for p in members)


def _takes_context(function: Callable[..., Any]) -> bool:
    """Tell whether the first parameter is annotated as the RunContext, as a tool's may be."""
    annotations = getattr(function, "__annotations__", {})
    return next(iter(annotations.values()), None) in (RunContext, "RunContext")
