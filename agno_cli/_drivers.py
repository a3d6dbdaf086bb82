"""The synchronous drivers of the run loop: they carry out its steps, and decide nothing.

`drive` gives the RunOutput; `drive_events` yields Events on the way to it. Without a `Stop`
the model is called in the calling thread: a run nobody can stop pays nothing for stopping.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from ._errors import RunError
from ._events import (
    Event,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    Turns,
)
from ._loop import Begun, Step, ToolBatch, finish_at_once, first_request, run_loop
from ._messages import ModelResponse, RunOutput, ToolCall, ToolResult
from ._plan import Plan
from ._stop import Stop
from ._threads import call_with_timeout, start
from ._tools import Invoke, begin_call, end_call, failed_call, hooked_call
from .models._protocol import Model, ModelRequest, StreamItem


def drive_plain(plan: Plan, run_id: str, prompt: str) -> RunOutput:
    """Carry a plain run out in this thread; most end with their first answer."""
    started = perf_counter()
    request = first_request(plan, prompt)
    before = perf_counter()
    try:
        request.response = plan.model.complete(request)
    except BaseException as error:  # the loop raises it with the work done
        request.error = error
    model_seconds = perf_counter() - before
    output = finish_at_once(plan, run_id, request, started, model_seconds)
    if output is not None:
        return output
    begun = Begun(request, started, model_seconds)
    return drive(run_loop(plan, run_id, prompt, None, None, begun), plan.model, None)


def drive(steps: Iterator[Step], model: Model, stop: Stop | None) -> RunOutput:
    """Carry a run out in this thread."""
    complete = model.complete if stop is None else _stoppable(model, stop)
    for step in steps:
        if type(step) is ModelRequest:
            try:
                step.response = complete(step)
            except BaseException as error:  # the loop raises it with the work done
                step.error = error
        elif type(step) is RunOutput:
            output = step
        elif type(step) is ToolBatch:
            if stop is None and len(step.calls) == 1:
                step.results.append(_carry_out(step, step.calls[0]))
            else:
                for _ in _results(step, stop):
                    pass
        else:
            _fill(step, stop)
    return output


def _stoppable(model: Model, stop: Stop) -> Callable[[ModelRequest], ModelResponse]:
    def complete(request: ModelRequest) -> ModelResponse:
        with stop.informed(request):
            response: ModelResponse = stop.call(model.complete, request)
        return response

    return complete


def drive_events(
    steps: Iterator[Step], model: Model, stop: Stop | None, started: RunStarted
) -> Generator[Event, None, None]:
    """Carry a run out in this thread and yield what happens."""
    yield started
    turns = Turns()
    for step in steps:
        if isinstance(step, ToolBatch):
            yield from map(ToolCallStarted, step.calls)
            yield from map(ToolCallFinished, _results(step, stop))
        yield from turns.finished()
        if isinstance(step, ModelRequest):
            yield from _model_events(step, model, stop)
            turns.begin(step.response)
        elif isinstance(step, Invoke):
            _fill(step, stop)
        elif isinstance(step, RunOutput):
            yield RunFinished(step)


def _model_events(request: ModelRequest, model: Model, stop: Stop | None) -> Iterator[Event]:
    request.response = None
    words: list[str] = []
    try:
        for item in _model_stream(request, model, stop):
            if isinstance(item, TextDelta | ReasoningDelta):
                if isinstance(item, TextDelta):
                    words.append(item.text)
                yield item
            else:
                request.response = item
    except Exception as error:
        request.error, request.streamed = error, "".join(words)


def _model_stream(request: ModelRequest, model: Model, stop: Stop | None) -> Iterator[StreamItem]:
    """Iterate over a model's stream and close it, also when this is closed early."""
    if stop is not None:
        with stop.informed(request), closing(stop.iterate(lambda: model.stream(request))) as items:
            yield from items
        return
    stream = model.stream(request)
    try:
        yield from stream
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


def _results(batch: ToolBatch, stop: Stop | None) -> Iterator[ToolResult]:
    """Carry out a batch and yield each result as it comes.

    Quick tools and a lone call run in this thread, the others in worker threads.
    """
    batch.results = [None] * len(batch.calls)
    threaded = []
    for index, call in enumerate(batch.calls):
        if batch.plan.is_quick(call):
            batch.results[index] = result = _carry_out(batch, call)
            yield result
        else:
            threaded.append(index)
    if stop is None and len(threaded) == 1:
        (index,) = threaded
        batch.results[index] = result = _carry_out(batch, batch.calls[index])
        yield result
    elif threaded:
        yield from _threaded_results(batch, threaded, stop)


def _threaded_results(
    batch: ToolBatch, indices: list[int], stop: Stop | None
) -> Iterator[ToolResult]:
    ended: SimpleQueue[Any] = SimpleQueue()

    def begin(index: int) -> None:
        call = batch.calls[index]
        try:
            start(
                lambda: _carry_out(batch, call),
                lambda result, error: ended.put((index, result, error)),
            )
        except RuntimeError as error:  # no more threads can be had
            ended.put((index, failed_call(call, error, perf_counter()), None))

    later = iter(indices)
    for index in islice(later, batch.plan.limits.parallel_tools):
        begin(index)
    for _ in indices:
        try:
            index, result, error = ended.get() if stop is None else stop.get(ended)
        except RunError as stopped:
            error = stopped
        if error is not None:
            batch.error = error
            return
        batch.results[index] = result
        for following in islice(later, 1):
            begin(following)
        yield result


def _carry_out(batch: ToolBatch, call: ToolCall) -> ToolResult:
    plan = batch.plan
    if plan.tool_hooks:
        for step in hooked_call(call, plan.tools, plan.hooks, batch.context, plan.tool_seconds):
            if isinstance(step, Invoke):
                _fill(step)
            else:
                result = step
        return result
    started = perf_counter()
    invoke = begin_call(call, plan.tools, batch.context, plan.tool_seconds)
    if invoke.error is None:
        _fill(invoke)
    return end_call(call, invoke, started)


def _fill(step: Invoke, stop: Stop | None = None) -> None:
    try:
        if stop is not None and not step.must_finish:
            step.value = stop.call(_value, step)
        elif step.timeout is None:
            value = step.function(*step.args)
            step.value = _await_apart(value, None) if hasattr(value, "__await__") else value
        else:
            step.value = _value(step)
    except (Exception, SystemExit) as error:  # a tool may call `sys.exit`
        step.error = error


def _value(step: Invoke) -> Any:
    if step.timeout is None or not step.blocking:
        value = step.function(*step.args)
    else:
        value = call_with_timeout(lambda: step.function(*step.args), step.timeout)
    return _await_apart(value, step.timeout) if hasattr(value, "__await__") else value


def _await_apart(awaitable: Awaitable[Any], seconds: float | None) -> Any:
    """Await in an event loop and a thread of its own: this thread may have a running loop."""
    import asyncio

    async def wait() -> Any:
        try:
            async with asyncio.timeout(seconds) as timeout:
                return await awaitable
        except TimeoutError:
            if not timeout.expired():
                raise
            raise TimeoutError(f"timed out after {seconds:g} s") from None
        except asyncio.CancelledError:
            raise RuntimeError("it was cancelled from within") from None

    return call_with_timeout(lambda: asyncio.run(wait()), None)
