"""Where the time goes: a target repeated in a child under an engine, or a program run whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError
from agno_cli.bench._environment import read_environment
from agno_cli.profiling import _perf
from agno_cli.profiling._conversation import Conversation, conversing
from agno_cli.profiling._engines import (
    Engine,
    Settings,
    candidates,
    check_settings,
    choose_clock,
    only_clock,
    py_spy_of,
)
from agno_cli.profiling._errors import TookTooLongError
from agno_cli.profiling._frames import make_frame
from agno_cli.profiling._inside import Capture, read_capture
from agno_cli.profiling._making import Observed, make_profile
from agno_cli.profiling._messages import Begin, Done, Profiled, Ready, Rest, Task
from agno_cli.profiling._perf import Perf, check_perf
from agno_cli.profiling._profile import Clock, CpuProfile, Slowdown
from agno_cli.profiling._pyspy import WAY_OUT, NotTraceableError, PySpy, dump
from agno_cli.profiling._targets import Target

Tell: TypeAlias = Callable[[str], None]

_SECONDS = 4.0
_STAND_IN_SECONDS = 1.0
_LONGEST = 4  # times the default, for a target that gives too few samples


def typical(times: Sequence[float]) -> float:
    """Give the lower quartile of batches.

    On a busy machine others are in the way of more than half of them; an engine that stops the
    process each millisecond is in the way of all.
    """
    return quantiles(times, n=4, method="inclusive")[0] if len(times) > 1 else times[0]


class Look(Struct, frozen=True):
    """One look at a child through an engine."""

    engine: Engine
    clock: Clock
    interval: float
    seconds: float
    at_most: float
    folder: Path


def profile_cpu(target: Target, settings: Settings, on_step: Tell = lambda _: None) -> CpuProfile:
    """Find where a target's time goes.

    Args:
        target: what to profile.
        settings: how.
        on_step: told in words what comes next, for it takes seconds.

    Raises:
        InputError: there is no such target, or no engine can do what is asked.
        ConfigurationError: the user's code raises when it is imported; an engine is missing.
        CouldNotProfileError: the target or the engine failed, or took too long.
    """
    check_settings(settings)
    if settings.engine == "perf":
        check_perf()
    if target.kind == "program":
        from agno_cli.profiling._programs import profile_program

        return profile_program(target, settings, on_step)
    task = Task(target, settings.interval)
    variables = _perf.VARIABLES if settings.engine == "perf" else {}
    on_step(f"warming {target.text} up in a process of its own")
    with (
        TemporaryDirectory() as folder,
        conversing(task, seconds=settings.timeout, variables=variables) as child,
    ):
        try:
            ready = child.hear(Ready)
        except TookTooLongError as error:
            raise _with_place(error, child.pid, settings) from None
        return _profile_child(target, settings, child, ready, Path(folder), on_step)


def _profile_child(
    target: Target,
    settings: Settings,
    child: Conversation,
    ready: Ready,
    folder: Path,
    on_step: Tell,
) -> CpuProfile:
    """Try one engine after the other until one may look."""
    real = target.kind == "real"
    clock = "wall" if real and settings.clock is None else choose_clock(settings, ready.busy)
    notes: list[str] = []
    for engine in candidates(settings, clock, awaits=ready.awaits):
        look = Look(
            engine=engine,
            clock=only_clock(engine) or clock,
            interval=settings.interval,
            seconds=settings.seconds or _SECONDS,
            at_most=settings.seconds or _LONGEST * _SECONDS,
            folder=folder,
        )
        on_step(f"profiling {target.text} with {engine}")
        try:
            observed = (_observe_once if real else _observe)(look, child, ready, settings)
        except NotTraceableError as error:
            notes.append(fell_back(error, settings))
            continue
        return make_profile(target, observed, read_environment(), notes)
    raise ConfigurationError(notes[-1])


def fell_back(error: NotTraceableError, settings: Settings) -> str:
    """Say why py-spy was of no use, and the way out."""
    instead = "or take `--engine pyinstrument`, which needs no permission"
    if settings.engine is None:
        instead = "pyinstrument is used instead, which slows small functions more"
    return f"py-spy may not look into the process ({error}): {WAY_OUT}; {instead}"


def _observe(look: Look, child: Conversation, ready: Ready, settings: Settings) -> Observed:
    """Look at a target that is repeated, and then once more without looking."""
    try:
        capture, notes, said = _capture(look, child, settings)
    except _Stuck as stuck:
        return Observed(
            engine=look.engine,
            clock=look.clock,
            interval=look.interval,
            capture=stuck.capture,
            seconds=stuck.seconds,
            noun=ready.noun,
            summary=ready.summary,
            bare=typical(ready.bare),
            notes=(str(stuck),),
            partial=True,
        )
    child.tell(Rest())
    bare = typical([*ready.bare, *child.hear(Done).bare])
    return Observed(
        engine=look.engine,
        clock=look.clock,
        interval=look.interval,
        capture=capture,
        seconds=said.seconds,
        operations=said.operations,
        noun=ready.noun,
        summary=ready.summary,
        bare=bare,
        slowdown=Slowdown(bare, typical(said.times), ready.noun),
        notes=tuple(notes),
    )


def _observe_once(look: Look, child: Conversation, ready: Ready, settings: Settings) -> Observed:
    """Look at a real run; find the slowdown on a run that costs nothing."""
    capture, notes, said = _capture(look, child, settings)
    again = replace(look, seconds=_STAND_IN_SECONDS, at_most=_STAND_IN_SECONDS)
    _, _, stand_in = _capture(again, child, settings)
    child.tell(Rest())
    bare = typical([*ready.bare, *child.hear(Done).bare])
    return Observed(
        engine=look.engine,
        clock=look.clock,
        interval=look.interval,
        capture=capture,
        seconds=said.seconds,
        operations=1,
        noun=ready.noun,
        summary=ready.summary,
        slowdown=Slowdown(bare, typical(stand_in.times), "run of a scripted model"),
        parts=said.parts,
        notes=tuple(notes),
    )


class _Stuck(Exception):
    """The target did not end in time, but it was seen meanwhile."""

    def __init__(self, error: TookTooLongError, capture: Capture, seconds: float) -> None:
        super().__init__(f"{error}: this is what it did until then")
        self.capture, self.seconds = capture, seconds


def _capture(
    look: Look, child: Conversation, settings: Settings
) -> tuple[Capture, list[str], Profiled]:
    path = look.folder / f"{look.engine}.capture"
    path.unlink(missing_ok=True)
    inside: Any = look.engine if look.engine in ("pyinstrument", "cprofile") else ""
    begin = Begin(inside, look.clock, look.interval, look.seconds, look.at_most, capture=str(path))
    with _attached(look, child.pid, path, settings) as sampler:
        left = child.seconds_left
        child.tell(begin)
        try:
            said = child.hear(Profiled)
        except TookTooLongError as error:
            if sampler is None:
                raise _with_place(error, child.pid, settings) from None
            sampler.stop()
            raise _Stuck(error, sampler.finish()[0], left) from None
        if sampler is None:
            return read_capture(path), [], said
        sampler.stop()
        capture, notes = sampler.finish()
    return capture, notes, said


@contextmanager
def _attached(
    look: Look, pid: int, path: Path, settings: Settings
) -> Iterator[PySpy | Perf | None]:
    """Attach an engine from outside, and surely end it; None where it works inside."""
    at = ["--pid", str(pid)]
    sampler: PySpy | Perf
    if look.engine == "perf":
        sampler = Perf(check_perf(), at, interval=look.interval, output=path)
    elif look.engine == "py-spy":
        program = py_spy_of(settings)
        sampler = PySpy(program, at, interval=look.interval, clock=look.clock, output=path)
    else:
        yield None
        return
    try:
        sampler.wait_until_ready()
        yield sampler
    finally:
        sampler.kill()


def _with_place(error: TookTooLongError, pid: int, settings: Settings) -> TookTooLongError:
    """Add where a target hangs, if py-spy may look."""
    try:
        stack = dump(py_spy_of(settings), pid)
    except ConfigurationError:
        stack = []
    frames = [make_frame(raw) for raw in stack]
    own = [frame for frame in frames if frame.origin == "yours" and frame.file]
    if not own:
        return error
    return TookTooLongError(
        f"{error}; it is in `{own[-1].function}` at {own[-1].file}:{own[-1].line}"
    )
