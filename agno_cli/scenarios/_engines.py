"""Engines: where the workers of a scenario are, and the crews of workers that do its jobs.

A job is a text that any worker can be given, so when a worker is lost - its process was killed,
its machine is gone - another is given what it had not done.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from time import perf_counter, sleep
from typing import Protocol

import msgspec
from msgspec import Struct

from agno_cli.scenarios._definition import Crewed
from agno_cli.scenarios._programs import Program, program
from agno_cli.scenarios._work import Answer, Done, Job, Ready, WorkFailedError

_WORKER = "agno_cli.scenarios._worker"
_START_SECONDS = 60.0
_JOB_SECONDS = 900.0
_LOOK_SECONDS = 0.002
_LAST_WORDS_SECONDS = 0.1
_MOST_ATTEMPTS = 3


class Worker(Protocol):
    """One that does a job at a time."""

    where: str

    def begin(self, job: bytes) -> None:
        """Have it do a job."""

    def hear(self) -> bytes | None:
        """Give what it has said since, None where it has not; waits for a moment."""

    def lost(self) -> str:
        """Say how it was lost; empty while it is there, or has something left to say."""


class Loss(Struct, frozen=True):
    """A worker was lost; its share, if it had one, was done again by another (`instead`)."""

    worker: str
    reason: str
    instead: str = ""

    def __str__(self) -> str:
        redone = f"; its share was done again by {self.instead}" if self.instead else ""
        return f"{self.worker} was lost ({self.reason}){redone}"


class Crew:
    """Some workers that are ready.

    Attributes:
        size: how many there were at first.
        clocks: of the machines they are on; see `clock_name`.
        startup: seconds until all of them were ready.
        losses: the workers that were lost, of all crews of the engine.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        hire: Callable[[], Worker],
        losses: list[Loss],
        clocks: set[str],
        startup: float,
    ) -> None:
        self.size = len(workers)
        self.clocks = clocks
        self.startup = startup
        self.losses = losses
        self._workers = list(workers)
        self._hire = hire

    def do(self, jobs: Sequence[Job], *, seconds: float = _JOB_SECONDS) -> list[Done]:
        """Have the jobs done; give what came of them, in their order.

        Raises:
            InputError, ConfigurationError: what the user gave cannot be used.
            WorkFailedError: a job failed, was lost too often, or took too long.
        """
        return _Round(jobs, self._workers, self._replaced, self.losses).run(seconds)

    def _replaced(self) -> None:
        """See that somebody is left."""
        if not self._workers:
            self._workers.append(self._hire())


class _Round:
    """The doing of some jobs: which are waiting, who does which, what was done."""

    def __init__(
        self,
        jobs: Sequence[Job],
        workers: list[Worker],
        replace: Callable[[], None],
        losses: list[Loss],
    ) -> None:
        self._jobs = [msgspec.json.encode(job) for job in jobs]
        self._waiting = deque(range(len(jobs)))
        self._attempts = [0] * len(jobs)
        self._done: dict[int, Done] = {}
        self._busy: dict[int, Worker] = {}
        self._workers = workers
        self._replace = replace
        self._losses = losses
        self._unreported: dict[int, Loss] = {}

    def run(self, seconds: float) -> list[Done]:
        ends_at = perf_counter() + seconds
        while len(self._done) < len(self._jobs):
            self._hand_out()
            for index, worker in list(self._busy.items()):
                self._look(index, worker)
            if perf_counter() > ends_at:
                raise WorkFailedError(f"the workers did not end within {seconds:g} s")
            sleep(_LOOK_SECONDS)
        return [self._done[index] for index in range(len(self._jobs))]

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker not in self._busy.values():
                index = self._waiting.popleft()
                self._attempts[index] += 1
                self._busy[index] = worker
                worker.begin(self._jobs[index])

    def _look(self, index: int, worker: Worker) -> None:
        said = worker.hear()
        if said is not None:
            self._done[index] = msgspec.json.decode(said, type=Answer).result()
            del self._busy[index]
            if index in self._unreported:
                loss = self._unreported.pop(index)
                self._losses.append(msgspec.structs.replace(loss, instead=worker.where))
        elif reason := worker.lost():
            self._lose(index, worker, reason)

    def _lose(self, index: int, worker: Worker, reason: str) -> None:
        del self._busy[index]
        self._workers.remove(worker)
        if index in self._unreported:
            self._losses.append(self._unreported.pop(index))
        loss = Loss(worker.where, reason)
        if self._attempts[index] == _MOST_ATTEMPTS:
            self._losses.append(loss)
            raise WorkFailedError(
                f"{_MOST_ATTEMPTS} workers in a row were lost with the same share: {loss}"
            )
        self._unreported[index] = loss
        self._waiting.appendleft(index)
        self._replace()


class Engine(Protocol):
    """Where crews come from.

    Attributes:
        name: in words.
        workers: how many a crew has unless another number is asked for.
        losses: workers of its crews that were lost.
    """

    name: str
    workers: int
    losses: list[Loss]

    def crew(self, workers: int | None = None) -> AbstractContextManager[Crew]:
        """Have workers made ready, in fresh processes; when the block ends, so do they."""


def ending(running: Program) -> str:
    """Say how a program ended; empty while it runs."""
    code = running.code
    return "" if code is None else running.problem() or f"it ended with exit code {code}"


class ProcessWorker:
    """A process of this machine."""

    def __init__(self, number: int, running: Program) -> None:
        self.where = f"worker {number}"
        self._program = running

    def ready(self, ends_at: float) -> Ready:
        """Wait until it is.

        Raises:
            WorkFailedError: it is not in time.
        """
        line = None
        while line is None and not self.lost() and perf_counter() < ends_at:
            line = self._program.hear(_LAST_WORDS_SECONDS)
        if line is None:
            raise WorkFailedError(f"{self.where} did not start: {self.lost() or 'it is too slow'}")
        return msgspec.json.decode(line, type=Ready)

    def begin(self, job: bytes) -> None:
        """Have it do a job."""
        self._program.say(job.decode())

    def hear(self) -> bytes | None:
        """Give what it has said since; a process that has ended is given a moment for it."""
        ended = self._program.code is not None
        line = self._program.hear(_LAST_WORDS_SECONDS if ended else _LOOK_SECONDS)
        return None if line is None else line.encode()

    def lost(self) -> str:
        """Say how it ended; empty while it runs."""
        return ending(self._program)


class ProcessEngine:
    """Workers that are processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.losses: list[Loss] = []
        self.name = "one process" if workers == 1 else f"{workers} processes"

    @contextmanager
    def crew(self, workers: int | None = None) -> Iterator[Crew]:
        """Start processes; when the block ends, so do they."""
        with ExitStack() as stack:
            began = perf_counter()
            numbers = iter(range(1, 10_000))

            def start() -> ProcessWorker:
                running = stack.enter_context(program(_WORKER, b""))
                return ProcessWorker(next(numbers), running)

            def hire() -> ProcessWorker:
                worker = start()
                worker.ready(perf_counter() + _START_SECONDS)
                return worker

            started = [start() for _ in range(workers or self.workers)]
            clocks = {worker.ready(began + _START_SECONDS).clock for worker in started}
            yield Crew(
                started,
                hire=hire,
                losses=self.losses,
                clocks=clocks,
                startup=perf_counter() - began,
            )


@contextmanager
def opened(run: Crewed) -> Iterator[Engine]:
    """Give the engine that a run asks for; when the block ends, nothing of it is left.

    Raises:
        ConfigurationError: it is not there, or cannot be reached.
    """
    if run.engine == "ray":
        from agno_cli.scenarios._engine_ray import ray_engine

        with ray_engine(run.workers, run.address) as engine:
            yield engine
    else:
        many = run.engine == "processes"
        yield ProcessEngine((run.workers or os.cpu_count() or 1) if many else 1)
