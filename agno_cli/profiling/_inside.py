"""The engines that work inside the profiled process: pyinstrument and cProfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import RawFrame

_SEPARATOR, _ATTRIBUTES = "\x00", "\x01"
_SYNTHETIC = {"[await]": "[await]", "[out-of-context]": "[another task]"}


class Counted(Struct, frozen=True, array_like=True):
    """A function as cProfile knows it: calls, and seconds by itself and with what it called."""

    frame: RawFrame
    calls: int
    own: float
    total: float


class Capture(Struct, frozen=True):
    """What an engine saw: stacks, outermost first, with their seconds; or functions."""

    samples: int = 0
    threads: int = 1
    stacks: tuple[tuple[tuple[RawFrame, ...], float], ...] = ()
    functions: tuple[Counted, ...] = ()


@contextmanager
def profiling(
    engine: Literal["pyinstrument", "cprofile"], interval: float, path: Path
) -> Iterator[None]:
    """Profile this thread while the context lasts, and write a Capture to a file."""
    waiting = _waiting_outside() if engine == "pyinstrument" else nullcontext()
    profiler = _started(engine, interval)
    process = os.getpid()
    try:
        with waiting:
            yield
    finally:
        if os.getpid() == process:  # a fork that gets here is not what was asked about
            capture = _stopped(engine, profiler)
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_bytes(msgspec.json.encode(capture))
            unfinished.replace(path)


@contextmanager
def _waiting_outside() -> Iterator[None]:
    """Let event loops turn outside of the context that pyinstrument was started in.

    It tells by a context variable what it was started for. Tasks inherit that; if the loop had it
    too, the time that the loop is idle would be the loop's, and not that of what is awaited.
    """
    from asyncio import BaseEventLoop
    from inspect import iscoroutine

    from pyinstrument.stack_sampler import active_profiler_context_var as active

    before = BaseEventLoop.run_until_complete

    def run_until_complete(self: BaseEventLoop, future: Any) -> Any:
        task = self.create_task(future) if iscoroutine(future) else future
        token = active.set(None)
        try:
            return before(self, task)
        finally:
            active.reset(token)

    BaseEventLoop.run_until_complete = run_until_complete  # type: ignore[method-assign]
    try:
        yield
    finally:
        BaseEventLoop.run_until_complete = before  # type: ignore[method-assign]


def _started(engine: str, interval: float) -> Any:
    if engine == "cprofile":
        from cProfile import Profile

        profile = Profile()
        profile.enable()
        return profile
    from pyinstrument import Profiler

    profiler = Profiler(interval=interval, async_mode="enabled")
    profiler.start()
    return profiler


def _stopped(engine: str, profiler: Any) -> Capture:
    if engine == "cprofile":
        profiler.disable()
        profiler.create_stats()
        return Capture(
            functions=tuple(
                Counted((name, path if path != "~" else "<built-in>", line), calls, own, total)
                for (path, line, name), (_, calls, own, total, _) in profiler.stats.items()
            )
        )
    session = profiler.stop()
    sums: dict[tuple[str, ...], float] = {}
    for stack, seconds in session.frame_records:
        key = tuple(stack)
        sums[key] = sums.get(key, 0.0) + seconds
    return Capture(
        samples=len(session.frame_records),
        stacks=tuple((tuple(map(_frame, key)), seconds) for key, seconds in sums.items()),
    )


def _frame(text: str) -> RawFrame:
    """Read one of pyinstrument's frames: name, file, first line, then attributes."""
    identifier, _, attributes = text.partition(_ATTRIBUTES)
    if identifier in _SYNTHETIC:
        return _SYNTHETIC[identifier], "", 0
    name, path, line = (*identifier.split(_SEPARATOR), "", "0")[:3]
    for attribute in attributes.split(_ATTRIBUTES):
        if attribute.startswith("l"):
            line = attribute[1:]
        elif attribute.startswith("c") and "." not in name:
            name = f"{attribute[1:]}.{name}"
    return name, path, int(line or 0)


def read_capture(path: Path) -> Capture:
    """Read what `profiling` wrote.

    Raises:
        CouldNotProfileError: it is missing or damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Capture)
    except FileNotFoundError:
        raise CouldNotProfileError(
            "the target left its process at once, as by `os._exit`, and nothing could be written;"
            " `--engine py-spy` looks from outside"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise CouldNotProfileError(f"the capture is damaged: {error}") from error
