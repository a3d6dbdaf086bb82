"""Two profiles, compared function by function, site by site or module by module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.profiling._profile import (
    SCHEMA_VERSION,
    AnyProfile,
    CpuProfile,
    MemoryProfile,
    StartupProfile,
)

# What the same code differs by in another process, minutes later; `agno bench` has it measured.
_DRIFT = 0.1


class Change(Struct, frozen=True):
    """What became of a function, a site or a module; values are of one operation.

    `margin` is half of the change's 95 % interval; 0 where nothing was sampled. None where there
    was nothing before, or is nothing now.
    """

    name: str
    place: str
    before: float | None
    after: float | None
    margin: float = 0.0

    @property
    def change(self) -> float:
        """What was added, or taken away."""
        return (self.after or 0.0) - (self.before or 0.0)

    @property
    def is_sure(self) -> bool:
        """Whether it is more than chance explains."""
        return abs(self.change) > self.margin


class Difference(Struct, frozen=True):
    """All changes, the largest first, and the sums of each side."""

    unit: str
    what: str
    before: float
    after: float
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def read_profile(path: Path) -> AnyProfile:
    """Read a profile that was written by `-f json`.

    Raises:
        InputError: there is no such file.
        ConfigurationError: it is damaged, or no profile.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    try:
        profile: AnyProfile = msgspec.json.decode(
            data, type=CpuProfile | MemoryProfile | StartupProfile
        )
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{path} is damaged or no profile: {error}; write one with `-f json -o FILE`"
        ) from error
    version = getattr(profile, "schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written by another agno-cli (schema version {version}); profile again"
        )
    return profile


def compare(before: AnyProfile, after: AnyProfile) -> Difference:
    """Compare two profiles of one kind.

    Raises:
        InputError: they are of different kinds.
    """
    if type(before) is not type(after):
        raise InputError(
            f"a {_kind(before)} profile and a {_kind(after)} profile cannot be compared"
        )
    if isinstance(after, CpuProfile) and isinstance(before, CpuProfile):
        return _cpu(before, after)
    if isinstance(after, MemoryProfile) and isinstance(before, MemoryProfile):
        return _memory(before, after)
    assert isinstance(after, StartupProfile), "the kinds are these three"
    assert isinstance(before, StartupProfile), "the kinds are these three"
    olds = {module.name: module.own for module in before.modules}
    news = {module.name: module.own for module in after.modules}
    rows = (Change(name, "", olds.get(name), news.get(name)) for name in {**olds, **news})
    return Difference("second", "own time of modules", before.seconds, after.seconds, _sorted(rows))


def _kind(profile: AnyProfile) -> str:
    return str(profile.__struct_config__.tag).removeprefix("profile ")


def _cpu(before: CpuProfile, after: CpuProfile) -> Difference:
    """Compare seconds of an operation where both know them, else shares."""
    timed = before.bare > 0 and after.bare > 0 and before.operation == after.operation
    scales = (before.bare, after.bare) if timed else (1.0, 1.0)
    notes = list(_unlike(before, after))
    if timed:
        notes.append(
            "times of two runs differ with the machine, too; `agno bench --baseline` takes turns"
        )
    if before.clock != after.clock:
        notes.append(f"before, {before.clock} time was sampled; now {after.clock} time")
    olds = {(cost.function, cost.file): cost.own for cost in before.functions}
    news = {(cost.function, cost.file): cost.own for cost in after.functions}
    rows = []
    for key in {**olds, **news}:
        old, new = olds.get(key), news.get(key)
        drift = _DRIFT * max((old or 0.0) * scales[0], (new or 0.0) * scales[1]) if timed else 0.0
        margins = [
            (profile.margin(share or 0.0) or 0.0) * scale
            for profile, share, scale in zip((before, after), (old, new), scales, strict=True)
        ]
        rows.append(
            Change(
                key[0],
                key[1],
                None if old is None else old * scales[0],
                None if new is None else new * scales[1],
                sum(margin**2 for margin in (*margins, drift)) ** 0.5,
            )
        )
    what = f"own time of functions for each {after.operation}" if timed else "share of own time"
    return Difference("second" if timed else "share", what, *scales, _sorted(rows), tuple(notes))


def _memory(before: MemoryProfile, after: MemoryProfile) -> Difference:
    notes = list(_unlike(before, after))
    if before.view != after.view:
        notes.append(f"before, `{before.view}` was shown; now `{after.view}`")
    olds, news = _sizes(before), _sizes(after)
    rows = (Change(key[0], key[1], olds.get(key), news.get(key)) for key in {**olds, **news})
    return Difference(
        "byte",
        f"bytes of sites for each {after.operation}",
        sum(olds.values()),
        sum(news.values()),
        _sorted(rows),
        tuple(notes),
    )


def _sizes(profile: MemoryProfile) -> Mapping[tuple[str, str], float]:
    """Sum sites by function and file: lines move when code above them changes."""
    sums: dict[tuple[str, str], float] = {}
    for site in profile.sites:
        key = site.function, site.file
        sums[key] = sums.get(key, 0.0) + site.bytes
    return sums


def _unlike(before: CpuProfile | MemoryProfile, after: CpuProfile | MemoryProfile) -> Iterator[str]:
    if before.target != after.target:
        yield f"before, the target was `{before.target}`; now `{after.target}`"
    if before.engine != after.engine:
        yield f"before, the engine was {before.engine}; now {after.engine}"
    old, new = before.environment, after.environment
    if (old.python, old.cpu) != (new.python, new.cpu):
        yield f"before, it was Python {old.python} on {old.cpu}; now {new.python} on {new.cpu}"


def _sorted(rows: Iterator[Change] | list[Change]) -> tuple[Change, ...]:
    return tuple(sorted(rows, key=lambda row: (-abs(row.change), row.name, row.place)))
