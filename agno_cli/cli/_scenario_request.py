"""What `agno scenario` was asked for, read and checked before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.bench._registry import nearest
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._quantities import read_latency, read_quantity
from agno_cli.scenarios._thresholds import parse_threshold

if TYPE_CHECKING:
    from agno_cli.cli.scenario import ScenarioOptions

_T = TypeVar("_T")
_TRANSPORTS = ("http", "inproc")
_ENGINES = ("one", "processes", "ray")


def make_options(options: ScenarioOptions) -> Options:
    """Read the options that change a scenario.

    Raises:
        InputError: a value that cannot be read, with the place marked.
    """
    return Options(
        rate=_rate(options.rate),
        duration=_time("--duration", options.duration),
        warmup=_time("--warmup", options.warmup, zero=True),
        seed=options.seed,
        thresholds=tuple(_read(parse_threshold, "--threshold", t) for t in options.threshold or ()),
        only=options.run,
        agent=options.agent,
        model=options.model,
        latency=_optional(read_latency, "--latency", options.latency),
        agents=options.agents,
        transport=_one_of("--transport", options.transport or "http", _TRANSPORTS),
        url=options.url,
        allow_remote=options.allow_remote,
        port=options.port or 0,
        find_max=options.find_max,
        inject_stall=_time("--inject-stall", options.inject_stall),
        engine=_one_of("--engine", options.engine, _ENGINES),
        workers=options.workers,
        address=options.address,
    )


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    plain = text.replace("_", "").replace(".", "", 1).isdigit()
    rate = _read(
        lambda place, value: read_quantity(place, value, "rate"),
        "--rate",
        f"{text}/s" if plain else text,
    )
    return _positive("--rate", text, rate)


def _time(option: str, text: str | None, *, zero: bool = False) -> float | None:
    if text is None:
        return None
    seconds = _read(lambda place, value: read_quantity(place, value, "time"), option, text)
    return seconds if zero else _positive(option, text, seconds)


def _positive(option: str, text: str, value: float) -> float:
    if value <= 0:
        raise InputError(f"{option}: `{text}` is nothing; give more than 0")
    return value


def _optional(read: Callable[[str, object], _T], place: str, text: str | None) -> _T | None:
    return None if text is None else _read(read, place, text)


def _read(read: Callable[[str, object], _T], place: str, text: str) -> _T:
    try:
        return read(place, text)
    except ConfigurationError as error:
        raise InputError(str(error)) from None


def _one_of(option: str, text: str | None, known: Sequence[str]) -> Any:
    if text is not None and text not in known:
        raise InputError(f"`{option} {text}` is unknown; {nearest(text, known)}")
    return text
