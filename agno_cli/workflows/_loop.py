"""A run of a workflow from its beginning to its end, once, for all four faces.

A generator without I/O: it yields the steps of `_orchestration.py`, and last of all the
WorkflowOutput. Where checkpoints are kept, a run is held from its beginning to its end, whatever
ends it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._checkpoints import Checkpoints, Ending, PastRun, Resumed, WorkflowRun
from agno_cli._context import RunContext
from agno_cli._errors import (
    AgnoError,
    ConfigurationError,
    InputError,
    LimitReached,
    OutputInvalid,
    RunCancelled,
    RunFailed,
    RunRejected,
    StorageError,
)
from agno_cli._json import from_json, to_json
from agno_cli._memory import MemoryProtocol
from agno_cli._messages import Message, Status
from agno_cli._orchestration import OStep
from agno_cli._step_output import StepOutput, WorkflowOutput
from agno_cli._tools import Invoke
from agno_cli.workflows._plan import WorkflowPlan
from agno_cli.workflows._run import NO_CONTEXT, Budget, Run, totals
from agno_cli.workflows._state import as_text, first_state
from agno_cli.workflows._steps import carry_out_all

_STATUS: dict[type[BaseException], Status] = {
    RunCancelled: "cancelled",
    RunRejected: "rejected",
    LimitReached: "limited",
    OutputInvalid: "invalid",
}


class Asked(Struct, eq=False):
    """What a caller wants; one who `resumes` gives the id of a run in place of a prompt."""

    run_id: str
    prompt: str
    memory: MemoryProtocol | None
    context: RunContext | None
    state: Any = None
    streamed: bool = False
    resumes: bool = False
    take_over: bool = False


def workflow_loop(plan: WorkflowPlan, asked: Asked) -> Generator[OStep, None, None]:
    """Yield the steps of one run, then its WorkflowOutput.

    Raises:
        AgnoError: whatever stopped the run; `output` carries the work done.
    """
    started = perf_counter()
    run = Run(asked.prompt, asked.context, streamed=asked.streamed)
    if plan.limits is not None and plan.limits.tokens is not None:
        run.budget = Budget(plan.limits.tokens)
    try:
        memory = plan.memory if asked.memory is None else asked.memory
        commits = memory is not None
        if plan.checkpoints is not None or plan.history:
            commits = (yield from _begin_kept(plan, asked, run, memory)) and commits
        else:
            run.state = first_state(plan.state_type, asked.state)
        if plan.calls_functions:
            run.own = own_context(plan, run.context, asked.run_id)
        run.state_type = plan.state_type
        value, _ = yield from carry_out_all(plan.body, run, None, run.state)
        output = sum_up(asked.run_id, run.prompt, run.outputs, value, run.state, started)
        if commits and memory is not None:
            yield from _commit(memory, output.messages)
        if run.journal is not None:
            end = Ending("completed", output.content)
            yield from _invoke(run.journal.end, end, blocking=run.blocking)
    except GeneratorExit:
        _close(run)
        raise
    except BaseException as error:
        told = stopped(error, asked.run_id, run, started)
        yield from _record(run, told)
        raise told from (told.__cause__ if told is error else error)
    yield output


def own_context(plan: WorkflowPlan, context: RunContext | None, run_id: str) -> RunContext:
    """Give the context of a workflow's functions."""
    return replace(context or NO_CONTEXT, run_id=run_id, agent=plan.name)


def _begin_kept(
    plan: WorkflowPlan, asked: Asked, run: Run, memory: MemoryProtocol | None
) -> Generator[OStep, None, bool]:
    """Begin a run that is kept, or go on with one; tell whether it was not completed before."""
    store = plan.checkpoints
    if asked.resumes:
        assert store is not None
        return (yield from _go_on(plan, asked, run, store))
    run.state = first_state(plan.state_type, asked.state)
    context = asked.context or RunContext()
    record = WorkflowRun(
        asked.run_id,
        plan.name,
        plan.shape,
        asked.prompt,
        to_json(run.state),
        context.user,
        context.session,
    )
    if plan.history:
        run.history = yield from _history(plan, record, memory)
        record = replace(record, history=run.history)
    if store is not None:
        run.blocking = getattr(store, "blocking", False)
        run.journal = yield from _invoke(store.begin, record, blocking=run.blocking)
    return True


def _go_on(
    plan: WorkflowPlan, asked: Asked, run: Run, store: Checkpoints
) -> Generator[OStep, None, bool]:
    blocking = getattr(store, "blocking", False)

    take = partial(store.resume, asked.run_id, take_over=asked.take_over)
    resumed: Resumed = yield from _invoke(take, blocking=blocking)
    completed = resumed.ending is not None and resumed.ending.status == "completed"
    try:
        run.state = _check_resumed(plan, asked, resumed.run)
    except AgnoError:
        if not completed:
            yield from _invoke(resumed.journal.release, blocking=blocking)
        raise
    record = resumed.run
    run.prompt, run.history, run.blocking = record.prompt, record.history, blocking
    context = asked.context or RunContext()
    run.context = replace(context, user=record.user, session=record.session)
    run.kept = {checkpoint.path: checkpoint for checkpoint in resumed.checkpoints}
    if not completed:
        run.journal = resumed.journal
    return not completed


def _check_resumed(plan: WorkflowPlan, asked: Asked, record: WorkflowRun) -> Any:
    """Give the state that a run began with, if it is this workflow's and this user's to resume."""
    if record.workflow != plan.name:
        raise InputError(
            f"run `{record.run_id}` is one of the workflow `{record.workflow}`, not of"
            f" `{plan.name}`; resume it with that one"
        )
    if record.shape != plan.shape:
        raise ConfigurationError(
            f"run `{record.run_id}` cannot go on: the workflow `{plan.name}` has changed since"
            f" ({_difference(record.shape, plan.shape)}); resume it with the workflow as it was,"
            " or begin a new run"
        )
    given = asked.context or RunContext()
    for who in ("user", "session"):
        mine, kept = getattr(given, who), getattr(record, who)
        if mine and mine != kept:
            raise InputError(
                f"run `{record.run_id}` is of {who} {kept!r}, not of {mine!r}; resume it with a"
                f" RunContext of that {who}, or one that names none"
            )
    try:
        return from_json(record.state, dict if plan.state_type is None else plan.state_type)
    except ValueError as error:
        raise StorageError(
            f"run `{record.run_id}` cannot go on: the state it began with does not fit: {error};"
            " begin a new run"
        ) from error


def _difference(before: Sequence[str], now: Sequence[str]) -> str:
    gone = [path for path in before if path not in now]
    new = [path for path in now if path not in before]
    parts = [f"without `{path}`" for path in gone[:2]] + [f"with `{path}`" for path in new[:2]]
    return "now " + ", ".join(parts) if parts else "its nodes are in another order"


def _history(
    plan: WorkflowPlan, record: WorkflowRun, memory: MemoryProtocol | None
) -> Generator[OStep, None, tuple[PastRun, ...]]:
    """Give the newest completed runs: those in the memory, or those of the session."""
    if memory is not None:
        blocking = getattr(memory, "blocking", False)
        step = Invoke(memory.load, (), blocking)
        yield step
        return _past_runs(step.result())[-plan.history :]
    store = plan.checkpoints
    if store is None:
        raise ConfigurationError(
            f"a step of workflow `{plan.name}` asks for `history`, but nothing is kept; give the"
            " workflow a memory or checkpoints"
        )
    if not record.session:  # runs without one are of anybody
        return ()
    blocking = getattr(store, "blocking", False)
    look = partial(store.history, record, count=plan.history)
    past: tuple[PastRun, ...] = yield from _invoke(look, blocking=blocking)
    return past


def _past_runs(messages: Sequence[Message]) -> tuple[PastRun, ...]:
    """Make runs of a conversation: what the user said, and the last answer to it."""
    runs: list[PastRun] = []
    for message in messages:
        if message.role == "user":
            runs.append(PastRun(message.content, ""))
        elif message.role == "assistant" and runs and message.content:
            runs[-1] = PastRun(runs[-1].prompt, message.content)
    return tuple(runs)


def _commit(memory: MemoryProtocol, messages: list[Message]) -> Generator[OStep, None, None]:
    yield from _invoke(memory.commit, messages, blocking=getattr(memory, "blocking", False))


def _invoke(function: Any, *args: Any, blocking: bool) -> Generator[OStep, None, Any]:
    """Call what may not be left half-way."""
    step = Invoke(function, args, blocking, must_finish=True)
    yield step
    return step.result()


def sum_up(
    run_id: str,
    prompt: str,
    steps: Sequence[StepOutput],
    value: Any,
    state: Any,
    started: float,
) -> WorkflowOutput:
    """Give the output of a run that has reached its end with this value."""
    content = value if type(value) is str else as_text(value)
    usage, turns, models, tools = totals(steps)
    return WorkflowOutput(
        run_id,
        content,
        [Message("user", prompt), Message("assistant", content)],
        usage,
        turns,
        perf_counter() - started,
        models,
        tools,
        "stop",
        "",
        None if value is content else value,
        "completed",
        state,
        tuple(steps),
    )


def stopped(error: BaseException, run_id: str, run: Run, started: float) -> BaseException:
    """Turn whatever stopped a run into an error that carries the work done."""
    if isinstance(error, InputError) or not isinstance(error, Exception):
        return error  # nothing had begun; or a cancelled task, Ctrl-C
    told = error if isinstance(error, AgnoError) else RunFailed(f"{type(error).__name__}: {error}")
    usage, turns, models, tools = totals([*run.outputs, *run.failures])
    content = run.outputs[-1].content if run.outputs else ""
    told.output = WorkflowOutput(
        run_id=run_id,
        content=content,
        messages=[Message("user", run.prompt), Message("assistant", content)],
        usage=usage,
        turns=turns,
        total_seconds=perf_counter() - started,
        model_seconds=models,
        tool_seconds=tools,
        finish_reason="other",
        status=_STATUS.get(type(told), "failed"),
        state=run.state,
        steps=tuple(run.outputs),
        stopped_at=_where(run, told),
    )
    return told


def _where(run: Run, error: BaseException) -> str:
    """Name the step that failed, or all that were under way when the run was cancelled."""
    if isinstance(error, RunCancelled) or not isinstance(error, Exception):
        return ", ".join(sorted(set(run.stopped_at)))
    return next(iter(run.stopped_at), "")


def _record(run: Run, error: BaseException) -> Generator[OStep, None, None]:
    """Keep where a run was stopped; what cannot be kept does not hide why it was."""
    if run.journal is not None:
        ending = _ending(run, error)
        yield Invoke(run.journal.end, (ending,), run.blocking, must_finish=True)


def _close(run: Run) -> None:
    """Keep where a run was stopped whose generator is closed, and can ask for nothing more."""
    if run.journal is not None:
        with suppress(AgnoError):
            run.journal.end(_ending(run, RunCancelled("the run was closed")))


def _ending(run: Run, error: BaseException) -> Ending:
    status = _STATUS.get(type(error), "failed")
    if not isinstance(error, Exception):
        status = "cancelled"
    content = run.outputs[-1].content if run.outputs else ""
    words = str(error) or type(error).__name__
    return Ending(status, content, _where(run, error), words)
