"""What was profiled: plain data, whole enough to be written, read again and compared."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._results import Environment

SCHEMA_VERSION = 1

Clock: TypeAlias = Literal["wall", "cpu"]
Origin: TypeAlias = Literal["yours", "agno_cli", "library", "python", "native", "module"]
View: TypeAlias = Literal["kept", "peak", "leaks", "temporary"]


class Frame(Struct, frozen=True):
    """A function and the line it was at; `file` is as short as it can be and still be found."""

    function: str
    file: str = ""
    line: int = 0
    origin: Origin = "yours"


class Stack(Struct, frozen=True, array_like=True):
    """One way of calls, outermost first, as indices of frames.

    `weight` is samples or seconds of time, or bytes; `count` allocations.
    """

    frames: tuple[int, ...]
    weight: float
    count: int = 0


class Cost(Struct, frozen=True):
    """A function: its share of the time by itself and with all it called, from 0 to 1.

    `line` is the one where most of its own time was spent, or where it begins when an engine
    knows no more; `calls` are per operation, where they were counted.
    """

    function: str
    file: str
    line: int
    origin: Origin
    own: float
    total: float
    calls: float | None = None


class Slowdown(Struct, frozen=True):
    """Seconds of an operation without and with the profiler; `of` says what ran."""

    bare: float
    profiled: float
    of: str = ""

    @property
    def factor(self) -> float:
        """How many times slower the profiler made it."""
        return self.profiled / self.bare if self.bare > 0 else 1.0


class Parts(Struct, frozen=True):
    """Where the wall seconds of a real run went."""

    model: float
    tools: float
    framework: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.model + self.tools + self.framework


class CpuProfile(Struct, frozen=True, kw_only=True, tag_field="command", tag="profile cpu"):
    """Where the time of a target went.

    Attributes:
        clock: whether waiting counts.
        samples: how often the engine looked; 0 when it counted every call.
        seconds: how long it looked.
        operation: what the figures are per: `run`, `program`.
        operations: how many of them were profiled.
        bare: seconds of one without a profiler; 0 when it was not measured.
        notes: what must be known to read it.
        partial: whether the target did not come to its end.
    """

    schema_version: int = SCHEMA_VERSION
    target: str
    summary: str
    environment: Environment
    engine: str
    clock: Clock
    interval: float | None
    samples: int
    seconds: float
    operation: str
    operations: int
    bare: float
    slowdown: Slowdown | None = None
    parts: Parts | None = None
    frames: tuple[Frame, ...] = ()
    stacks: tuple[Stack, ...] = ()
    functions: tuple[Cost, ...] = ()
    notes: tuple[str, ...] = ()
    partial: bool = False

    def margin(self, share: float) -> float | None:
        """Give the half width of the 95 % interval of a share; None when nothing was sampled."""
        if not self.samples:
            return None
        # At least one sample each way: a function that was never seen may still take time.
        inside = min(max(share, 1 / self.samples), 1 - 1 / self.samples) if self.samples > 1 else 1
        return float(1.96 * (max(inside * (1 - inside), 0.0) / self.samples) ** 0.5)


class Figures(Struct, frozen=True, kw_only=True):
    """A target's exact figures of memory, in bytes and allocations.

    Attributes:
        object: what the bytes are per.
        objects: how many of these were made.
        live: bytes that one holds, by memray where there is one.
        traced: the same by tracemalloc.
        peak: most bytes in use while one is made.
        rss: growth of the resident memory for each of `rss_objects`; None where unknown.
        operation: what the allocations are per.
        cold: allocations while results are kept, so that CPython's free lists are empty.
        warm: allocations while each result is dropped before the next.
    """

    object: str
    objects: int
    live: float
    traced: float
    peak: float
    rss: float | None
    rss_objects: int
    operation: str
    cold: float | None
    warm: float | None

    @property
    def disagreement(self) -> float:
        """How far the two trackers are apart, as a share of the larger figure."""
        larger = max(abs(self.live), abs(self.traced))
        return abs(self.live - self.traced) / larger if larger else 0.0


class Totals(Struct, frozen=True):
    """A program's memory: bytes at its peak, allocations, most resident bytes; None if unknown."""

    peak: int
    allocations: int | None
    resident: int | None


class Site(Struct, frozen=True):
    """A line that memory was asked for at: the innermost of the user's own code there is.

    `by` names the function that asked, when that is another.
    """

    function: str
    file: str
    line: int
    origin: Origin
    bytes: float
    allocations: float
    by: str = ""


class MemoryProfile(Struct, frozen=True, kw_only=True, tag_field="command", tag="profile mem"):
    """What a target's memory went to.

    Attributes:
        view: `kept` (live while results are kept), `peak` (at the program's highest), `leaks`
            (what a run leaves behind although its result is dropped), `temporary` (freed at
            once).
        operations: what bytes and allocations of stacks are to be divided by.
        sites: per operation, the largest first.
    """

    schema_version: int = SCHEMA_VERSION
    target: str
    summary: str
    environment: Environment
    engine: str
    view: View
    operation: str
    operations: int
    figures: Figures | None = None
    totals: Totals | None = None
    frames: tuple[Frame, ...] = ()
    stacks: tuple[Stack, ...] = ()
    sites: tuple[Site, ...] = ()
    notes: tuple[str, ...] = ()
    partial: bool = False


class Module(Struct, frozen=True):
    """A module that an import loads: seconds by itself and with those it loads first.

    `parent` is the index of the module that loads it, -1 for none.
    """

    name: str
    own: float
    total: float
    parent: int


class StartupProfile(Struct, frozen=True, kw_only=True, tag_field="command", tag="profile startup"):
    """What an import loads.

    Attributes:
        seconds: of the import, median of `runs` processes; `spread` is half of their range.
        python: seconds that Python itself takes to start and end.
        modules: in the order in which their loading began.
    """

    schema_version: int = SCHEMA_VERSION
    target: str
    environment: Environment
    seconds: float
    spread: float
    runs: int
    python: float
    slowdown: Slowdown
    modules: tuple[Module, ...]
    notes: tuple[str, ...] = ()


AnyProfile: TypeAlias = CpuProfile | MemoryProfile | StartupProfile
