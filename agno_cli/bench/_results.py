"""What was measured: plain data with units, raw samples and the environment they come from."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Unit: TypeAlias = Literal["byte", "allocation", "bytecode", "module"]


class Timing(Struct, frozen=True):
    """Seconds per operation: one tuple of raw values for each worker process.

    `loops` is how often a worker repeated the unrolled body for one value; `cpu` is what the
    process itself computed meanwhile, all of its threads, in the same shape. `relative` is one
    figure a process, in reference loops per operation; empty for what is too long for that.
    """

    processes: tuple[tuple[float, ...], ...]
    loops: int
    cpu: tuple[tuple[float, ...], ...] = ()
    relative: tuple[float, ...] = ()


class Aside(Struct, frozen=True):
    """What a worker process notes beside its times; see Timing."""

    cpu: tuple[float, ...]
    relative: float | None


class Count(Struct, frozen=True):
    """An exact figure per operation (or, for `growth`, `rss` and modules, in all)."""

    value: float
    unit: Unit


class Counted(Struct, frozen=True):
    """What one counting process found; `notes` say how, where that is not the usual way."""

    counts: dict[str, Count]
    notes: tuple[str, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """One benchmark.

    Attributes:
        operation: what the figures are per, e.g. `run`.
        counts: by metric: `bytes` (live after one operation whose result is kept),
            `allocations` (in all, temporaries too), `bytecodes`, `growth`, `rss`, `modules`,
            `heavy_modules`.
        problem: why it could not be measured, else empty.
    """

    name: str
    summary: str
    operation: str
    timing: Timing | None = None
    counts: dict[str, Count] = {}
    notes: tuple[str, ...] = ()
    problem: str = ""


class Settings(Struct, frozen=True):
    """How much is measured.

    Args:
        rounds: how often all benchmarks take turns, so that a drift of the machine hits all.
        processes: worker processes a round.
        values: timed values a process, after one that is thrown away.
        min_seconds: the least duration of one value; sets the number of loops.
    """

    rounds: int
    processes: int
    values: int
    min_seconds: float


class Environment(Struct, frozen=True):
    """Where it was measured: what must be equal for two results to be comparable.

    `load` is the one-minute load average when the measuring began, None where there is none.
    `free_threaded` is how Python was built, `gil` whether its global lock is on all the same.
    """

    python: str
    build: str
    os: str
    machine: str
    cpu: str
    cores: int
    load: float | None
    gc: bool
    gil: bool
    packages: dict[str, str]
    variables: dict[str, str]
    commit: str = ""
    free_threaded: bool = False


class Suite(Struct, frozen=True):
    """The results of one `agno bench`, begun at `started` (UTC); `partial` when interrupted."""

    started: str
    seconds: float
    settings: Settings
    results: tuple[Result, ...]
    partial: bool = False
