"""How the nodes of a workflow are carried out: generators without I/O.

They yield the steps of `_orchestration.py` and return the output and the state that go on to
the next node. What was finished by an earlier process is not done again: the nodes are gone
through as at first, and where a checkpoint of a step or of a decision is kept, it stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import perf_counter
from typing import Any, TypeAlias

from msgspec.structs import replace

from agno_cli._checkpoints import Checkpoint
from agno_cli._errors import (
    ConfigurationError,
    InputError,
    LimitReached,
    ModelError,
    RunCancelled,
    RunFailed,
    RunRejected,
)
from agno_cli._events import StepFailed, StepFinished, StepStarted
from agno_cli._json import to_json
from agno_cli._messages import RunOutput
from agno_cli._orchestration import Emit, OStep, Pause, RunMember, Together
from agno_cli._step_output import NO_USAGE, StepOutput
from agno_cli._tools import Invoke
from agno_cli.workflows._nodes import StepInput, StepResult
from agno_cli.workflows._plan import (
    ConditionPlan,
    InnerPlan,
    ListPlan,
    LoopPlan,
    NodePlan,
    ParallelPlan,
    RouterPlan,
    StepPlan,
)
from agno_cli.workflows._run import (
    Budget,
    Place,
    Run,
    keep,
    kept_state,
    kept_value,
    read_kept,
    state_checkpoint,
    step_checkpoint,
    totals,
)
from agno_cli.workflows._state import (
    Branches,
    as_text,
    check_state,
    first_state,
    own_copy,
    with_fields,
)

Flow: TypeAlias = tuple[Any, Any]
"""What goes from node to node: the output before, None at the start, and the state."""

Steps: TypeAlias = Generator[OStep, None, Flow]
Done: TypeAlias = tuple[Any, Any, RunOutput | None]
_AROUND_A_NAME = " \t\r\n\"'`.*"


def carry_out_all(node: ListPlan, run: Run, previous: Any, state: Any, mark: str = "") -> Steps:
    """Carry nodes out, one after the other; `mark` are the rounds around them, as in `#2.1`."""
    for item in node.nodes:
        previous, state = yield from _CARRY_OUT[type(item)](item, run, previous, state, mark)
        run.state = state
    return previous, state


def _step(step: StepPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    path = step.path + mark
    if run.kept and path in run.kept:
        return (yield from _restored(step, run, run.kept[path], previous, state))
    if run.streamed:
        yield Emit(StepStarted(path, step.name))
    place = Place(path, mark, previous, state)
    started = perf_counter()
    try:
        attempt = _call if step.runnable is None else _member
        if step.retry is not None:
            attempt = _attempts
        value, changed, output = yield from attempt(step, run, place)
    except (Exception, SystemExit) as error:  # a function may call `sys.exit`
        raise run.failed(step, place, error) from error
    except BaseException:
        run.stopped_at.append(path)
        raise
    seconds = perf_counter() - started
    made = _output(step, place, value, seconds, output)
    run.outputs.append(made)
    if run.journal is not None:
        left = None if changed is state else changed
        with run.within(f"step `{step.name}` at `{path}`", path):
            yield from keep(run, step_checkpoint(run, step, made, value, left))
    if run.streamed:
        yield Emit(StepFinished(made))
    if run.budget is not None:
        _spend(run, run.budget, made)
    return previous if value is None else value, changed


def _spend(run: Run, budget: Budget, output: StepOutput) -> None:
    try:
        budget.spend(output)
    except LimitReached:
        run.stopped_at.append(output.path)
        raise


def _attempts(step: StepPlan, run: Run, place: Place) -> Generator[OStep, None, Done]:
    assert step.retry is not None
    attempt = _call if step.runnable is None else _member
    while True:
        try:
            return (yield from attempt(step, run, place))
        except (Exception, SystemExit) as error:
            if place.attempt >= step.retry.attempts or not _can_be_mended(error):
                raise
            place.take_down(error)
            words = f"{type(error).__name__}: {error}"
        wait = step.retry.wait(place.attempt)
        if run.streamed:
            yield Emit(StepFailed(place.path, step.name, place.attempt, words, wait))
        pause = Pause(wait)
        yield pause
        pause.result()
        place.attempt += 1


def _member(step: StepPlan, run: Run, place: Place) -> Generator[OStep, None, Done]:
    assert step.runnable is not None
    if step.prompt is None:
        prompt = as_text(place.previous) or run.prompt
    else:
        prompt = yield from _asked(step.prompt, place.given(run, step.history))
    memory = run.past(step.history) if step.history else None
    member = RunMember(
        step.runnable, place.path, prompt, memory, run.context, step.timeout, step.voice
    )
    yield member
    output = member.result()
    value = output.content if output.data is None else output.data
    state = with_fields(place.state, {step.into: value}) if step.into else place.state
    return value, state, output


def _call(step: StepPlan, run: Run, place: Place) -> Generator[OStep, None, Done]:
    given = place.given(run, step.history)
    # A quick function has ended before it could be stopped, and what it did then counts.
    call = Invoke(step.function, (given,), step.waits, step.timeout, step.quick)
    yield call
    if call.error is not None:
        raise _as_limit(call.error, step.timeout)
    value, state = left_by(call.value, given, place.state, run.state_type)
    if step.into and value is not None:
        state = with_fields(state, {step.into: value})
    return value, state, None


def left_by(value: Any, given: StepInput, state: Any, state_type: Any) -> Flow:
    """Give the value and the state that a function has left."""
    if type(value) is not StepResult:
        return value, given.left(state)
    left = value.state
    changed = given.left(state) if left is None else check_state(state_type, left, state)
    return value.value, changed


def _as_limit(error: BaseException, timeout: float | None) -> BaseException:
    """Let a function that took too long end as an agent does."""
    if timeout is None or not isinstance(error, TimeoutError):
        return error
    took_longer = f"timed out after {timeout:g} s"
    return LimitReached("time", took_longer) if str(error) == took_longer else error


def _can_be_mended(error: BaseException) -> bool:
    """Tell whether another attempt may go better."""
    if isinstance(error, ModelError):
        return error.retryable
    if isinstance(error, LimitReached):
        return error.kind == "time"
    return not isinstance(error, RunCancelled | RunRejected | InputError | ConfigurationError)


def _output(
    step: StepPlan, place: Place, value: Any, seconds: float, output: RunOutput | None
) -> StepOutput:
    if place.attempt == 1:
        if output is None:
            return function_output(step, place.path, value, seconds)
        return member_output(step, place.path, output, seconds)
    content = as_text(value) if output is None else output.content
    every = place.failed if output is None else [*place.failed, output]
    usage, turns, models, tools = totals(every)
    measured = usage, turns, seconds, models, tools, place.attempt
    return StepOutput(place.path, step.name, content, *measured)


def member_output(step: StepPlan, path: str, output: RunOutput, seconds: float) -> StepOutput:
    """Say what a member gave at its first attempt."""
    return StepOutput(
        path,
        step.name,
        output.content,
        output.usage,
        output.turns,
        seconds,
        output.model_seconds,
        output.tool_seconds,
    )


def function_output(step: StepPlan, path: str, value: Any, seconds: float) -> StepOutput:
    """Say what a function gave at its first attempt."""
    return StepOutput(path, step.name, as_text(value), NO_USAGE, 0, seconds)


def _restored(step: StepPlan, run: Run, kept: Checkpoint, previous: Any, state: Any) -> Steps:
    assert kept.output is not None
    output = replace(kept.output, restored=True)
    run.outputs.append(output)
    if run.streamed:
        yield Emit(StepFinished(output))
    if run.budget is not None:
        _spend(run, run.budget, output)
    value = kept_value(step, kept, output.content)
    return previous if value is None else value, kept_state(run, kept, state)


def _parallel(node: ParallelPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    forks = [replace(run, outputs=[]) for _ in node.branches]
    branches = [
        _CARRY_OUT[type(branch)](branch, fork, previous, state, mark)
        for branch, fork in zip(node.branches, forks, strict=True)
    ]
    together = Together(branches, node.names, node.at_most, quick=node.quick)
    yield together
    for fork in forks:  # in the order of the branches, whatever the order they ended in
        run.outputs.extend(fork.outputs)
    flows = dict(zip(node.names, together.result(), strict=True))
    given = Branches((name, value) for name, (value, _) in flows.items())
    states = {name: left for name, (_, left) in flows.items()}
    merged = yield from _merged(node, run, state, states, node.path + mark)
    return given, merged


def _merged(
    node: ParallelPlan, run: Run, state: Any, states: dict[str, Any], path: str
) -> Generator[OStep, None, Any]:
    kept = run.kept.get(path)
    if kept is not None:
        return kept_state(run, kept, state)
    if not node.own_merge and all(left is state for left in states.values()):
        return state
    with run.within(f"`{node.name}` at `{path}`", path):
        if node.own_merge:
            copies = {name: own_copy(left) for name, left in states.items()}
            merged = yield from _asked(node.merge, own_copy(state), copies)
            check_state(run.state_type, merged, state)
        else:
            merged = node.merge(state, states)
        if run.journal is not None:
            yield from keep(run, state_checkpoint(run, path, merged))
    return merged


def _condition(node: ConditionPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    place = Place(node.path + mark, mark, previous, state)
    holds = yield from _decision(node.when, bool, node.name, run, place)
    chosen = node.then if holds else node.otherwise
    if chosen is None:
        return previous, state
    return (yield from _CARRY_OUT[type(chosen)](chosen, run, previous, state, mark))


def _loop(node: LoopPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    for number in range(1, node.max_rounds + 1):
        inner = f"{mark}.{number}" if mark else f"#{number}"
        body = _CARRY_OUT[type(node.body)](node.body, run, previous, state, inner)
        previous, state = yield from body
        if node.until is not None:
            place = Place(node.path + inner, inner, previous, state)
            if (yield from _decision(node.until, bool, node.name, run, place)):
                return previous, state
    if node.fails:
        path = node.path + mark
        run.stopped_at.append(path)
        raise RunFailed(
            f"loop `{node.name}` at `{path}` was not done after {node.max_rounds} rounds; raise"
            " `max_rounds`, or let it go on with `at_limit='go_on'`"
        )
    return previous, state


def _router(node: RouterPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    path = node.path + mark
    if node.asks is not None:
        answer, _ = yield from _step(node.asks, run, previous, state, mark)
        with run.within(f"router `{node.name}` at `{path}`", path):
            key = _route(answer, node)
    else:
        place = Place(path, mark, previous, state)
        key = yield from _decision(
            node.choose, lambda answer: _route(answer, node), node.name, run, place
        )
    chosen = node.routes[key]
    return (yield from _CARRY_OUT[type(chosen)](chosen, run, previous, state, mark))


def _route(answer: Any, node: RouterPlan) -> str:
    """Find the route that an answer means; models add quotes, full stops and capitals.

    Raises:
        ValueError: it is none.
    """
    if isinstance(answer, str):
        said = answer.strip(_AROUND_A_NAME).casefold()
        meant = [key for key in node.routes if key == answer or key.casefold() == said]
        if meant:
            return answer if answer in meant else meant[0]
    raise ValueError(f"{answer!r:.200} is no route; the routes are: {', '.join(node.routes)}")


def _inner(node: InnerPlan, run: Run, previous: Any, state: Any, mark: str) -> Steps:
    path = node.path + mark
    prompt = as_text(previous) or run.prompt
    if node.prompt is not None:
        place = Place(path, mark, previous, state)
        prompt = yield from _decision(node.prompt, as_text, node.name, run, place)
    fork = replace(run, prompt=prompt, state_type=node.state_type)
    begun = first_state(node.state_type, None)
    value, _ = yield from carry_out_all(node.body, fork, None, begun, mark)
    if node.into and value is not None:
        with run.within(f"workflow `{node.name}` at `{path}`", path):
            state = with_fields(state, {node.into: value})
    return previous if value is None else value, state


def _decision(
    function: Any, meaning: Callable[[Any], Any], name: str, run: Run, place: Place
) -> Generator[OStep, None, Any]:
    """Ask a function of the user's once: its answer is kept, and stands when a run goes on."""
    kept = run.kept.get(place.path)
    if kept is not None:
        return read_kept(kept, kept.value or "null", Any)
    with run.within(f"`{name}` at `{place.path}`", place.path):
        answer = meaning((yield from _asked(function, place.given(run))))
        yield from keep(run, Checkpoint(place.path, value=to_json(answer)))
    return answer


def _asked(function: Callable[..., Any], *args: Any) -> Generator[OStep, None, Any]:
    call = Invoke(function, args)
    yield call
    return call.result()


_CARRY_OUT: dict[type[NodePlan], Callable[..., Steps]] = {
    StepPlan: _step,
    ListPlan: carry_out_all,
    ParallelPlan: _parallel,
    ConditionPlan: _condition,
    LoopPlan: _loop,
    RouterPlan: _router,
    InnerPlan: _inner,
}
