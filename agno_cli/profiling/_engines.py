"""The engines that find where time goes: which there are, and which one a profile takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.profiling._profile import Clock
from agno_cli.profiling._pyspy import find_py_spy

Engine: TypeAlias = Literal["py-spy", "pyinstrument", "cprofile", "perf"]
ENGINES: tuple[Engine, ...] = ("py-spy", "pyinstrument", "cprofile", "perf")
CLOCKS: tuple[Clock, ...] = ("cpu", "wall")

_ONLY: dict[Engine, Clock] = {"pyinstrument": "wall", "cprofile": "wall", "perf": "cpu"}
# Below this share of computing, where the time goes is a question of what it waits for.
_MOSTLY_WAITING = 0.5
SHORTEST, LONGEST = 1e-4, 1.0


class Settings(Struct, frozen=True, kw_only=True):
    """How to look.

    Args:
        engine: None for the best there is.
        clock: None for what the target does: `wall` where it mostly waits.
        interval: seconds between two samples.
        seconds: how long to look; None for the default of the kind of target.
        timeout: seconds after which the target is ended.
        once: run a program once only, so that no slowdown is known.
        py_spy: its program.
    """

    engine: Engine | None = None
    clock: Clock | None = None
    interval: float = 0.002
    seconds: float | None = None
    timeout: float = 300.0
    once: bool = False
    py_spy: Path | None = None


def check_settings(settings: Settings) -> None:
    """Refuse what no engine can do.

    Raises:
        InputError: which, and what can be done.
    """
    if not SHORTEST <= settings.interval <= LONGEST:
        raise InputError(f"`--interval` is {settings.interval:g} s; samplers take from 100us to 1s")
    if settings.seconds is not None and not 0 < settings.seconds <= settings.timeout:
        raise InputError(
            f"`--duration` is {settings.seconds:g} s; give more than 0, and no more than"
            f" `--timeout`, {settings.timeout:g} s"
        )
    if settings.engine is None or settings.clock is None:
        return
    only = _ONLY.get(settings.engine, settings.clock)
    if settings.clock != only:
        raise InputError(
            f"`--engine {settings.engine}` knows only {only} time; leave `--mode` out, or take"
            " `--engine py-spy`"
        )


def choose_clock(settings: Settings, busy: float) -> Clock:
    """Say which time is asked for: by the engine, by the user, or by what the target does."""
    if settings.clock is not None:
        return settings.clock
    if settings.engine is not None and settings.engine in _ONLY:
        return _ONLY[settings.engine]
    return "wall" if busy < _MOSTLY_WAITING else "cpu"


def only_clock(engine: Engine) -> Clock | None:
    """Give the one time that an engine knows; None where it knows both."""
    return _ONLY.get(engine)


def candidates(settings: Settings, clock: Clock, *, awaits: bool) -> Sequence[Engine]:
    """Give the engines to try, the best first.

    py-spy slows a target least; but only pyinstrument attributes the time that a coroutine waits
    to what it awaits, where py-spy sees an idle event loop.
    """
    if settings.engine is not None:
        return (settings.engine,)
    if clock == "wall" and awaits:
        return ("pyinstrument", "py-spy")
    return ("py-spy", "pyinstrument")


def py_spy_of(settings: Settings) -> Path:
    """Give py-spy's program.

    Raises:
        ConfigurationError: there is none.
    """
    found = settings.py_spy or find_py_spy()
    if found is None:
        raise ConfigurationError(
            "py-spy is not installed: pip install py-spy; or take `--engine pyinstrument`"
        )
    return found
