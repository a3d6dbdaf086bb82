"""What the process that profiles and the one that is profiled say to each other."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import AgnoError, ConfigurationError, InputError
from agno_cli.profiling._errors import CouldNotProfileError, ProviderFailedError, TookTooLongError
from agno_cli.profiling._profile import Clock, Parts
from agno_cli.profiling._targets import Target

Inside: TypeAlias = Literal["", "pyinstrument", "cprofile"]


class Task(Struct, frozen=True):
    """What the child is to repeat, handed over when it is started."""

    target: Target
    interval: float


class Ready(Struct, frozen=True, tag=True):
    """The target is warm. `bare` are seconds per operation, one for each batch.

    `busy` is the share of the time in which the process computed; `awaits` says whether it has an
    event loop.
    """

    pid: int
    bare: tuple[float, ...]
    busy: float
    awaits: bool
    noun: str
    summary: str


class Begin(Struct, frozen=True, tag=True):
    """Repeat it now, under an engine `inside` of the process or one that was attached.

    For `seconds`, or longer where these did not give enough samples, but not `at_most`.
    """

    inside: Inside
    clock: Clock
    interval: float
    seconds: float
    at_most: float
    capture: str = ""


class Profiled(Struct, frozen=True, tag=True):
    """It was repeated; `times` are seconds per operation, one for each batch."""

    times: tuple[float, ...]
    seconds: float
    operations: int
    parts: Parts | None = None


class Rest(Struct, frozen=True, tag=True):
    """The profiler is gone: repeat it bare once more, and end."""


class Done(Struct, frozen=True, tag=True):
    """The last bare times."""

    bare: tuple[float, ...]


class Failed(Struct, frozen=True, tag=True):
    """The target cannot be found, or it raised; `kind` is the error's name."""

    kind: str
    message: str


Told: TypeAlias = Begin | Rest
Said: TypeAlias = Ready | Profiled | Done | Failed

_PROMISE = "; `-v` shows the traceback"
_PASSED_ON: dict[str, type[AgnoError]] = {
    "InputError": InputError,
    "ConfigurationError": ConfigurationError,
    "ModelError": ProviderFailedError,
    "LimitReached": TookTooLongError,
}


def failed(error: BaseException) -> Failed:
    """Put an error into words that leave its process."""
    if isinstance(error, AgnoError):
        kinds = {kind.__name__ for kind in type(error).__mro__} & _PASSED_ON.keys()
        # The traceback that is promised would be that of another process.
        return Failed(next(iter(kinds), ""), str(error).removesuffix(_PROMISE))
    return Failed("", f"the target failed: {describe(error)}")


def describe(error: BaseException) -> str:
    """Say in a line what was raised, and where."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{' '.join(text.split())}{where}"


def as_error(problem: Failed) -> AgnoError:
    """Make the error again, in the process that profiles."""
    return _PASSED_ON.get(problem.kind, CouldNotProfileError)(problem.message)
