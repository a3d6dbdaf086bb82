"""What a team's runs need, resolved and checked once: at its first run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._agent import Agent
from agno_cli._context import RunContext
from agno_cli._errors import ConfigurationError
from agno_cli._memory import MemoryProtocol
from agno_cli._messages import RunOutput
from agno_cli._orchestration import OStep, Runnable, is_runnable, named
from agno_cli.teams._limits import TeamLimits
from agno_cli.teams._output import Answer

if TYPE_CHECKING:
    from agno_cli.teams._run import TeamRun

Conduct: TypeAlias = "Callable[[TeamRun], Generator[OStep, None, Answer]]"


class Place(Struct, frozen=True, eq=False):
    """A member in its team.

    Attributes:
        name: what it goes by there.
        runnable: the member, with the team's model where it has none.
        remembers: whether it has a memory of its own, which the team's does not replace.
    """

    name: str
    runnable: Runnable
    remembers: bool = False


class TeamPlan(Struct, frozen=True, eq=False, kw_only=True):
    """A team's fields in the form its runs use.

    Attributes:
        conduct: what the team's mode does.
        gear: what the mode needs besides the members; each mode knows its own.
        members_quick: no member ever waits.
        quick: nothing in a run ever waits.
        has_data: some member has an output type.
        fails: whether the failure of one member is the team's.
        straight: whether `_shortcut.py` may run it; `follows` is then whether members run
            one after another, on each other's answers. `runs` holds for each member its `run`, and
            what stands before its answer when the next member is shown it.
    """

    name: str
    members: tuple[Place, ...]
    names: tuple[str, ...]
    conduct: Conduct
    gear: Any
    members_quick: bool
    quick: bool
    has_data: bool
    fails: bool
    limits: TeamLimits
    adds_up: bool
    memory: MemoryProtocol | None
    straight: bool
    follows: bool
    runs: tuple[tuple[Callable[..., RunOutput], str], ...]

    def place(self, name: str) -> Place:
        """Give the member of this name."""
        return self.members[self.names.index(name)]


def make_places(members: Sequence[Runnable], model: Any) -> tuple[Place, ...]:
    """Name the members, and give those without a model the team's.

    Raises:
        ConfigurationError: there is none, or one that cannot be run.
    """
    if not isinstance(members, list | tuple):
        raise ConfigurationError(f"a team's `members` is {members!r}; give a list of agents")
    if not members:
        raise ConfigurationError("a team has no members; give at least one agent")
    for member in members:
        if not is_runnable(member):
            raise ConfigurationError(
                f"{member!r} cannot be a member; give an Agent, a Team or a Workflow"
            )
    names = _distinct([member.name for member in members])
    return tuple(
        Place(name, with_model(member, model), getattr(member, "memory", None) is not None)
        for name, member in zip(names, members, strict=True)
    )


def with_model(member: Runnable, model: Any) -> Runnable:
    """Give a member the team's model where it has none: a copy, as members never change."""
    if model is None or getattr(member, "model", model) is not None:
        return member
    copied: Runnable = member.replace(model=model)  # type: ignore[attr-defined]  # has a model
    return copied


def are_quick(places: Iterable[Place]) -> bool:
    """Check members, and tell whether none of their runs ever waits.

    Raises:
        ConfigurationError: a member cannot work as written.
    """
    quick = [_is_quick(place) for place in places]  # each is checked
    return all(quick)


def _is_quick(place: Place) -> bool:
    check = getattr(place.runnable, "check", None)
    if check is not None:
        try:
            check()
        except ConfigurationError as error:
            raise named(f"member `{place.name}`", error) from error
    return getattr(getattr(place.runnable, "_plan", None), "quick", False)


def own_agent(agent: Agent, more: str, output_type: Any, retries: int) -> Agent:
    """Make the agent that plans, chooses or writes: one with further instructions."""
    return agent.replace(
        instructions=_extended(agent.instructions, more),
        output_type=output_type,
        limits=replace(agent.limits, output_retries=retries),
    )


def _extended(instructions: Any, more: str) -> Any:
    if not callable(instructions):
        return f"{instructions}\n\n{more}" if instructions else more

    def both(context: RunContext) -> str:
        return f"{instructions(context)}\n\n{more}"

    return both


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Number the names that occur more than once: `agent-1`, `agent-2`."""
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ConfigurationError(f"a member's name is {name!r}; give a text of one line")
    count = Counter(names)
    taken = {name for name in names if count[name] == 1}
    given: list[str] = []
    for name in names:
        told, number = name, 0
        while count[name] > 1 and (number == 0 or told in taken):
            number += 1
            told = f"{name}-{number}"
        taken.add(told)
        given.append(told)
    return tuple(given)
