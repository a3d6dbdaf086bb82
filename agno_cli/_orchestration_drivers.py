"""The synchronous drivers of teams and workflows: they carry out steps, and decide nothing.

A member is run where the run is, in this thread, and learns by its token that it is to end.
Branches that wait are carried out in worker threads. Nobody is left behind: whoever is told to
end is waited for, which is soon, as an agent leaves only its own blocked calls behind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Semaphore
from time import perf_counter
from typing import Any, TypeAlias

from ._calls import fill, value_of
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
from ._threads import start
from ._tools import Invoke

_READ_AHEAD = 64  # events of parallel members that a slow reader leaves in memory

Work: TypeAlias = Callable[[Branch, Halt, Callable[[Event], None]], Any]


def drive(
    steps: Iterator[OStep], seconds: float | None = None, cancel: CancelToken | None = None
) -> RunOutput:
    """Carry a run out in this thread; `seconds` is its time limit."""
    if seconds is None and cancel is None:  # saves a microsecond
        return _drive(steps, None)
    with _bounded(seconds, cancel) as halt:
        return _drive(steps, halt)


def _drive(steps: Iterator[OStep], halt: Halt | None) -> RunOutput:
    for step in steps:
        if type(step) is RunMember:
            _run_member(step, halt)
        elif isinstance(step, RunOutput):
            output = step
        else:
            _carry_out(step, halt)
    return output


def drive_events(
    steps: Iterator[OStep],
    started: RunStarted,
    seconds: float | None = None,
    cancel: CancelToken | None = None,
) -> Generator[Event, None, None]:
    """Carry a run out in this thread and yield what happens.

    The texts at the top level, put together, end with the answer: where no member was the voice
    of the whole, the answer comes as one piece.
    """
    yield started
    told: list[str] = []
    with _bounded(seconds, cancel) as halt:
        try:
            for step in steps:
                if isinstance(step, RunOutput):
                    if not "".join(told).endswith(step.content):
                        yield TextDelta(step.content)
                    yield RunFinished(step)
                else:
                    yield from _events(step, halt, told)
        except GeneratorExit:
            _wind_up(steps, step)
            raise


def _wind_up(steps: Iterator[OStep], step: OStep) -> None:
    """Let a run whose stream is closed put in order what it must."""
    error = RunCancelled(CLOSED)
    take_down_stop(step, error)
    with suppress(AgnoError):
        for later in steps:
            if isinstance(later, Invoke) and later.must_finish:
                fill(later)
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
    """Have a thread use the token when the time is over."""
    ended: SimpleQueue[None] = SimpleQueue()

    def wait() -> None:
        try:
            ended.get(timeout=seconds)
        except Empty:
            halt.halt(reason)

    start(wait, lambda _, __: None)
    try:
        yield
    finally:
        ended.put(None)


def _carry_out(step: OStep, halt: Halt | None) -> None:
    if type(step) is RunMember:
        _run_member(step, halt)
    elif type(step) is Together:
        if step.quick:
            _one_by_one(step, halt)
        else:
            list(_in_threads(step, halt, lambda branch, inner, _: _value_of(branch, inner)))
    elif type(step) is Pause:
        _wait(step, halt)
    elif type(step) is Invoke:
        _call(step, halt)


def _events(step: OStep, halt: Halt | None, told: list[str]) -> Iterator[Event]:
    if type(step) is RunMember:
        yield from _member_events(step, halt, told)
    elif type(step) is Emit:
        yield step.event
    elif type(step) is not Together:
        _carry_out(step, halt)
    elif step.quick:
        yield from _one_by_one_events(step, halt, told)
    else:
        yield from _in_threads(step, halt, _tell_branch)


def _run_member(step: RunMember, halt: Halt | None) -> None:
    before = perf_counter()
    run = step.runnable.run
    own: Halt | None = None
    try:
        if halt is None and step.timeout is None:
            step.output = run(step.prompt, memory=step.memory, context=step.context)
        else:
            with _within(step, halt) as own:
                step.output = run(step.prompt, memory=step.memory, context=step.context, cancel=own)
    except BaseException as error:  # the generator raises it, with the work done
        step.fail(error, halt, own)
    step.seconds = perf_counter() - before


def _member_events(step: RunMember, halt: Halt | None, told: list[str]) -> Iterator[Event]:
    before = perf_counter()
    own: Halt | None = None
    try:
        with _within(step, halt) as own:
            events = step.runnable.stream(
                step.prompt, memory=step.memory, context=step.context, cancel=own
            )
            with closing(events):
                for event in events:
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
        step.fail(error, halt, own)
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


def _value_of(branch: Branch, halt: Halt | None) -> Any:
    if type(branch) is RunMember:
        _run_member(branch, halt)
        return branch.result()
    value: list[Any] = []
    for step in keep_value(branch, value):
        _carry_out(step, halt)
    return value[0]


def _branch_events(
    branch: Branch, halt: Halt | None, told: list[str]
) -> Generator[Event, None, Any]:
    if type(branch) is RunMember:
        yield from _member_events(branch, halt, told)
        return branch.result()
    value: list[Any] = []
    for step in keep_value(branch, value):
        yield from _events(step, halt, told)
    return value[0]


def _one_by_one(step: Together, halt: Halt | None) -> None:
    """Carry out branches that never wait, in this thread."""
    step.prepare()
    while not (halt is not None and halt.cancelled) and (index := step.begin()) is not None:
        value, error = None, None
        try:
            value = _value_of(step.branches[index], halt)
        except BaseException as raised:
            error = raised
        if step.end(index, value, error):
            break
    step.finish(halt)


def _one_by_one_events(step: Together, halt: Halt | None, told: list[str]) -> Iterator[Event]:
    step.prepare()
    while not (halt is not None and halt.cancelled) and (index := step.begin()) is not None:
        value, error = None, None
        try:
            value = yield from _branch_events(step.branches[index], halt, told)
        except GeneratorExit:
            raise
        except BaseException as raised:
            error = raised
        if step.end(index, value, error):
            break
    step.finish(halt)


def _tell_branch(branch: Branch, halt: Halt, tell: Callable[[Event], None]) -> Any:
    events = _branch_events(branch, halt, [])
    while True:
        try:
            tell(next(events))
        except StopIteration as ended:
            return ended.value


def _in_threads(step: Together, halt: Halt | None, work: Work) -> Iterator[Event]:
    """Carry out branches in worker threads and yield the events that `work` tells of.

    When this ends, however it ends, no branch is under way.
    """
    step.prepare()
    with halting(halt) as inner:
        crew = _Crew(step, inner, work)
        try:
            yield from crew.events()
        except GeneratorExit:
            inner.halt(RunCancelled(CLOSED))
            crew.wait()
            raise
        except BaseException as error:  # Ctrl-C, while this thread waited
            inner.halt(RunCancelled(f"{type(error).__name__} stopped the run"))
            crew.wait()
            step.stopped = error
    step.finish(halt)


class _Crew:
    """The worker threads of one Together."""

    def __init__(self, step: Together, halt: Halt, work: Work) -> None:
        self._step = step
        self._halt = halt
        self._work = work
        self._running = 0
        # Events, and of each branch last of all (index, value, error).
        self._items: SimpleQueue[Any] = SimpleQueue()
        self._places = Semaphore(_READ_AHEAD)

    def events(self) -> Iterator[Event]:
        self._begin()
        while self._running:
            item = self.next_item()
            if isinstance(item, tuple):
                self._end(*item)
            else:
                self._places.release()
                yield item

    def wait(self) -> None:
        for _ in self.events():
            pass

    def next_item(self) -> Any:
        return self._items.get()

    def _begin(self) -> None:
        step = self._step
        while self._running < step.at_most and not self._halt.cancelled:
            index = step.begin()
            if index is None:
                return
            self._running += 1
            self._start(index)

    def _start(self, index: int) -> None:
        branch = self._step.branches[index]
        try:
            start(
                lambda: self._work(branch, self._halt, self._tell),
                lambda value, error: self._items.put((index, value, error)),
            )
        except RuntimeError as error:  # no more threads can be had
            self._end(index, None, error)

    def _end(self, index: int, value: Any, error: BaseException | None) -> None:
        self._running -= 1
        if self._step.end(index, value, error):
            name = self._step.names[index]
            self._halt.halt(RunCancelled(f"stopped, as `{name}` had failed"))
        self._begin()

    def _tell(self, event: Event) -> None:
        """Hand an event to the reader, who may be slow."""
        self._places.acquire()
        self._items.put(event)


def _wait(step: Pause, halt: Halt | None) -> None:
    woken: SimpleQueue[None] = SimpleQueue()
    with halting(halt) as own:
        own.subscribe(lambda: woken.put(None))
        with suppress(Empty):
            woken.get(timeout=step.seconds)
        if own.cancelled:
            step.stopped = own.error()


def _call(step: Invoke, halt: Halt | None) -> None:
    if halt is None or step.must_finish:
        fill(step)
        return
    try:
        step.value = Stop(None, 0.0, halt).call(value_of, step)
    except (Exception, SystemExit) as error:  # the user's code may call `sys.exit`
        step.error = halt.error() if halt.cancelled else error
