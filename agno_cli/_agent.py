"""The agent: an immutable description, and the four ways to run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from functools import cache
from time import perf_counter
from typing import Any

from msgspec.structs import force_setattr

from . import _context
from ._context import CancelToken, RunContext
from ._description import Description
from ._drivers import drive, drive_events
from ._events import Event, RunStarted
from ._hooks import NO_HOOKS, Hooks
from ._limits import DEFAULT_LIMITS, Limits
from ._loop import Begun, first_request, go_on, run_loop
from ._memory import MemoryProtocol
from ._messages import RunOutput
from ._plan import Instructions, Plan, make_plan
from ._shortcut import finish_at_once, run_straight
from ._stop import stop_for
from ._tools import ToolLike
from .models._protocol import Model
from .models._registry import resolve_model


class _WithModel(Description, eq=False):
    """Holds the one field of an Agent that may be given without its name."""

    model: Model | str | None = None


class Agent(_WithModel, kw_only=True, eq=False):
    """A model with instructions, tools, memory and limits: what to run, not a run.

    An agent never changes and holds no state of its runs, so one serves any number of threads,
    tasks and users at once. Creating one is a single allocation: its fields are resolved and
    checked once, at its first run or by `check`.

    Args:
        model: a Model, or `provider:name`; None for the one that the environment names.
        name: for events, errors and teams.
        instructions: the system prompt, or a function of the RunContext that gives it.
        tools: functions, Tools and Toolkits.
        memory: the conversation; without one every run starts afresh.
        output_type: any type msgspec can describe, or a JsonSchema; decoded to `RunOutput.data`.
        limits: bounds of each run.
        hooks: functions called around runs and tool calls.
        options: handed to the provider as they are, such as `{"temperature": 0}`.

    >>> from agno_cli import ScriptedModel
    >>> Agent(ScriptedModel(["Paris."])).run("What is the capital of France?").content
    'Paris.'
    """

    name: str = "agent"
    instructions: Instructions = ""
    tools: Sequence[ToolLike] = ()
    memory: MemoryProtocol | None = None
    output_type: Any = None
    limits: Limits = DEFAULT_LIMITS
    hooks: Hooks = NO_HOOKS
    options: Mapping[str, Any] | None = None
    # Filled at the first run. No `__post_init__` does it, nor checks: calling one costs as much
    # as the whole rest of the creation.
    _plan: Plan | None = None

    def run(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> RunOutput:
        """Run to the end and give the output.

        Args:
            prompt: what the user says.
            memory: the conversation of this run, in place of the agent's.
            context: whom the run is for and what its hooks and tools need.
            cancel: a token that stops the run from another thread.

        Raises:
            InputError: the prompt is empty.
            ConfigurationError: the agent cannot work as written.
            ModelError: the provider failed.
            RunError: the run was stopped by a limit, a hook or its token, or no answer fitted.
                Whatever stopped it, `output` carries the work done and memory is as it was.
        """
        plan = self._plan or self._make_plan()
        run_id = next(_context.run_ids)
        if plan.plain and memory is None and cancel is None:
            output = run_straight(plan, run_id, prompt)
            if type(output) is not Begun:
                return output
            steps = go_on(plan, run_id, output)
        else:
            steps = run_loop(plan, run_id, prompt, memory, context)
        return drive(steps, plan.model, stop_for(plan.seconds, cancel))

    async def arun(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> RunOutput:
        """Run to the end without blocking the event loop; see `run`.

        Cancelling the task stops the run and the tools that are under way.
        """
        plan = self._plan or self._make_plan()
        run_id = next(_context.run_ids)
        if plan.plain and memory is None and cancel is None:
            # Awaited here and not in `_shortcut`: one coroutine more is a fifth of the run.
            started = perf_counter()
            request = first_request(plan, prompt)
            before = perf_counter()
            try:
                request.response = await plan.model.acomplete(request)
            except BaseException as error:  # the loop raises it with the work done
                request.error = error
            model_seconds = perf_counter() - before
            finished = finish_at_once(run_id, request, started, model_seconds)
            if finished is not None:
                return finished
            steps = go_on(plan, run_id, Begun(request, started, model_seconds))
        else:
            steps = run_loop(plan, run_id, prompt, memory, context)
        stop = stop_for(plan.seconds, cancel)
        output: RunOutput = await _async_drivers().adrive(steps, plan.model, stop)
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

        Tools are carried out as in `run`. Closing the iterator early ends the run, releases
        what it held and leaves memory as it was.
        """
        plan = self._plan or self._make_plan()
        run_id = next(_context.run_ids)
        steps = run_loop(plan, run_id, prompt, memory, context)
        stop = stop_for(plan.seconds, cancel)
        return drive_events(steps, plan.model, stop, _started(plan, run_id))

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
        steps = run_loop(plan, run_id, prompt, memory, context)
        stop = stop_for(plan.seconds, cancel)
        events: AsyncGenerator[Event, None] = _async_drivers().adrive_events(
            steps, plan.model, stop, _started(plan, run_id)
        )
        return events

    def check(self) -> None:
        """Resolve the model and check the tools now, rather than at the first run.

        Raises:
            ConfigurationError: the agent cannot work as written.
        """
        self._make_plan()

    def _make_plan(self) -> Plan:
        plan = make_plan(
            agent=self.name,
            model=resolve_model(self.model),
            instructions=self.instructions,
            tools=self.tools,
            memory=self.memory,
            output_type=self.output_type,
            limits=self.limits,
            hooks=self.hooks,
            options=self.options or {},
        )
        # Threads that get here at once make equal plans; the last one stays.
        force_setattr(self, "_plan", plan)
        return plan

    def __repr__(self) -> str:
        model = self.model if isinstance(self.model, str | None) else repr(self.model)
        listed = isinstance(self.tools, list | tuple) and self.tools
        tools = f", {len(self.tools)} tools" if listed else ""
        return f"<Agent {self.name!r} with {model or 'the default model'}{tools}>"


def _started(plan: Plan, run_id: str) -> RunStarted:
    return RunStarted(run_id, plan.agent, f"{plan.model.provider}:{plan.model.name}")


@cache
def _async_drivers() -> Any:
    # asyncio costs 40 ms to import, which a synchronous program need not pay.
    from . import _async_drivers

    return _async_drivers
