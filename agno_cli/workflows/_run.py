"""What one run of a workflow knows while it is under way, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, cast

from msgspec import Struct

from agno_cli._checkpoints import Checkpoint, Journal, PastRun
from agno_cli._context import RunContext
from agno_cli._errors import AgnoError, ConfigurationError, LimitReached, StorageError
from agno_cli._json import from_json, to_json
from agno_cli._messages import Message, RunOutput, Usage
from agno_cli._orchestration import OStep, named, summed
from agno_cli._step_output import StepOutput
from agno_cli._tools import Invoke
from agno_cli.workflows._nodes import StepInput
from agno_cli.workflows._plan import StepPlan

NO_CONTEXT = RunContext()


class Budget:
    """The tokens that a run may use, shared by its parallel branches."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._used = 0
        self._lock = Lock()

    def spend(self, output: StepOutput) -> None:
        """Take down what a step has used.

        Raises:
            LimitReached: it is more than allowed.
        """
        with self._lock:
            self._used += output.usage.total_tokens
            used = self._used
        if used > self._tokens:
            raise LimitReached(
                "tokens",
                f"limit of {self._tokens} tokens reached, {used} used after step"
                f" `{output.name}` at `{output.path}`; raise it with `Limits(tokens=...)`",
            )


class Run(Struct, eq=False):
    """One run, or one parallel branch of it.

    Attributes:
        prompt: what the user says; in a workflow within a workflow, what that is told.
        context: the caller's, for members; `own` is the one that functions are given.
        state: what the newest finished node has left.
        kept: the checkpoints of an earlier process by path.
        journal: where checkpoints are written; None where nothing is kept.
        budget: the tokens of the whole run, where they are limited.
        outputs: the finished steps of this run or branch.
        failures: what failed attempts of unfinished steps have done.
        stopped_at: the paths where the run was stopped, the first one first.
    """

    prompt: str
    context: RunContext | None
    own: RunContext = NO_CONTEXT
    state: Any = None
    state_type: Any = None
    history: tuple[PastRun, ...] = ()
    streamed: bool = False
    budget: Budget | None = None
    kept: dict[str, Checkpoint] = {}
    journal: Journal | None = None
    blocking: bool = False
    outputs: list[StepOutput] = []
    failures: list[RunOutput] = []
    stopped_at: list[str] = []

    def failed(self, step: StepPlan, place: Place, error: BaseException) -> AgnoError:
        """Take down that a step failed, with the work of all its attempts; give its error."""
        self.stopped_at.append(place.path)
        place.take_down(error)
        self.failures.extend(place.failed)
        return named(f"step `{step.name}` at `{place.path}`", error)

    @contextmanager
    def within(self, who: str, path: str) -> Iterator[None]:
        """Let whatever goes wrong inside say whose it is."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self.stopped_at.append(path)
            raise named(who, error) from error
        except BaseException:
            self.stopped_at.append(path)
            raise

    def past(self, count: int) -> PastTurns:
        """Give the newest earlier runs as the conversation of a member."""
        return PastTurns(self.history[-count:])


class PastTurns(Struct, frozen=True, eq=False):
    """A conversation that is only read: what is said in a step is not committed to it."""

    runs: tuple[PastRun, ...]

    def load(self) -> list[Message]:
        """Give the runs as messages."""
        messages = []
        for run in self.runs:
            messages += [Message("user", run.prompt), Message("assistant", run.content)]
        return messages

    def commit(self, messages: Sequence[Message]) -> None:
        """Keep nothing."""


class Place(Struct, eq=False):
    """Where a node is carried out: its path, the rounds around it, and what comes to it.

    `failed` holds what the attempts that failed have done.
    """

    path: str
    mark: str = ""
    previous: Any = None
    state: Any = None
    attempt: int = 1
    failed: list[RunOutput] = []

    def given(self, run: Run, history: int = 0) -> StepInput:
        """Make what a function is given here."""
        return StepInput(
            run.prompt,
            self.previous,
            run.own,
            self.path,
            int(self.mark[1:].rpartition(".")[2]) if self.mark else 0,
            self.attempt,
            run.history[-history:] if history else (),
            self.state,
        )

    def take_down(self, error: BaseException) -> None:
        """Keep what a failed attempt has done."""
        partial = getattr(error, "output", None)
        if isinstance(partial, RunOutput):
            self.failed.append(partial)


totals: Callable[[Sequence[RunOutput | StepOutput]], tuple[Usage, int, float, float]]
totals = cast("Any", summed)
"""Sums usage, turns, seconds of models and of tools, over runs and steps alike."""


def keep(run: Run, checkpoint: Checkpoint) -> Generator[OStep, None, None]:
    """Write a checkpoint, where checkpoints are kept, to the end whatever happens meanwhile."""
    if run.journal is not None:
        step = Invoke(run.journal.save, (checkpoint,), run.blocking, must_finish=True)
        yield step
        step.result()


def step_checkpoint(
    run: Run, step: StepPlan, output: StepOutput, value: Any, state: Any
) -> Checkpoint:
    """Make the checkpoint of a finished step; a `state` of None is the one before.

    Raises:
        ConfigurationError: the value or the state could not be restored from it.
    """
    text = None
    if type(value) is not str or value != output.content:
        remedy = "annotate what the function returns, or give the Step `returns=`"
        text = _restorable(value, step.returns, "it gave a value", remedy)
    if state is None:
        return Checkpoint(output.path, output, text)
    remedy = "give the workflow a `state_type`, or keep plain data in it"
    kind = dict if run.state_type is None else run.state_type
    kept = _restorable(state, kind, "it left a state", remedy)
    return Checkpoint(output.path, output, text, kept)


def kept_value(step: StepPlan, kept: Checkpoint, content: str) -> Any:
    """Give the value of a finished step; None where it gave none."""
    if kept.value is None:
        return content
    return None if kept.value == "null" else read_kept(kept, kept.value, step.returns)


def kept_state(run: Run, kept: Checkpoint, state: Any) -> Any:
    """Give the state that a finished node left."""
    if kept.state is None:
        return state
    return read_kept(kept, kept.state, dict if run.state_type is None else run.state_type)


def read_kept(kept: Checkpoint, text: str, kind: Any) -> Any:
    """Read a part of a checkpoint.

    Raises:
        StorageError: it does not fit.
    """
    try:
        return from_json(text, kind)
    except ValueError as error:
        raise StorageError(
            f"the checkpoint at `{kept.path}` cannot be read: {error}; it was written by a"
            " workflow whose types were others, so begin a new run"
        ) from error


def state_checkpoint(run: Run, path: str, state: Any) -> Checkpoint:
    """Make the checkpoint of what parallel states became; see `step_checkpoint`."""
    kind = dict if run.state_type is None else run.state_type
    remedy = "give the workflow a `state_type`, or keep plain data in it"
    return Checkpoint(path, state=_restorable(state, kind, "it left a state", remedy))


def _restorable(value: Any, kind: Any, what: str, remedy: str) -> str:
    """Write a value as JSON from which it can be read again.

    Of a declared type, the same JSON is enough; else it must be equal: a tuple would come back
    as a list, and a date as a text.
    """
    try:
        text = to_json(value)
        back = from_json(text, kind)
        if back == value or (kind not in (Any, dict) and to_json(back) == text):
            return text
        problem = f"it would come back as {back!r:.200}"
    except (ValueError, TypeError, RecursionError) as error:
        problem = str(error)
    raise ConfigurationError(
        f"{what} that a checkpoint cannot restore, {value!r:.200}: {problem}; {remedy}"
    )
