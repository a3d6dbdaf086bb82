"""The times of every request, in a file that the load generator writes and its parent reads.

The generator stores four numbers a request into memory that both have mapped: that costs it
40 ns each, and progress costs it nothing. What it has stored outlives it, so a generator that is
interrupted or killed leaves a partial report.

The clock is `time.perf_counter`, which all processes of a machine share on Linux, macOS and
Windows.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

Outcome: TypeAlias = Literal["", "ok", "status", "wrong answer", "timeout", "connection", "dropped"]

OUTCOMES: Final[tuple[Outcome, ...]] = (
    "",
    "ok",
    "status",
    "wrong answer",
    "timeout",
    "connection",
    "dropped",
)
OK, STATUS, WRONG, TIMEOUT, CONNECTION, DROPPED = range(1, len(OUTCOMES))
_HEADER = 16
_COLUMNS = 5
_DOUBLE = 8


class Head:
    """Places in the header, all of them doubles."""

    STARTED: Final = 0  # perf_counter at the end of the warm-up; 0 before the first request
    PICKED: Final = 1  # requests that were due and that the generator has seen
    SENT: Final = 2
    DONE: Final = 3
    ERRORS: Final = 4
    MOST_QUEUED: Final = 5  # measured ones, warm-up excluded, as are all below
    MOST_IN_FLIGHT: Final = 6
    BUSY: Final = 7  # seconds of the generator's turns in which there was something to do
    TURNS: Final = 8  # seconds of all of its turns
    ENDED: Final = 9  # 1 when the generator came to its end
    CONNECTIONS: Final = 10  # most that were open at once


class Recording:
    """The columns, each with a place for every request, in the order of the schedule.

    Attributes:
        intended: when it was to be sent, in seconds from the end of the warm-up.
        picked: when the generator saw that it was due; 0 if it never did, as below.
        sent: when it was written to a connection.
        done: when the whole answer was there, or it had failed.
        model: seconds that the model took, as the service said; of an answer whose HTTP
            status is an error, that status.
        outcome: an index into OUTCOMES.
    """

    def __init__(self, memory: mmap.mmap, count: int) -> None:
        self.count = count
        self._memory = memory
        view = memoryview(memory)
        end = _DOUBLE * (_HEADER + _COLUMNS * count)
        doubles = view[:end].cast("d")
        self.head = doubles[:_HEADER]
        columns = [
            doubles[_HEADER + number * count : _HEADER + (number + 1) * count]
            for number in range(_COLUMNS)
        ]
        self.intended, self.picked, self.sent, self.done, self.model = columns
        self.outcome = view[end : end + count]
        self._views: list[memoryview[Any]] = [view, doubles, self.head, self.outcome, *columns]

    def close(self) -> None:
        """Let go of the memory; nothing can be read afterwards."""
        for view in reversed(self._views):
            view.release()
        self._memory.close()


@contextmanager
def created(path: Path, intended: array[float]) -> Iterator[Recording]:
    """Make a recording for a schedule."""
    count = len(intended)
    with path.open("w+b") as file:
        # Sparse: pages that nothing is written to take no room.
        file.truncate(_DOUBLE * (_HEADER + _COLUMNS * count) + count)
        recording = Recording(mmap.mmap(file.fileno(), 0), count)
    try:
        recording.intended[:] = memoryview(intended)
        yield recording
    finally:
        recording.close()


@contextmanager
def opened(path: Path, count: int) -> Iterator[Recording]:
    """Open a recording that another process made."""
    with path.open("r+b") as file:
        recording = Recording(mmap.mmap(file.fileno(), 0), count)
    try:
        yield recording
    finally:
        recording.close()


class Job(Struct, frozen=True, kw_only=True):
    """What a generator is to do; its one argument, as JSON.

    Attributes:
        path, count: of the recording.
        address, port: where to connect; `host` and `path_on_host` are what is asked for.
        body: of each request, the same for all.
        expected: the content that a good answer has; None for another's service.
        within: a text that another's answer must hold; empty for any.
        closed: how many ask at once, each as soon as it is answered; 0 for a schedule.
        warmup, duration: seconds; requests of a closed loop begin until their end.
        connections, max_in_flight, timeout: see Load.
        cores: to run on, empty for any.
        spins: whether to wait without sleeping; not where there is no core to spare.
    """

    path: str
    count: int
    address: str = ""
    host: str = ""
    port: int = 0
    path_on_host: str = "/"
    body: str = ""
    expected: str | None = None
    within: str = ""
    closed: int = 0
    warmup: float = 0.0
    duration: float = 1.0
    connections: int = 1
    max_in_flight: int = 1
    timeout: float = 10.0
    cores: tuple[int, ...] = ()
    spins: bool = True
