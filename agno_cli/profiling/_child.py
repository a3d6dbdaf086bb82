"""The process that is profiled: `python -P -m agno_cli.profiling._child TASK`.

It repeats a target bare, then under a profiler, then bare again, and says how long each took;
so the profiler's slowdown comes from one process, and start-up is in no picture. Messages go
over the standard streams, which the target therefore does not get.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import perf_counter, process_time
from typing import BinaryIO

import msgspec

from agno_cli.bench._operations import Workbench
from agno_cli.profiling._messages import (
    Begin,
    Done,
    Failed,
    Profiled,
    Ready,
    Rest,
    Said,
    Task,
    Told,
    failed,
)
from agno_cli.profiling._real import RealRun
from agno_cli.profiling._work import Work, find_work

_BATCH_SECONDS = 0.005
_BARE_SECONDS, _WARM_SECONDS = 0.4, 0.2
# Enough for a margin of three percent; a target that mostly waits needs longer to give as many.
_LEAST_SAMPLES = 1000


class Wire:
    """The standard streams of this process, taken for messages."""

    def __init__(self) -> None:
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def say(self, message: Said) -> None:
        """Send one message."""
        self._out.write(msgspec.json.encode(message) + b"\n")
        self._out.flush()

    def hear(self) -> Told:
        """Wait for one message.

        Raises:
            SystemExit: whoever profiled is gone.
        """
        line = self._in.readline()
        if not line:
            raise SystemExit(1)
        return msgspec.json.decode(line, type=Begin | Rest)


class Repeated:
    """A target that is repeated in batches of about 5 ms."""

    def __init__(self, work: Work, bench: Workbench) -> None:
        self.noun, self.summary = work.noun, work.summary
        self.awaits = bench.operation.is_async
        self._work, self._bench = work, bench
        self.batch = 1

    def on(self, bench: Workbench) -> Repeated:
        """Give the same on another bench, as warm as this one."""
        other = Repeated(self._work, bench)
        other.batch = self.batch
        return other

    def warm_up(self) -> None:
        """Do it once, checked, and then until its speed is known."""
        self._bench.verify()
        until = perf_counter() + _WARM_SECONDS
        while True:
            seconds = self._time(self.batch)
            if perf_counter() >= until:
                return
            if seconds < _BATCH_SECONDS:
                self.batch *= 2

    def bare(self, seconds: float) -> tuple[float, ...]:
        """Repeat it without a profiler; seconds per operation, one for each batch."""
        until = perf_counter() + seconds
        times: list[float] = []
        while not times or perf_counter() < until:
            times.append(self._time(self.batch) / self._per_batch)
        return tuple(times)

    def profiled(self, begin: Begin, enough: Callable[[], bool]) -> Profiled:
        """Repeat it for some time, longer where that did not give enough samples."""
        times: list[float] = []
        started = perf_counter()
        profiled_part(self, times, started + begin.seconds, started + begin.at_most, enough)
        return Profiled(tuple(times), perf_counter() - started, len(times) * self._per_batch)

    @property
    def _per_batch(self) -> int:
        return self.batch * self._bench.per_loop

    def _time(self, loops: int) -> float:
        return self._bench.time(loops)

    def again(self, times: list[float]) -> None:
        """Do one more batch."""
        times.append(self._time(self.batch) / self._per_batch)


def profiled_part(
    target: Repeated,
    times: list[float],
    until: float,
    at_most: float,
    enough: Callable[[], bool],
) -> None:
    """Repeat a target; by this function's name its stacks are told from ours."""
    while not times or perf_counter() < until or (perf_counter() < at_most and not enough()):
        target.again(times)


def main(text: str) -> None:
    """Load the target and do as told."""
    wire = Wire()
    task = msgspec.json.decode(text, type=Task)
    _let_be_traced()
    try:
        if task.target.kind == "real":
            _converse_once(wire, RealRun(task.target))
            return
        work = find_work(task.target)
        with Workbench(work.prepare()) as bench:
            _converse(wire, work, Repeated(work, bench))
    except (Exception, SystemExit) as error:  # the target's own; whoever profiles is told
        if isinstance(error, SystemExit):
            wire.say(Failed("", f"the target ended its process: SystemExit({error.code!r})"))
        else:
            wire.say(failed(error))


def _converse(wire: Wire, work: Work, target: Repeated) -> None:
    target.warm_up()
    started, computed = perf_counter(), _computing()
    bare = target.bare(_BARE_SECONDS)
    busy = (_computing() - computed) / (perf_counter() - started)
    wire.say(Ready(os.getpid(), bare, busy, target.awaits, target.noun, target.summary))
    begin = wire.hear()
    if not isinstance(begin, Begin):
        return
    clock = process_time if begin.clock == "cpu" else perf_counter
    started = clock()

    def enough() -> bool:
        return clock() - started >= _LEAST_SAMPLES * begin.interval

    if begin.inside:
        # With an event loop that begins under the profiler, which knows tasks by their context.
        with _engine(begin), Workbench(work.prepare()) as bench:
            said = target.on(bench).profiled(begin, enough)
    else:
        said = target.profiled(begin, enough)
    wire.say(said)
    wire.hear()
    wire.say(Done(target.bare(_BARE_SECONDS)))


def _computing() -> float:
    """Give the seconds for which this process has computed, or would have on an idle machine."""
    try:
        # Nanoseconds that the main thread has waited for a core that others had; Linux only.
        waited = int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        waited = 0
    return process_time() + waited / 1e9


def _converse_once(wire: Wire, run: RealRun) -> None:
    """Make one real run; what a profiler costs is then found on a run that costs nothing."""
    from agno_cli.profiling._targets import DEFAULT, Target

    work = find_work(Target(text="", kind="benchmark", name=DEFAULT))
    with Workbench(work.prepare()) as bench:
        stand_in = Repeated(work, bench)
        stand_in.warm_up()
        bare = stand_in.bare(_BARE_SECONDS)
        run.warm_up()
        wire.say(Ready(os.getpid(), bare, 0.0, False, run.noun, run.summary))  # noqa: FBT003
        begin = wire.hear()
        if not isinstance(begin, Begin):
            return
        with _engine(begin):
            said = run.profiled()
        wire.say(said)
        begin = wire.hear()
        if isinstance(begin, Begin):
            with _engine(begin):
                said = stand_in.profiled(begin, lambda: True)
            wire.say(said)
            wire.hear()
        wire.say(Done(stand_in.bare(_BARE_SECONDS)))


def _engine(begin: Begin) -> AbstractContextManager[None]:
    if not begin.inside:
        return nullcontext()
    from agno_cli.profiling._inside import profiling

    return profiling(begin.inside, begin.interval, Path(begin.capture))


def _let_be_traced() -> None:
    """Allow a sibling to trace this process where Yama restricts that to ancestors."""
    if sys.platform != "linux":
        return
    import ctypes

    set_ptracer, anyone = 0x59616D61, -1  # PR_SET_PTRACER and PR_SET_PTRACER_ANY of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_ptracer, ctypes.c_ulong(anyone), 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1])
