"""The synchronous drivers of the run loop: they carry out its steps, and decide nothing.

`drive` gives the RunOutput; `drive_events` yields Events on the way to it. Without a `Stop`
the model is called in the calling thread: a run nobody can stop pays nothing for stopping.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from ._calls import carry_out, fill, value_of
from ._errors import AgnoError, RunError
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
from ._loop import Step, ToolBatch
from ._messages import ModelResponse, RunOutput, ToolResult
from ._stop import Stop
from ._threads import start
from ._tools import Invoke, failed_call
from .models._protocol import Model, ModelRequest, StreamItem


def drive(steps: Generator[Step, None, None], model: Model, stop: Stop | None) -> RunOutput:
    """Carry a run out in this thread."""
    complete = model.complete if stop is None else _stoppable(model, stop)
    with closing(steps):  # whatever ends this, the loop learns it now
        for step in steps:
            if type(step) is ModelRequest:
                try:
                    step.response = complete(step)
                except BaseException as error:  # the loop raises it with the work done
                    step.error = error
            elif type(step) is ToolBatch:
                if stop is None and len(step.calls) == 1:
                    step.results = [carry_out(step.plan, step.context, step.calls[0])]
                else:
                    for _ in _results(step, stop):
                        pass
            elif type(step) is Invoke:
                _fill(step, stop)
            else:
                output = step
    return output


def _stoppable(model: Model, stop: Stop) -> Callable[[ModelRequest], ModelResponse]:
    def complete(request: ModelRequest) -> ModelResponse:
        with stop.informed(request):
            response: ModelResponse = stop.call(model.complete, request)
        return response

    return complete


def drive_events(
    steps: Generator[Step, None, None], model: Model, stop: Stop | None, started: RunStarted
) -> Generator[Event, None, None]:
    """Carry a run out in this thread and yield what happens."""
    yield started
    turns = Turns()
    with closing(steps):  # whatever ends this, the loop learns it now
        try:
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
        except AgnoError:
            yield from turns.finished()
            raise


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
    except BaseException as error:
        request.streamed = "".join(words)
        if not isinstance(error, Exception):  # closed early, cancelled
            raise
        request.error = error


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
            batch.results[index] = result = carry_out(batch.plan, batch.context, call)
            yield result
        else:
            threaded.append(index)
    if stop is None and len(threaded) == 1:
        (index,) = threaded
        batch.results[index] = result = carry_out(batch.plan, batch.context, batch.calls[index])
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
                lambda: carry_out(batch.plan, batch.context, call),
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


def _fill(step: Invoke, stop: Stop | None) -> None:
    if stop is None or step.must_finish:
        fill(step)
        return
    try:
        step.value = stop.call(value_of, step)
    except (Exception, SystemExit) as error:
        step.error = error
