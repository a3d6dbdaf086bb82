"""What a workflow keeps of its runs, so that one that was stopped can go on.

A run is carried out by one holder at a time. Who begins or resumes it is given a Journal, which
others cannot have until it is ended; a holder that died is recognised where that can be told,
and may be replaced by force elsewhere. There is no lease that runs out: a step may take longer
than any, and a holder that was replaced cannot write any more.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Protocol

from msgspec import Struct

from ._errors import InputError, StorageError
from ._messages import Status
from ._step_output import StepOutput


class PastRun(Struct, frozen=True, gc=False):
    """A completed run: what was asked and what was answered."""

    prompt: str
    content: str


class WorkflowRun(Struct, frozen=True):
    """A run as it began.

    `shape` is the paths of the workflow's nodes: what was finished has a meaning only in a
    workflow of the same shape. `state` is JSON. `history` is what earlier runs it was shown.
    """

    run_id: str
    workflow: str
    shape: tuple[str, ...]
    prompt: str
    state: str
    user: str = ""
    session: str = ""
    history: tuple[PastRun, ...] = ()


class Checkpoint(Struct, frozen=True, gc=False):
    """A finished step, or a decision: which branch was taken, what parallel states became.

    `value` and `state` are JSON; a value of None is the content of `output`, and a state of
    None the one before.
    """

    path: str
    output: StepOutput | None = None
    value: str | None = None
    state: str | None = None


class Ending(Struct, frozen=True, gc=False):
    """How a run ended; `stopped_at` is the path where one that did not complete was stopped."""

    status: Status
    content: str = ""
    stopped_at: str = ""
    error: str = ""


class Journal(Protocol):
    """Where the holder of a run writes what is finished."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep one checkpoint, all of it or, when it raises, none.

        Raises:
            StorageError: it cannot be kept, or another holder has taken the run over.
        """

    def end(self, ending: Ending) -> None:
        """Keep how the run ended and let it go; see `save`."""

    def release(self) -> None:
        """Let the run go as it is; see `save`."""


class Resumed(Struct, frozen=True, eq=False):
    """A run that is to go on, or one that is completed, which nobody needs to hold."""

    run: WorkflowRun
    ending: Ending | None
    checkpoints: tuple[Checkpoint, ...]
    journal: Journal


class Checkpoints(Protocol):
    """What a workflow needs of a store.

    Set `blocking = True` on one whose calls wait for a disk or a network, and asynchronous runs
    call it in a thread. Its calls are synchronous: a run that is closed or cancelled has no
    time to await where it was stopped.
    """

    def begin(self, run: WorkflowRun) -> Journal:
        """Keep a new run and hold it.

        Raises:
            InputError: there is a run of this id.
        """

    def resume(self, run_id: str, *, take_over: bool = False) -> Resumed:
        """Give what is kept of a run and hold it; by force when told to `take_over`.

        Raises:
            InputError: there is no such run, or somebody else holds it.
        """

    def history(self, run: WorkflowRun, *, count: int) -> tuple[PastRun, ...]:
        """Give the newest completed runs of the same workflow, user and session, oldest first."""


def is_checkpoints(value: object) -> bool:
    """Tell whether a value can keep checkpoints."""
    named = ("begin", "resume", "history")
    return not isinstance(value, type) and all(callable(getattr(value, n, None)) for n in named)


def unknown_run(run_id: str, place: str) -> InputError:
    """Say that there is no run to resume."""
    return InputError(f"there is no run `{run_id}` in {place}; it cannot be resumed")


def run_exists(run_id: str, place: str) -> InputError:
    """Say that an id is taken."""
    return InputError(
        f"there is a run `{run_id}` in {place} already; resume it, or give another `run_id`"
    )


def run_held(run_id: str, holder: str) -> InputError:
    """Say that somebody else carries the run out."""
    return InputError(
        f"run `{run_id}` is being carried out by {holder}; wait until it has ended, or - when you"
        " know that it is dead - resume with `take_over=True`"
    )


def run_taken(run_id: str) -> StorageError:
    """Say that somebody else has taken the run over."""
    return StorageError(
        f"run `{run_id}` was taken over by another holder, so this one stops; what it finished"
        " before is kept"
    )


class _Kept(Struct, eq=False):
    run: WorkflowRun
    checkpoints: list[Checkpoint]
    ending: Ending | None = None
    holder: object = None


class MemoryCheckpoints:
    """Checkpoints in this process, for tests and for runs that are retried while it lives.

    Args:
        max_runs: how many runs are kept; beyond, the oldest that nobody carries out is dropped.

    Safe to share between threads.
    """

    blocking = False

    def __init__(self, max_runs: int = 1000) -> None:
        self._max_runs = max_runs
        self._runs: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def begin(self, run: WorkflowRun) -> Journal:
        """Keep a new run and hold it; see `Checkpoints`."""
        with self._lock:
            if run.run_id in self._runs:
                raise run_exists(run.run_id, "this process")
            self._runs[run.run_id] = kept = _Kept(run, [])
            journal = _MemoryJournal(kept, self._lock)
            self._drop_oldest()
            return journal

    def resume(self, run_id: str, *, take_over: bool = False) -> Resumed:
        """Give what is kept of a run and hold it; see `Checkpoints`."""
        with self._lock:
            kept = self._runs.get(run_id)
            if kept is None:
                raise unknown_run(run_id, "this process")
            if kept.holder is not None and not take_over:
                raise run_held(run_id, "another run of this process")
            completed = kept.ending is not None and kept.ending.status == "completed"
            journal = _MemoryJournal(kept, self._lock, hold=not completed)
            return Resumed(kept.run, kept.ending, tuple(kept.checkpoints), journal)

    def history(self, run: WorkflowRun, *, count: int) -> tuple[PastRun, ...]:
        """Give the newest completed runs of a session; see `Checkpoints`."""
        found: list[PastRun] = []
        with self._lock:
            for kept in reversed(self._runs.values()):
                if len(found) == count:
                    break
                ended = kept.ending
                if ended is None or ended.status != "completed":
                    continue
                if conversation_of(kept.run) == conversation_of(run):
                    found.append(PastRun(kept.run.prompt, ended.content))
        return tuple(reversed(found))

    def __len__(self) -> int:
        """Count the runs kept."""
        return len(self._runs)

    def __bool__(self) -> bool:
        """Be true also when empty."""
        return True

    def __repr__(self) -> str:
        return f"<MemoryCheckpoints of {len(self)} runs, at most {self._max_runs}>"

    def _drop_oldest(self) -> None:
        if len(self._runs) > self._max_runs:
            idle = (run_id for run_id, kept in self._runs.items() if kept.holder is None)
            oldest = next(idle, None)
            if oldest is not None:
                del self._runs[oldest]


class _MemoryJournal:
    def __init__(self, kept: _Kept, lock: Lock, *, hold: bool = True) -> None:
        self._kept = kept
        self._lock = lock
        if hold:
            kept.holder = self

    def save(self, checkpoint: Checkpoint) -> None:
        with self._lock:
            self._check()
            self._kept.checkpoints.append(checkpoint)

    def end(self, ending: Ending) -> None:
        with self._lock:
            self._check()
            self._kept.ending = ending
            self._kept.holder = None

    def release(self) -> None:
        with self._lock:
            self._check()
            self._kept.holder = None

    def _check(self) -> None:
        if self._kept.holder is not self:
            raise run_taken(self._kept.run.run_id)


def conversation_of(run: WorkflowRun) -> tuple[str, str, str]:
    """Give what runs must share to be one conversation; without a session they share nothing."""
    return run.workflow, run.user, run.session
