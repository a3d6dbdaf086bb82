"""The team: several agents as one, and the four ways to run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias

from msgspec.structs import force_setattr

from agno_cli import _context
from agno_cli._agent import Agent
from agno_cli._context import CancelToken, RunContext
from agno_cli._description import Description
from agno_cli._events import Event, RunStarted
from agno_cli._memory import MemoryProtocol
from agno_cli._orchestration import Runnable
from agno_cli._orchestration_drivers import drive, drive_events
from agno_cli.models._protocol import Model
from agno_cli.teams._gear import make_team_plan
from agno_cli.teams._limits import DEFAULT_TEAM_LIMITS, TeamLimits
from agno_cli.teams._output import TeamOutput
from agno_cli.teams._plan import TeamPlan
from agno_cli.teams._run import team_loop
from agno_cli.teams._shortcut import run_straight

Mode: TypeAlias = Literal["sequential", "parallel", "leader", "consensus", "route"]
Agree: TypeAlias = Callable[[dict[str, str]], Any]
Route: TypeAlias = Callable[..., Any]


class _WithMembers(Description, eq=False):
    """Holds the one field of a Team that may be given without its name."""

    members: Sequence[Runnable] = ()


class Team(_WithMembers, kw_only=True, eq=False):
    """Several agents that work on one task: what to run, not a run.

    A team is run like an agent, and may itself be a member. It never changes, and neither do its
    members; any number of runs may share it. Its fields are resolved and checked once, at its
    first run or by `check`.

    - `sequential`: one after another; each sees the task and the answer of the one before.
    - `parallel`: all at once, on the same task. The answer holds all of theirs, by name.
    - `leader`: a leader plans subtasks and gives them to members. They run, at once where none
      needs another's result, and the leader writes the answer.
    - `consensus`: all answer, and again with each other's answers, until they agree or
      `max_rounds` is reached; `TeamOutput.outcome` says which.
    - `route`: one member, chosen by a function or by a model.

    Args:
        members: agents, teams and workflows. Those of the same name are numbered: `agent-1`.
        mode: how they work together.
        name: for events, errors and teams.
        model: for members that have none, and for what the team asks on its own behalf.
        instructions: for the agent that plans, writes or chooses, besides what it must know.
        leader: that agent, where it is to have more than the team's model and instructions.
        memory: the team's conversation, of prompts and answers. Members without a memory of
            their own are shown it; those with one keep their own.
        limits: bounds of each run, over all members.
        on_error: what the failure of a member is: the team's (`fail`), or, while another member
            succeeds, a result that says so (`collect`).
        route: called with the prompt, after the RunContext if its first parameter is annotated
            so; gives a member's name. Without one a model chooses.
        agree: called with the answers of a round by name; gives whether they agree, or the
            answer that was agreed upon. Without one the members vote, and two thirds of all
            members must choose the same answer.
        max_rounds: rounds of a consensus.

    >>> from agno_cli import Agent, ScriptedModel
    >>> writer = Agent(ScriptedModel(["A poem."]), name="writer")
    >>> critic = Agent(ScriptedModel(["A better poem."]), name="critic")
    >>> Team([writer, critic]).run("Write a poem.").content
    'A better poem.'
    """

    mode: Mode = "sequential"
    name: str = "team"
    model: Model | str | None = None
    instructions: str = ""
    leader: Agent | None = None
    memory: MemoryProtocol | None = None
    limits: TeamLimits = DEFAULT_TEAM_LIMITS
    on_error: Literal["fail", "collect"] = "fail"
    route: Route | None = None
    agree: Agree | None = None
    max_rounds: int = 3
    _plan: TeamPlan | None = None  # made at the first run

    def run(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> TeamOutput:
        """Run to the end and give the output.

        Args:
            prompt: what the user says.
            memory: the conversation of this run, in place of the team's.
            context: whom the run is for; members get it, each with a run id of its own.
            cancel: a token that stops the run, and all members, from another thread.

        Raises:
            InputError: the prompt is empty.
            ConfigurationError: the team or a member cannot work as written.
            ModelError, RunError: a member failed, whom the message names, or the run was
                stopped. `output` carries the work done and memory is as it was.
        """
        plan = self._plan or self._make_plan()
        if plan.straight and memory is None and cancel is None:
            return run_straight(plan, next(_context.run_ids), prompt, context)
        steps = team_loop(plan, next(_context.run_ids), prompt, memory, context)
        output: Any = drive(steps, plan.limits.seconds, cancel)
        return output  # type: ignore[no-any-return]  # team_loop's last step

    async def arun(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> TeamOutput:
        """Run to the end without blocking the event loop; see `run`.

        Cancelling the task stops all members that are under way.
        """
        plan = self._plan or self._make_plan()
        steps = team_loop(plan, next(_context.run_ids), prompt, memory, context)
        output: TeamOutput = await _async_drivers().adrive(steps, plan.limits.seconds, cancel)
        return output

    def stream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> Generator[Event, None, None]:
        """Run and yield what happens, RunStarted first and RunFinished last; see `run`.

        What members do comes as MemberEvents. A TextDelta that is in none is a piece of the
        team's answer. Closing the iterator early ends the run and leaves memory as it was.
        """
        plan = self._plan or self._make_plan()
        run_id = next(_context.run_ids)
        steps = team_loop(plan, run_id, prompt, memory, context)
        return drive_events(steps, RunStarted(run_id, self.name, ""), plan.limits.seconds, cancel)

    def astream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run and yield what happens without blocking the event loop; see `stream`."""
        plan = self._plan or self._make_plan()
        run_id = next(_context.run_ids)
        steps = team_loop(plan, run_id, prompt, memory, context)
        events: AsyncGenerator[Event, None] = _async_drivers().adrive_events(
            steps, RunStarted(run_id, self.name, ""), plan.limits.seconds, cancel
        )
        return events

    def check(self) -> None:
        """Resolve and check the team and its members now, rather than at the first run.

        Raises:
            ConfigurationError: the team or a member cannot work as written.
        """
        self._make_plan()

    def _make_plan(self) -> TeamPlan:
        plan = make_team_plan(self)
        # Threads that get here at once make equal plans; the last one stays.
        force_setattr(self, "_plan", plan)
        return plan

    def __repr__(self) -> str:
        return f"<Team {self.name!r}, {self.mode}, of {len(self.members)} members>"


@cache
def _async_drivers() -> Any:
    # asyncio costs 40 ms to import, which a synchronous program need not pay.
    from agno_cli import _async_orchestration_drivers

    return _async_orchestration_drivers
