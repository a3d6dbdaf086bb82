"""The making of agents, in the process that is measured."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

from agno_cli._errors import ConfigurationError
from agno_cli.scenarios._batch_job import BatchDone, BatchJob
from agno_cli.scenarios._creation import Loops, creation, loops_of
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._process import resident

_MOST_CHECKED = 10_000
_MOST_STAMPED = 10_000  # at once: a list of more is what the memory's own speed shows in
_SPIN_SECONDS = 0.002


def make_batch(job: BatchJob) -> BatchDone:
    """Do a job.

    Raises:
        InputError, ConfigurationError: the agent cannot be made.
    """
    return _WAYS[job.way](job)


@contextmanager
def _collector(job: BatchJob) -> Iterator[None]:
    """Begin with nothing to collect, as the process would that does only this."""
    gc.collect()
    if not job.collector:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _wait_until(at: float) -> None:
    """Wait for a moment that all workers know; the last of it awake, as sleeping is inexact."""
    if at:
        time.sleep(max(0.0, at - _SPIN_SECONDS - perf_counter()))
        while perf_counter() < at:
            pass


def _kept(job: BatchJob) -> BatchDone:
    make = loops_of(creation(job.agent, job.model)).kept
    seconds, teardown = array("d"), array("d")
    started = ended = 0.0
    for _ in range(job.batches):
        with _collector(job):
            _wait_until(job.at)
            started = perf_counter()
            made = make(job.agents)
            ended = perf_counter()
            del made
            gone = perf_counter()
        seconds.append(ended - started)
        teardown.append(gone - ended)
    return BatchDone(started=started, ended=ended, seconds=tuple(seconds), teardown=tuple(teardown))


def _dropped(job: BatchJob) -> BatchDone:
    make = loops_of(creation(job.agent, job.model)).dropped
    seconds = array("d")
    for _ in range(job.batches):
        with _collector(job):
            started = perf_counter()
            make(job.agents)
            seconds.append(perf_counter() - started)
    return BatchDone(seconds=tuple(seconds))


def _single(job: BatchJob) -> BatchDone:
    """Time each creation between two readings of the clock, one reading a creation."""
    count = min(job.agents, _MOST_STAMPED)
    own = median(sorted(_steps(Loops("None", {}), count, job)))
    loops = loops_of(creation(job.agent, job.model))
    histogram = Histogram()
    for _ in range(job.batches):
        histogram.record(max(step - own, 0.0) for step in _steps(loops, count, job))
    return BatchDone(histogram=histogram.encode(), clock=own)


def _steps(loops: Loops, count: int, job: BatchJob) -> Iterator[float]:
    stamps, places = array("d", bytes(8 * count)), [None] * count
    with _collector(job):
        before = perf_counter()
        loops.stamped(stamps, places, range(count))
    for stamp in stamps:
        yield stamp - before
        before = stamp


def _resident(job: BatchJob) -> BatchDone:
    make = loops_of(creation(job.agent, job.model)).kept
    make(1)
    with _collector(job):
        before = resident()
        made = make(job.agents)
        taken = resident() - before
        del made
    return BatchDone(bytes=max(taken, 0))


def _counted(job: BatchJob) -> BatchDone:
    from agno_cli.bench._counting import count_memory

    counted = count_memory(lambda: creation(job.agent, job.model))
    allocations = counted.counts.get("allocations")
    return BatchDone(
        bytes=counted.counts["bytes"].value,
        allocations=None if allocations is None else allocations.value,
        notes=counted.notes,
    )


def _checked(job: BatchJob) -> BatchDone:
    """See that each is an agent of its own that works; a real model would have to be paid."""
    operation = creation(job.agent, job.model)
    made = loops_of(operation).kept(min(job.agents, _MOST_CHECKED))
    if len({id(agent) for agent in made}) != len(made):
        raise ConfigurationError("some of the agents are the same object")
    operation.check(made[0])
    if job.model.name:
        return BatchDone()
    outputs = [agent.run(job.agent.prompt) for agent in made]
    wrong = [output.content for output in outputs if not _is_right(job, output)]
    if wrong:
        raise ConfigurationError(f"{len(wrong):,} of {len(made):,} agents answer {wrong[0]!r}")
    return BatchDone(runs=len(outputs), ids=len({output.run_id for output in outputs}))


def _is_right(job: BatchJob, output: Any) -> bool:
    return bool(job.agent.reference or output.content == job.model.answer)


_WAYS: dict[str, Callable[[BatchJob], BatchDone]] = {
    "kept": _kept,
    "dropped": _dropped,
    "single": _single,
    "resident": _resident,
    "counted": _counted,
    "checked": _checked,
}
