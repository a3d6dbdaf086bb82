"""The workflow: a graph of steps, and the ways to run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from functools import cache
from typing import Any

from msgspec.structs import force_setattr

from agno_cli import _context
from agno_cli._context import CancelToken, RunContext
from agno_cli._errors import ConfigurationError, InputError
from agno_cli._events import Event, RunStarted
from agno_cli._loop import check_prompt
from agno_cli._memory import MemoryProtocol
from agno_cli._orchestration_drivers import drive, drive_events
from agno_cli._step_output import WorkflowOutput
from agno_cli.workflows._compile import compile_workflow
from agno_cli.workflows._line import arun_line, run_line
from agno_cli.workflows._loop import Asked, workflow_loop
from agno_cli.workflows._nodes import WorkflowFields
from agno_cli.workflows._plan import WorkflowPlan

_LONGEST_ID = 200


class Workflow(WorkflowFields, kw_only=True, eq=False):
    """Steps carried out one after the other, at once, by choice or in loops.

    A workflow never changes and holds no state of its runs, so one serves any number of
    threads, tasks and users at once. It is checked once, at its first run or by `check`.

    Args:
        steps: the nodes: Step, Parallel, Condition, Loop, Router, or an agent, a team, a
            workflow or a function, which becomes a Step; a list of them is carried out in order.
        name: for events, errors and checkpoints.
        state_type: a dataclass, Struct or TypedDict, or None for a dict. Each run has a state
            of its own; a workflow within a workflow has its own too, so that it works the same
            wherever it stands.
        limits: `seconds` and `tokens` bound a whole run; its other bounds are each agent's own.
        memory: the conversation: a completed run adds its prompt and its answer, in one step.
            Only steps with `history` see it: what agents say to each other within a run is no
            conversation, and each agent begins afresh unless it has a memory of its own.
        checkpoints: where finished steps are kept, so that `resume` goes on after them.

    >>> from agno_cli import Agent, ScriptedModel
    >>> draft = Agent(ScriptedModel(["A draft."]), name="draft")
    >>> Workflow([draft, lambda given: given.previous.upper()]).run("Write.").content
    'A DRAFT.'
    """

    _plan: WorkflowPlan | None = None

    def run(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        state: Any = None,
        run_id: str | None = None,
    ) -> WorkflowOutput:
        """Run to the end and give the output.

        Args:
            prompt: what the user says.
            memory: the conversation of this run, in place of the workflow's.
            context: whom the run is for; agents, teams and functions are given it.
            cancel: a token that stops the run from another thread.
            state: what the state begins with: one of `state_type`, or a dict that fits it.
            run_id: what the run is called where it is kept; made when it is not given.

        Raises:
            InputError: the prompt is empty, the state does not fit, or the id is taken.
            ConfigurationError: the workflow cannot work as written, or its checkpoints cannot
                be written.
            AgnoError: a step failed, or a limit or the token stopped the run. `output` carries
                the work done, and the path where it was stopped.
        """
        plan = self._plan or self._make_plan()
        bare = memory is None and cancel is None and state is None and run_id is None
        if plan.line and bare:
            check_prompt(prompt)
            return run_line(plan, prompt, context)
        return _driven(plan, _asked(prompt, memory, context, state, run_id), cancel)

    async def arun(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        state: Any = None,
        run_id: str | None = None,
    ) -> WorkflowOutput:
        """Run to the end without blocking the event loop; see `run`.

        Cancelling the task stops the run and the steps that are under way.
        """
        plan = self._plan or self._make_plan()
        bare = memory is None and cancel is None and state is None and run_id is None
        if plan.async_line and bare:
            check_prompt(prompt)
            return await arun_line(plan, prompt, context)
        return await _adriven(plan, _asked(prompt, memory, context, state, run_id), cancel)

    def stream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        state: Any = None,
        run_id: str | None = None,
    ) -> Generator[Event, None, None]:
        """Run and yield what happens, RunStarted first and RunFinished last; see `run`.

        The events of agents and teams come as MemberEvents that name the path of the step.
        Closing the iterator early ends the run and keeps where it was stopped.
        """
        plan = self._plan or self._make_plan()
        asked = _asked(prompt, memory, context, state, run_id)
        return _events(plan, asked, cancel)

    def astream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        state: Any = None,
        run_id: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run and yield what happens without blocking the event loop; see `stream`."""
        plan = self._plan or self._make_plan()
        asked = _asked(prompt, memory, context, state, run_id)
        return _aevents(plan, asked, cancel)

    def resume(
        self,
        run_id: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        take_over: bool = False,
    ) -> WorkflowOutput:
        """Go on with a run that was stopped, whatever stopped it, also by another process.

        Steps that were finished are not done again: their output and the state are restored,
        also inside Parallel and Loop. A step that was under way is done anew, from its
        beginning. A completed run gives its output at once.

        Args:
            run_id: the run.
            memory: see `run`.
            context: its `dependencies`; user and session are those that the run began with.
            cancel: see `run`.
            take_over: go on although another holds the run, which then cannot write any more.

        Raises:
            InputError: there is no such run, it is another user's, or another holds it.
            ConfigurationError: the workflow has changed, or has no checkpoints.
            AgnoError: see `run`.
        """
        plan = self._resumable_plan()
        return _driven(plan, _resumed(run_id, memory, context, take_over=take_over), cancel)

    async def aresume(
        self,
        run_id: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        take_over: bool = False,
    ) -> WorkflowOutput:
        """Go on with a run without blocking the event loop; see `resume`."""
        plan = self._resumable_plan()
        asked = _resumed(run_id, memory, context, take_over=take_over)
        return await _adriven(plan, asked, cancel)

    def resume_stream(
        self,
        run_id: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        take_over: bool = False,
    ) -> Generator[Event, None, None]:
        """Go on with a run and yield what happens; see `resume` and `stream`."""
        plan = self._resumable_plan()
        asked = _resumed(run_id, memory, context, take_over=take_over)
        return _events(plan, asked, cancel)

    def aresume_stream(
        self,
        run_id: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
        take_over: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Go on with a run and yield what happens, asynchronously; see `resume`."""
        plan = self._resumable_plan()
        asked = _resumed(run_id, memory, context, take_over=take_over)
        return _aevents(plan, asked, cancel)

    def check(self) -> None:
        """Check the nodes now, rather than at the first run.

        Raises:
            ConfigurationError: the workflow cannot work as written.
        """
        self._make_plan()

    def to_mermaid(self) -> str:
        """Draw the nodes as a Mermaid flowchart.

        Raises:
            ConfigurationError: the workflow cannot work as written.
        """
        from agno_cli.workflows._picture import mermaid

        return mermaid(self._plan or self._make_plan())

    def _make_plan(self) -> WorkflowPlan:
        plan = compile_workflow(self)
        # Threads that get here at once make equal plans; the last one stays.
        force_setattr(self, "_plan", plan)
        return plan

    def _resumable_plan(self) -> WorkflowPlan:
        plan = self._plan or self._make_plan()
        if plan.checkpoints is None:
            raise ConfigurationError(
                f"workflow `{self.name}` keeps no checkpoints, so no run of it can be resumed;"
                " give it `checkpoints=SqliteCheckpoints(...)`"
            )
        return plan

    def __repr__(self) -> str:
        return f"<Workflow {self.name!r} of {len(self.steps)} nodes>"


def _asked(
    prompt: str,
    memory: MemoryProtocol | None,
    context: RunContext | None,
    state: Any,
    run_id: str | None,
) -> Asked:
    check_prompt(prompt)
    if run_id is None:
        run_id = next(_context.run_ids)
    else:
        _check_id(run_id)
    return Asked(run_id, prompt, memory, context, state)


def _resumed(
    run_id: str, memory: MemoryProtocol | None, context: RunContext | None, *, take_over: bool
) -> Asked:
    _check_id(run_id)
    return Asked(run_id, "", memory, context, resumes=True, take_over=take_over)


def _check_id(run_id: str) -> None:
    if (
        not isinstance(run_id, str)
        or not 0 < len(run_id) <= _LONGEST_ID
        or not run_id.isprintable()
    ):
        raise InputError(
            f"run id {run_id!r:.300} cannot be used; give a text of 1 to {_LONGEST_ID}"
            " characters without control characters"
        )


def _driven(plan: WorkflowPlan, asked: Asked, cancel: CancelToken | None) -> WorkflowOutput:
    """Carry a run out; one that is broken off, as by Ctrl-C, is let go at once."""
    with closing(workflow_loop(plan, asked)) as steps:
        output = drive(steps, plan.seconds, cancel)
    assert isinstance(output, WorkflowOutput)
    return output


async def _adriven(plan: WorkflowPlan, asked: Asked, cancel: CancelToken | None) -> WorkflowOutput:
    with closing(workflow_loop(plan, asked)) as steps:
        output = await _async_drivers().adrive(steps, plan.seconds, cancel)
    assert isinstance(output, WorkflowOutput)
    return output


def _events(
    plan: WorkflowPlan, asked: Asked, cancel: CancelToken | None
) -> Generator[Event, None, None]:
    asked.streamed = True
    started = RunStarted(asked.run_id, plan.name, "")
    with closing(workflow_loop(plan, asked)) as steps:
        yield from drive_events(steps, started, plan.seconds, cancel)


async def _aevents(
    plan: WorkflowPlan, asked: Asked, cancel: CancelToken | None
) -> AsyncGenerator[Event, None]:
    asked.streamed = True
    started = RunStarted(asked.run_id, plan.name, "")
    drivers = _async_drivers()
    with closing(workflow_loop(plan, asked)) as steps:
        events = drivers.adrive_events(steps, started, plan.seconds, cancel)
        async with aclosing(events):
            async for event in events:
                yield event


@cache
def _async_drivers() -> Any:
    # asyncio costs 40 ms to import, which a synchronous program need not pay.
    from agno_cli import _async_orchestration_drivers

    return _async_orchestration_drivers
