"""The asynchronous drivers of teams and workflows: `_orchestration_drivers.py` with awaits.

Branches that wait are tasks of their own. Whatever ends a run, none of them is left: they are
told by their token, so that they can give the work they have done, and cancelled where the task
of the run itself is.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - this module is imported by the first asynchronous run
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from time import perf_counter
from typing import Any, TypeAlias

from ._async_drivers import fill
from ._context import CancelToken
from ._errors import AgnoError, RunCancelled, RunError
from ._events import Event, MemberEvent, RunFinished, RunStarted, TextDelta
from ._messages import RunOutput
from ._orchestration import (
    CLOSED,
    Branch,
    Emit,
    Halt,
    OStep,
    Pause,
    RunMember,
    Together,
    halting,
    keep_value,
    member_took_longer,
    take_down_stop,
    time_is_over,
)
from ._stop import Stop
from ._tools import Invoke

_READ_AHEAD = 64  # events of parallel members that a slow reader leaves in memory
_WITHIN = "it was cancelled from within"

Tell: TypeAlias = Callable[[Event], Coroutine[Any, Any, None]]
Work: TypeAlias = Callable[[Branch, Halt, Tell], Coroutine[Any, Any, Any]]


async def adrive(
    steps: Iterator[OStep], seconds: float | None = None, cancel: CancelToken | None = None
) -> RunOutput:
    """Carry a run out in this task; `seconds` is its time limit."""
    if seconds is None and cancel is None:  # saves a microsecond
        return await _drive(steps, None)
    with _bounded(seconds, cancel) as halt:
        return await _drive(steps, halt)


async def _drive(steps: Iterator[OStep], halt: Halt | None) -> RunOutput:
    for step in steps:
        if isinstance(step, RunOutput):
            output = step
        else:
            await _carry_out(step, halt)
    return output


async def adrive_events(
    steps: Iterator[OStep],
    started: RunStarted,
    seconds: float | None = None,
    cancel: CancelToken | None = None,
) -> AsyncGenerator[Event, None]:
    """Carry a run out in this task and yield what happens; see `drive_events`."""
    yield started
    told: list[str] = []
    with _bounded(seconds, cancel) as halt:
        try:
            for step in steps:
                if isinstance(step, RunOutput):
                    if not "".join(told).endswith(step.content):
                        yield TextDelta(step.content)
                    yield RunFinished(step)
                    continue
                async with aclosing(_events(step, halt, told)) as events:
                    async for event in events:
                        yield event
        except GeneratorExit:
            await _wind_up(steps, step)
            raise


async def _wind_up(steps: Iterator[OStep], step: OStep) -> None:
    """Let a run whose stream is closed put in order what it must."""
    error = RunCancelled(CLOSED)
    take_down_stop(step, error)
    with suppress(AgnoError):
        for later in steps:
            if isinstance(later, Invoke) and later.must_finish:
                await fill(later, None)
            else:
                take_down_stop(later, error)


@contextmanager
def _bounded(seconds: float | None, cancel: CancelToken | None) -> Iterator[Halt | None]:
    """Give a token that is used when the caller's is, or when the time limit is over."""
    if seconds is None and cancel is None:
        yield None
        return
    with halting(cancel) as halt:
        if seconds is None:
            yield halt
            return
        with _expiring(halt, seconds, time_is_over(seconds)):
            yield halt


@contextmanager
def _expiring(halt: Halt, seconds: float, reason: RunError) -> Iterator[None]:
    """Have the event loop use the token when the time is over."""
    timer = asyncio.get_running_loop().call_later(seconds, halt.halt, reason)
    try:
        yield
    finally:
        timer.cancel()


async def _carry_out(step: OStep, halt: Halt | None) -> None:
    if type(step) is RunMember:
        await _run_member(step, halt)
    elif type(step) is Together:
        if step.quick:
            await _one_by_one(step, halt)
        else:
            await _in_tasks(step, halt)
    elif type(step) is Pause:
        await _wait(step, halt)
    elif type(step) is Invoke:
        await _call(step, halt)


async def _events(step: OStep, halt: Halt | None, told: list[str]) -> AsyncGenerator[Event, None]:
    if type(step) is Emit:
        yield step.event
    elif type(step) is RunMember:
        async with aclosing(_member_events(step, halt, told)) as events:
            async for event in events:
                yield event
    elif type(step) is Together:
        several = _one_by_one_events if step.quick else _in_tasks_events
        async with aclosing(several(step, halt)) as events:
            async for event in events:
                yield event
    else:
        await _carry_out(step, halt)


async def _run_member(step: RunMember, halt: Halt | None) -> None:
    before = perf_counter()
    arun = step.runnable.arun
    own: Halt | None = None
    try:
        if halt is None and step.timeout is None:
            step.output = await arun(step.prompt, memory=step.memory, context=step.context)
        else:
            with _within(step, halt) as own:
                step.output = await arun(
                    step.prompt, memory=step.memory, context=step.context, cancel=own
                )
    except BaseException as error:  # the generator raises it, with the work done
        step.fail(_seen(error), halt, own)
    step.seconds = perf_counter() - before


async def _member_events(
    step: RunMember, halt: Halt | None, told: list[str]
) -> AsyncGenerator[Event, None]:
    before = perf_counter()
    own: Halt | None = None
    try:
        with _within(step, halt) as own:
            stream = step.runnable.astream(
                step.prompt, memory=step.memory, context=step.context, cancel=own
            )
            async with aclosing(stream) as events:
                async for event in events:
                    if isinstance(event, RunFinished):
                        step.output = event.output
                    if step.voice and isinstance(event, TextDelta):
                        told.append(event.text)
                        yield event
                    else:
                        yield MemberEvent(step.name, event)
    except GeneratorExit:
        raise
    except BaseException as error:
        step.fail(_seen(error), halt, own)
    step.seconds = perf_counter() - before


@contextmanager
def _within(step: RunMember, halt: Halt | None) -> Iterator[Halt | None]:
    """Give the token of one member: the whole run's, or one that knows the member's timeout."""
    if halt is not None and halt.cancelled:
        raise halt.error()
    if step.timeout is None:
        yield halt
        return
    with halting(halt) as own, _expiring(own, step.timeout, member_took_longer(step.timeout)):
        yield own


def _seen(error: BaseException) -> BaseException:
    """Tell a cancellation of this task from one that a member made up."""
    if not isinstance(error, asyncio.CancelledError):
        return error
    task = asyncio.current_task()
    return error if task is not None and task.cancelling() else RunCancelled(_WITHIN)


async def _value_of(branch: Branch, halt: Halt | None) -> Any:
    if type(branch) is RunMember:
        await _run_member(branch, halt)
        return branch.result()
    value: list[Any] = []
    for step in keep_value(branch, value):
        await _carry_out(step, halt)
    return value[0]


async def _branch_events(
    branch: Branch, halt: Halt | None, value: list[Any]
) -> AsyncGenerator[Event, None]:
    """Yield what happens in a branch, and put into `value` what it gives."""
    if type(branch) is RunMember:
        steps: Iterator[OStep] = iter([branch])
    else:
        steps = keep_value(branch, value)
    for step in steps:
        async with aclosing(_events(step, halt, [])) as events:
            async for event in events:
                yield event
    if type(branch) is RunMember:
        value.append(branch.result())


async def _one_by_one(step: Together, halt: Halt | None) -> None:
    """Carry out branches that never wait, in this task."""
    step.prepare()
    while not (halt is not None and halt.cancelled) and (index := step.begin()) is not None:
        value, error = None, None
        try:
            value = await _value_of(step.branches[index], halt)
        except BaseException as raised:
            error = raised
        if step.end(index, value, error):
            break
    step.finish(halt)


async def _one_by_one_events(step: Together, halt: Halt | None) -> AsyncGenerator[Event, None]:
    step.prepare()
    while not (halt is not None and halt.cancelled) and (index := step.begin()) is not None:
        value: list[Any] = []
        error = None
        try:
            async with aclosing(_branch_events(step.branches[index], halt, value)) as events:
                async for event in events:
                    yield event
        except GeneratorExit:
            raise
        except BaseException as raised:
            error = raised
        if step.end(index, value[0] if value else None, error):
            break
    step.finish(halt)


async def _in_tasks(step: Together, halt: Halt | None) -> None:
    async def work(branch: Branch, inner: Halt, _: Tell) -> Any:
        return await _value_of(branch, inner)

    async with aclosing(_crew_events(step, halt, work)) as events:
        assert [event async for event in events] == []  # nobody tells of any


async def _in_tasks_events(step: Together, halt: Halt | None) -> AsyncGenerator[Event, None]:
    async def work(branch: Branch, inner: Halt, tell: Tell) -> Any:
        value: list[Any] = []
        async with aclosing(_branch_events(branch, inner, value)) as events:
            async for event in events:
                await tell(event)
        return value[0]

    async with aclosing(_crew_events(step, halt, work)) as events:
        async for event in events:
            yield event


async def _crew_events(
    step: Together, halt: Halt | None, work: Work
) -> AsyncGenerator[Event, None]:
    """Carry out branches in tasks and yield the events that `work` tells of.

    When this ends, however it ends, no task is left.
    """
    step.prepare()
    with halting(halt) as inner:
        crew = _Crew(step, inner, work)
        try:
            async with aclosing(crew.events()) as events:
                async for event in events:
                    yield event
        except asyncio.CancelledError as error:
            step.stopped = error
        finally:
            await crew.dismiss()
    step.finish(halt)


class _Crew:
    """The tasks of one Together."""

    def __init__(self, step: Together, halt: Halt, work: Work) -> None:
        self._step = step
        self._halt = halt
        self._work = work
        self._tasks: dict[asyncio.Task[Any], int] = {}
        self._items: asyncio.Queue[Any] = asyncio.Queue()  # events, and tasks that have ended
        self._places = asyncio.Semaphore(_READ_AHEAD)

    async def events(self) -> AsyncGenerator[Event, None]:
        self._begin()
        while self._tasks:
            item = await self._items.get()
            if isinstance(item, asyncio.Task):
                self._end(item)
            else:
                self._places.release()
                yield item

    async def dismiss(self) -> None:
        """Cancel what is under way and wait for its end, whoever cancels this task meanwhile."""
        self._halt.halt(RunCancelled(CLOSED))
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        while tasks:
            with suppress(asyncio.CancelledError):
                _, tasks = await asyncio.wait(tasks)
        for task in list(self._tasks):
            self._end(task)

    def _begin(self) -> None:
        step = self._step
        while len(self._tasks) < step.at_most and not self._halt.cancelled:
            index = step.begin()
            if index is None:
                return
            coroutine = self._work(step.branches[index], self._halt, self._tell)
            task = asyncio.create_task(coroutine)
            self._tasks[task] = index
            task.add_done_callback(self._items.put_nowait)

    def _end(self, task: asyncio.Task[Any]) -> None:
        index = self._tasks.pop(task)
        if task.cancelled():
            within = RunCancelled(_WITHIN)
            error: BaseException | None = self._halt.error() if self._halt.cancelled else within
        else:
            error = task.exception()
        value = None if error is not None else task.result()
        if self._step.end(index, value, error):
            name = self._step.names[index]
            self._halt.halt(RunCancelled(f"stopped, as `{name}` had failed"))
        self._begin()

    async def _tell(self, event: Event) -> None:
        """Hand an event to the reader, who may be slow."""
        await self._places.acquire()
        self._items.put_nowait(event)


async def _wait(step: Pause, halt: Halt | None) -> None:
    try:
        if halt is None:
            await asyncio.sleep(step.seconds)
        else:
            async with Stop(None, 0.0, halt).scope():
                await asyncio.sleep(step.seconds)
    except asyncio.CancelledError as error:
        step.stopped = error
    except RunError:
        assert halt is not None
        step.stopped = halt.error()


async def _call(step: Invoke, halt: Halt | None) -> None:
    try:
        await fill(step, None if halt is None else Stop(None, 0.0, halt))
    except asyncio.CancelledError as error:  # the generator may have to put things in order
        step.error = error
    _say_why(step, halt)


def _say_why(step: Invoke, halt: Halt | None) -> None:
    """Put the reason why the run ends in place of the token's own words."""
    if halt is not None and halt.cancelled and isinstance(step.error, RunError):
        step.error = halt.error()
