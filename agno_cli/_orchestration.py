"""What a team and a workflow ask of their drivers: values, no I/O.

A run of several is a generator, as an agent's is (`_loop.py`). It yields steps - a RunMember, a
Together, a Pause, an Emit, an Invoke - whose answer the driver writes into the step before it
resumes the generator; the last thing it yields is the output.

`error` of a step is its own: a member failed or took too long. `stopped` means that the run
itself is to end - its token was used, its time is over, its task was cancelled, its stream was
closed - and is the error to raise. A generator that is stopped may still yield Invokes which must
finish, to record where it stopped; whatever else it yields comes back stopped too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, final

from msgspec import Struct

from ._context import CancelToken, RunContext
from ._errors import (
    AgnoError,
    InputError,
    LimitReached,
    ModelError,
    RunCancelled,
    RunError,
    RunFailed,
    copy_of,
)
from ._events import Event
from ._memory import MemoryProtocol
from ._messages import RunOutput, Usage
from ._tools import Invoke

CANCELLED = "the run was cancelled"
CLOSED = "the stream was closed"


class Runnable(Protocol):
    """What can be a member: an Agent, a Team, a Workflow, or anything with their four faces.

    It must end soon when its token is used: whoever runs it waits for its end.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    def run(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> RunOutput:
        """Run to the end."""

    async def arun(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> RunOutput:
        """Run to the end without blocking the event loop."""

    def stream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> Generator[Event, None, None]:
        """Run and yield what happens, RunFinished last."""

    def astream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None = None,
        context: RunContext | None = None,
        cancel: CancelToken | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run and yield what happens without blocking the event loop, RunFinished last."""


def is_runnable(value: object) -> bool:
    """Tell whether a value can be a member."""
    faces = ("name", "run", "arun", "stream", "astream")
    return not isinstance(value, type) and all(hasattr(value, face) for face in faces)


@final
class RunMember(Struct, eq=False):
    """Ask the driver to run one member; it fills `output` or `error`, and `seconds`.

    When the run is streamed, the member's events come wrapped in MemberEvents that say `name`;
    only the text of a member that is the `voice` of the whole comes as it is.
    `timeout` is in seconds; a member that takes longer is cancelled, and `error` a LimitReached.
    """

    runnable: Runnable
    name: str
    prompt: str
    memory: MemoryProtocol | None = None
    context: RunContext | None = None
    timeout: float | None = None
    voice: bool = False
    output: RunOutput | None = None
    error: BaseException | None = None
    stopped: BaseException | None = None
    seconds: float = 0.0

    def result(self) -> RunOutput:
        """Give the member's output, or raise what ended it."""
        if self.error is not None:
            raise self.error
        assert self.output is not None
        return self.output

    def fail(self, error: BaseException, halt: Halt | None, own: Halt | None) -> None:
        """Take down what ended the member: itself, its timeout (`own`) or the run's end."""
        if not isinstance(error, Exception):
            self.error = self.stopped = error
        elif halt is not None and halt.cancelled:
            self.error = self.stopped = halt.error(error)
        else:
            self.error = error if own is None or not own.cancelled else own.error(error)


Branch: TypeAlias = "RunMember | Generator[OStep, None, Any]"


@final
class Together(Struct, eq=False):
    """Ask the driver to carry out several branches at once, at most `at_most` of them.

    A branch is a RunMember, whose value is its output, or a generator of steps that returns its
    value. The driver fills `values` and `errors` in the order of the branches, whatever the order
    in which they end; a branch that was never begun has an error too.

    Attributes:
        names: what each branch is called, for errors.
        stop_at_error: whether the first error stops the branches that have not ended.
        quick: whether none of the branches ever waits: they are carried out one after another,
            where the run is, as threads and tasks would only cost.
        after: for each branch, the indices of those it must wait for; empty: none waits.
        first_error: the index of the branch that failed first.
    """

    branches: Sequence[Branch]
    names: Sequence[str]
    at_most: int = 100
    stop_at_error: bool = True
    quick: bool = False
    after: Sequence[Sequence[int]] = ()
    values: list[Any] = []
    errors: list[BaseException | None] = []
    first_error: int | None = None
    stopped: BaseException | None = None
    waiting: list[int] = []
    ended: set[int] = set()

    def prepare(self) -> None:
        """Make ready for the first branch."""
        count = len(self.branches)
        self.values, self.errors = [None] * count, [None] * count
        self.waiting = list(range(count))

    def begin(self) -> int | None:
        """Give the branch to begin next; None while all others wait for one to end."""
        for place, index in enumerate(self.waiting):
            if not self.after or self.ended.issuperset(self.after[index]):
                return self.waiting.pop(place)
        return None

    def end(self, index: int, value: Any, error: BaseException | None) -> bool:
        """Take down what a branch gave; tell whether the others are to be stopped."""
        self.ended.add(index)
        self.values[index], self.errors[index] = value, error
        if error is None:
            return False
        if self.first_error is None:
            self.first_error = index
        if not isinstance(error, Exception):
            self.stopped = error
        return self.stop_at_error or self.stopped is not None

    def finish(self, halt: Halt | None) -> None:
        """Take down what was never begun, and whether the run as a whole was stopped."""
        for index in self.waiting:
            self.errors[index] = RunCancelled(f"`{self.names[index]}` was not begun")
        if self.stopped is None and halt is not None and halt.cancelled:
            self.stopped = halt.error()

    def result(self) -> list[Any]:
        """Give the values, or raise what stopped the run or, where it does so, the first error."""
        if self.stopped is not None:
            raise self.stopped
        if self.stop_at_error and self.first_error is not None:
            error = self.errors[self.first_error]
            assert error is not None
            raise error
        return self.values


@final
class Pause(Struct, eq=False):
    """Ask the driver to wait; a run that is stopped meanwhile is told by `stopped`."""

    seconds: float
    stopped: BaseException | None = None

    def result(self) -> None:
        """Raise what stopped the run, if something did."""
        if self.stopped is not None:
            raise self.stopped


@final
class Emit(Struct, eq=False):
    """Ask the driver to pass on an event; where nobody streams, nothing happens."""

    event: Event


OStep: TypeAlias = RunMember | Together | Pause | Emit | Invoke | RunOutput


class Halt(CancelToken):
    """A token that knows why it was used. The first reason stays.

    Each part of a run that can be stopped by itself has one; what stops the whole stops its parts.
    """

    __slots__ = ("_reason",)

    def __init__(self) -> None:
        super().__init__()
        self._reason: RunError | None = None

    def halt(self, reason: RunError) -> None:
        """Use the token, for this reason."""
        with self._lock:
            if self._reason is None:
                self._reason = reason
        self.cancel()

    def error(self, ended: BaseException | None = None) -> RunError:
        """Give an error of the caller's own that says why, with the work of what it `ended`."""
        reason = self._reason
        error = RunCancelled(CANCELLED) if reason is None else copy_of(reason)
        error.output = getattr(ended, "output", None)
        error.__cause__ = ended
        return error


@contextmanager
def halting(parent: CancelToken | None) -> Iterator[Halt]:
    """Give a Halt that is used when its parent is."""
    halt = Halt()
    if parent is None:
        yield halt
        return
    unsubscribe = parent.subscribe(lambda: halt.halt(_reason_of(parent)))
    try:
        yield halt
    finally:
        unsubscribe()


def _reason_of(token: CancelToken) -> RunError:
    return token.error() if isinstance(token, Halt) else RunCancelled(CANCELLED)


def time_is_over(seconds: float) -> LimitReached:
    """Give the error of a run that took longer than its limit."""
    return LimitReached(
        "time", f"limit of {seconds:g} seconds reached; raise it with `seconds=...` in its limits"
    )


def member_took_longer(seconds: float) -> LimitReached:
    """Give the error of a member that took longer than its timeout."""
    return LimitReached("time", f"timed out after {seconds:g} s")


def take_down_stop(step: OStep, error: BaseException) -> None:
    """Tell a generator, by the step it waits for, that the run has been stopped."""
    if isinstance(step, Invoke):
        step.error = error
    elif isinstance(step, RunMember):
        step.error = step.stopped = error
    elif isinstance(step, Together | Pause):
        step.stopped = error


def keep_value(branch: Generator[OStep, None, Any], place: list[Any]) -> Iterator[OStep]:
    """Iterate over a branch and keep what it returns: a `for` loop would drop it."""
    place.append((yield from branch))


def named(who: str, error: BaseException) -> AgnoError:
    """Give an error that says whose it is, as in "member `writer`: ...", of the same class.

    What was never raised on purpose, or blames the caller's prompt, becomes a RunFailed.
    """
    if not isinstance(error, AgnoError) or isinstance(error, InputError):
        told: AgnoError = RunFailed(f"{who}: {_words(error)}")
    else:
        told = copy_of(error)
        told.args = (f"{who}: {_words(error)}",)
        if isinstance(told, ModelError):
            told.message = f"{who}: {told.message}"
    told.output = getattr(error, "output", None)
    told.__cause__ = error
    return told


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, AgnoError) else f"{type(error).__name__}: {error}"


def summed(outputs: Iterable[RunOutput]) -> tuple[Usage, int, float, float]:
    """Sum usage, turns, seconds of models and seconds of tools.

    One pass over plain numbers: adding Usages to each other costs twice as much.
    """
    read = written = cached = reasoned = requests = turns = 0
    models = tools = 0.0
    for output in outputs:
        usage = output.usage
        read += usage.input_tokens
        written += usage.output_tokens
        cached += usage.cached_tokens
        reasoned += usage.reasoning_tokens
        requests += usage.requests
        turns += output.turns
        models += output.model_seconds
        tools += output.tool_seconds
    return Usage(read, written, cached, reasoned, requests), turns, models, tools
