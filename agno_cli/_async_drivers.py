"""The asynchronous drivers of the run loop: `_drivers.py` with awaits.

Synchronous tools run in worker threads unless they are quick, so none blocks the event loop.
Inner generators are closed by hand: when an outer one is closed early, Python leaves the inner
ones to the garbage collector.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - this module is imported by the first asynchronous run
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, aclosing, closing, nullcontext
from time import perf_counter
from typing import Any

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
from ._messages import RunOutput, ToolCall, ToolResult
from ._stop import Stop
from ._threads import acall
from ._tools import Invoke, failed_call, finish_call, hooked_call, prepare_call
from .models._protocol import Model, ModelRequest, StreamItem

_END: Any = object()


async def adrive(steps: Generator[Step, None, None], model: Model, stop: Stop | None) -> RunOutput:
    """Carry a run out in this task."""
    with closing(steps):  # whatever ends this, the loop learns it now
        for step in steps:
            if type(step) is ModelRequest:
                try:
                    if stop is None:
                        step.response = await model.acomplete(step)
                    else:
                        with stop.informed(step):
                            async with stop.scope():
                                step.response = await model.acomplete(step)
                except BaseException as error:  # the loop raises it with the work done
                    step.error = error
            elif type(step) is ToolBatch:
                if stop is None and len(step.calls) == 1:
                    step.results = [await _carry_out(step, step.calls[0])]
                else:
                    async for _ in _results(step, stop):
                        pass
            elif type(step) is Invoke:
                await fill(step, stop)
            else:
                output = step
    return output


async def adrive_events(
    steps: Generator[Step, None, None], model: Model, stop: Stop | None, started: RunStarted
) -> AsyncGenerator[Event, None]:
    """Carry a run out in this task and yield what happens."""
    yield started
    turns = Turns()
    with closing(steps):  # whatever ends this, the loop learns it now
        try:
            for step in steps:
                if not isinstance(step, ToolBatch):
                    for finished in turns.finished():
                        yield finished
                if isinstance(step, Invoke):
                    await fill(step, stop)
                elif isinstance(step, RunOutput):
                    yield RunFinished(step)
                else:
                    async with aclosing(_events_of(step, model, stop)) as events:
                        async for event in events:
                            yield event
                    turns.begin(getattr(step, "response", None))
        except AgnoError:
            for finished in turns.finished():
                yield finished
            raise


def _events_of(
    step: ModelRequest | ToolBatch, model: Model, stop: Stop | None
) -> AsyncGenerator[Event, None]:
    if isinstance(step, ModelRequest):
        return _model_events(step, model, stop)
    return _tool_events(step, stop)


async def _tool_events(batch: ToolBatch, stop: Stop | None) -> AsyncGenerator[Event, None]:
    for call in batch.calls:
        yield ToolCallStarted(call)
    async with aclosing(_results(batch, stop)) as results:
        async for result in results:
            yield ToolCallFinished(result)


async def _model_events(
    request: ModelRequest, model: Model, stop: Stop | None
) -> AsyncGenerator[Event, None]:
    request.response = None
    words: list[str] = []
    try:
        async with aclosing(_model_stream(request, model, stop)) as items:
            async for item in items:
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


async def _model_stream(
    request: ModelRequest, model: Model, stop: Stop | None
) -> AsyncGenerator[StreamItem, None]:
    """Iterate over a model's stream and close it, also when this is closed early."""
    with nullcontext() if stop is None else stop.informed(request):
        stream = aiter(model.astream(request))
        try:
            while True:
                async with _scope(stop):
                    item = await anext(stream, _END)
                if item is _END:
                    return
                yield item
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()


async def _results(batch: ToolBatch, stop: Stop | None) -> AsyncGenerator[ToolResult, None]:
    """Carry out a batch and yield each result as it comes.

    Quick tools run in this task, the others in tasks of their own.
    """
    batch.results = [None] * len(batch.calls)
    others = []
    for index, call in enumerate(batch.calls):
        if batch.plan.is_quick(call):
            batch.results[index] = result = await _carry_out(batch, call)
            yield result
        else:
            others.append(index)
    tasks = _start_tasks(batch, others)
    try:
        async for result in _task_results(batch, tasks, stop):
            yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _start_tasks(batch: ToolBatch, indices: list[int]) -> list[asyncio.Task[ToolResult]]:
    places = asyncio.Semaphore(batch.plan.limits.parallel_tools)

    async def carry_out(index: int) -> ToolResult:
        async with places:
            batch.results[index] = result = await _carry_out(batch, batch.calls[index])
            return result

    return [asyncio.create_task(carry_out(index)) for index in indices]


async def _task_results(
    batch: ToolBatch, tasks: list[asyncio.Task[ToolResult]], stop: Stop | None
) -> AsyncIterator[ToolResult]:
    pending = set(tasks)
    while pending:
        try:
            async with _scope(stop):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        except RunError as error:
            batch.error = error
            return
        for task in done:
            yield task.result()


async def _carry_out(batch: ToolBatch, call: ToolCall) -> ToolResult:
    plan = batch.plan
    if plan.tool_hooks:
        for step in hooked_call(call, plan.tools, plan.hooks, batch.context, plan.tool_seconds):
            if isinstance(step, Invoke):
                await fill(step)
            else:
                result = step
        return result
    started = perf_counter()
    try:
        step = prepare_call(call, plan.tools, batch.context, plan.tool_seconds)
        await fill(step)
        return finish_call(call, step.result(), started)
    except (Exception, SystemExit) as error:  # a tool may call `sys.exit`
        return failed_call(call, error, started)


async def fill(step: Invoke, stop: Stop | None = None) -> None:
    """Call a function and keep its value or its error in the step."""
    try:
        if step.must_finish:
            step.value = await _to_the_end(_value(step))
        else:
            async with _scope(stop):
                step.value = await _value_in_time(step)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        step.error = RuntimeError("it was cancelled from within")
    except (Exception, SystemExit) as error:  # a tool may call `sys.exit`
        step.error = error


async def _value_in_time(step: Invoke) -> Any:
    if step.timeout is None:
        return await _value(step)
    try:
        async with asyncio.timeout(step.timeout) as timeout:
            return await _value(step)
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise TimeoutError(f"timed out after {step.timeout:g} s") from error


async def _value(step: Invoke) -> Any:
    if step.blocking:
        value = await acall(lambda: step.function(*step.args))
    else:
        value = step.function(*step.args)
    return await value if hasattr(value, "__await__") else value


async def _to_the_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Await something that no cancellation of this task may leave half-done."""
    task = asyncio.ensure_future(coroutine)
    cancelled = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:
            break  # the task's own; `result` raises it
    if cancelled is not None:
        raise cancelled
    return task.result()


def _scope(stop: Stop | None) -> AbstractAsyncContextManager[None]:
    return nullcontext() if stop is None else stop.scope()
