"""Programs: run whole, bare and under an engine, until there are enough samples."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import IO, Any

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._children import Child, end_group
from agno_cli.bench._environment import read_environment
from agno_cli.bench._interrupts import interrupts_held
from agno_cli.profiling._commands import Command, inside, read_command
from agno_cli.profiling._engines import (
    Engine,
    Settings,
    candidates,
    choose_clock,
    only_clock,
    py_spy_of,
)
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import without_harness
from agno_cli.profiling._inside import Capture, read_capture
from agno_cli.profiling._making import Observed, make_profile
from agno_cli.profiling._perf import Perf, check_perf
from agno_cli.profiling._profile import Clock, CpuProfile, Slowdown
from agno_cli.profiling._pyspy import NotTraceableError, PySpy, interrupt
from agno_cli.profiling._runner import Outcome, Request
from agno_cli.profiling._targets import Target

_ENOUGH_SAMPLES = 1000
# How much longer than the least a short program is run again for more samples.
_REPEAT_SECONDS, _MOST_RUNS = 10.0, 50
_GRACE_SECONDS = 5.0
# What a bare run may take of the time limit: one that hangs is to be looked at, too.
_BARE_PART = 0.4
_LAST_WORDS = 300


class Ran(Struct, frozen=True):
    """One run of a program: how long it took, computing how much; None computed if unknown."""

    seconds: float
    computed: float | None
    code: int
    problem: str = ""
    stopped: bool = False


class Seen(Struct, frozen=True):
    """One run that was looked at."""

    ran: Ran
    capture: Capture
    notes: tuple[str, ...] = ()


class Program:
    """A command to be run again and again, within one time limit.

    Args:
        target: the program.
        settings: how to look at it.
        folder: for what is written meanwhile.
    """

    def __init__(self, target: Target, settings: Settings, folder: Path) -> None:
        self.command = read_command(target.command)
        self.settings = settings
        self._folder = folder
        self._until = perf_counter() + settings.timeout
        self._number = 0

    @property
    def seconds_left(self) -> float:
        """What is left of the time limit."""
        return max(0.0, self._until - perf_counter())

    def bare(self) -> Ran:
        """Run it without a profiler; it is stopped where that takes too much of the time limit."""
        words, outcome = self._words("")
        with _process(words) as child:
            return self._wait(child, outcome, self.seconds_left * _BARE_PART)

    def seen(self, engine: Engine, clock: Clock) -> Seen:
        """Run it under an engine.

        Raises:
            NotTraceableError: py-spy may not look.
            ConfigurationError: the engine cannot work in this program.
            CouldNotProfileError: the engine failed.
        """
        if engine in ("pyinstrument", "cprofile"):
            return self._seen_inside(engine)
        words, outcome = self._words("")
        return self._seen_outside(engine, clock, words, outcome)

    def tracked(self, tracker: str) -> tuple[Ran, Path]:
        """Run it under a tracker of memory; give the file that it wrote.

        Raises:
            ConfigurationError: another Python runs it.
            CouldNotProfileError: nothing was written.
        """
        words, outcome = self._words(tracker)
        with _process(words) as child:
            ran = self._wait(child, outcome)
        if not self._capture.exists():
            said = f": {ran.problem}" if ran.problem else ""
            raise CouldNotProfileError(f"{tracker} wrote nothing{said}")
        return ran, self._capture

    def _seen_inside(self, engine: Engine) -> Seen:
        words, outcome = self._words(engine)
        with _process(words) as child:
            ran = self._wait(child, outcome, self.settings.seconds)
        return Seen(ran, read_capture(self._capture))

    def _seen_outside(
        self, engine: Engine, clock: Clock, words: Sequence[str], outcome: Path
    ) -> Seen:
        at = ["--", *words]
        settings = self.settings
        sampler: PySpy | Perf
        if engine == "perf":
            sampler = Perf(check_perf(), at, interval=settings.interval, output=self._capture)
        else:
            sampler = PySpy(
                py_spy_of(settings),
                at,
                interval=settings.interval,
                clock=clock,
                output=self._capture,
            )
        started = perf_counter()
        try:
            sampler.wait_until_ready()
            limit = min(self.seconds_left, settings.seconds or float("inf"))
            stopped = ended_within(sampler.process, limit) is None
            if stopped:
                sampler.stop()
            capture, notes = sampler.finish()
        finally:
            sampler.kill()
        seconds = perf_counter() - started
        ran = self._outcome(outcome) or Ran(seconds, None, 0)
        if stopped:
            ran = Ran(seconds, None, 0, stopped=True)
        return Seen(ran, capture, tuple(notes))

    def _words(self, engine: Any) -> tuple[list[str], Path]:
        """Give the command line: through the runner where that can be."""
        self._number += 1
        outcome = self._folder / f"outcome-{self._number}"
        self._capture = self._folder / f"capture-{self._number}"
        command = self.command
        if not command.is_ours and not engine:
            return list(command.words), outcome
        request = Request(
            command.kind,
            command.what,
            command.arguments,
            engine,
            self.settings.interval,
            str(self._capture),
            str(outcome),
        )
        return inside(command, msgspec.json.encode(request).decode(), engine), outcome

    def _wait(self, child: Child, outcome: Path, seconds: float | None = None) -> Ran:
        started, computed = perf_counter(), _children_seconds()
        limit = min(self.seconds_left, seconds or float("inf"))
        code = ended_within(child.process, limit)
        if code is None:
            interrupt(child.process)
            ended_within(child.process, _GRACE_SECONDS)
            return Ran(perf_counter() - started, None, 0, stopped=True)
        noted = self._outcome(outcome)
        if noted is not None:
            return noted
        lines = [line.strip() for line in child.complaints().splitlines() if line.strip()]
        said = lines[-1][:_LAST_WORDS] if code and lines else ""
        used = None if computed is None else (_children_seconds() or 0.0) - computed
        return Ran(perf_counter() - started, used, code, said)

    @staticmethod
    def _outcome(path: Path) -> Ran | None:
        if not path.exists():
            return None
        try:
            noted = msgspec.json.decode(path.read_bytes(), type=Outcome)
        except msgspec.DecodeError:  # it was ended while it wrote
            return None
        return Ran(noted.seconds, noted.computed, noted.code, noted.problem)


def _children_seconds() -> float | None:
    """Give what all children that have ended have computed."""
    if sys.platform == "win32":
        return None
    times = os.times()
    return times.children_user + times.children_system


def ended_within(process: subprocess.Popen[Any], seconds: float) -> int | None:
    """Wait for a process to end; give its exit code, or None when the time is up."""
    try:
        return process.wait(min(seconds, threading.TIMEOUT_MAX))
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def process_of(words: Sequence[str], stderr: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process in a group of its own; when the context ends, so does all of that group."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts_held():
            process = subprocess.Popen(  # noqa: S603 - what the user asked for, or this Python
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=sys.platform != "win32",
            )
        yield process
    finally:
        if process is not None:
            with interrupts_held():
                end_group(process)


@contextmanager
def _process(words: Sequence[str]) -> Iterator[Child]:
    with process_of(words, subprocess.PIPE) as process:
        yield Child(process)


def profile_program(
    target: Target, settings: Settings, on_step: Callable[[str], None]
) -> CpuProfile:
    """Run a program bare and under an engine; see `profile_cpu`."""
    with TemporaryDirectory() as folder:
        program = Program(target, settings, Path(folder))
        bare: list[Ran] = []
        # One that is stopped after a while, like a server, has no duration to compare.
        once = settings.once or settings.seconds is not None
        if not once:
            on_step(f"running {target.text} bare")
            bare.append(program.bare())
            once = bare[0].stopped
        clock = choose_clock(settings, _busy(bare))
        notes: list[str] = []
        for engine in _possible(settings, clock, program.command):
            try:
                clock = only_clock(engine) or clock
                on_step(f"running {target.text} under {engine}")
                seen = [program.seen(engine, clock)]
            except NotTraceableError as error:
                from agno_cli.profiling._cpu import fell_back

                notes.append(fell_back(error, settings))
                continue
            while not once and _wants_more(seen, program):
                on_step(f"running {target.text} again, for more samples")
                bare.append(program.bare())
                seen.append(program.seen(engine, clock))
            observed = _observed(engine, clock, settings, seen, bare)
            return make_profile(target, observed, read_environment(), notes)
        raise ConfigurationError(notes[-1])


def _busy(bare: Sequence[Ran]) -> float:
    if not bare or bare[0].computed is None:
        return 1.0
    return bare[0].computed / max(bare[0].seconds, 1e-9)


def _possible(settings: Settings, clock: Clock, command: Command) -> Sequence[Engine]:
    """Give the engines to try; those that work inside cannot enter another Python."""
    engines = candidates(settings, clock, awaits=clock == "wall")
    if settings.engine is None and not command.is_ours:
        return ("py-spy",)
    return engines


def _wants_more(seen: Sequence[Seen], program: Program) -> bool:
    """Tell whether another run would help, and is quick enough to be worth it."""
    if any(one.ran.stopped or one.ran.code for one in seen) or len(seen) >= _MOST_RUNS:
        return False
    if any(one.capture.functions for one in seen):  # counted, not sampled
        return False
    spent = sum(one.ran.seconds for one in seen)
    next_pair = 3 * spent / len(seen)
    return (
        sum(map(_own_samples, seen)) < _ENOUGH_SAMPLES
        and spent < _REPEAT_SECONDS
        and next_pair < program.seconds_left
    )


def _own_samples(seen: Seen) -> float:
    """Estimate how many samples are of the program itself, not of Python's start."""
    stacks = seen.capture.stacks
    own = sum(weight for stack, weight in stacks if without_harness(stack) is not None)
    return seen.capture.samples * own / (sum(weight for _, weight in stacks) or 1.0)


def _observed(
    engine: Engine, clock: Clock, settings: Settings, seen: Sequence[Seen], bare: Sequence[Ran]
) -> Observed:
    captures = [one.capture for one in seen]
    together = Capture(
        samples=sum(capture.samples for capture in captures),
        threads=captures[0].threads,
        stacks=tuple(stack for capture in captures for stack in capture.stacks),
        functions=captures[0].functions,
    )
    whole = [ran.seconds for ran in bare if not ran.stopped]
    least = min(whole, default=0.0)
    slowdown = None
    if whole and not seen[0].ran.stopped:
        slowdown = Slowdown(least, min(one.ran.seconds for one in seen), "program")
    return Observed(
        engine=engine,
        clock=clock,
        interval=settings.interval,
        capture=together,
        seconds=sum(one.ran.seconds for one in seen),
        operations=len(seen),
        noun="program",
        bare=least,
        slowdown=slowdown,
        notes=(*(note for one in seen[:1] for note in one.notes), *ends(seen[-1].ran, settings)),
        partial=any(is_partial(one.ran, settings) for one in seen),
    )


def is_partial(ran: Ran, settings: Settings) -> bool:
    """Tell whether a program did not come to its end as it should."""
    return bool(ran.code) or (ran.stopped and settings.seconds is None)


def ends(ran: Ran, settings: Settings) -> Iterator[str]:
    """Say how a program ended, where that was not well."""
    if ran.stopped and settings.seconds is None:
        yield (
            f"the program did not end within {settings.timeout:g} s: this is what it did until then"
        )
    elif ran.stopped:
        yield f"the program was stopped after {ran.seconds:.2g} s, as `--duration` says"
    elif ran.code:
        said = f": {ran.problem}" if ran.problem else ""
        yield f"the program ended with exit code {ran.code}{said}"
