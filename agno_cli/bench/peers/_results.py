"""What was measured of peers: plain data with units and raw samples."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._results import Count, Environment, Settings, Timing
from agno_cli.bench._statistics import process_medians

MEASURED_HERE = "measured here"
FigureUnit: TypeAlias = Literal["second", "byte", "allocation"]

# In the order of the tables. `bytes` and `allocations` are those of `create`.
TIMED = {
    "import": "import",
    "create": "create",
    "create_tool": "create, 1 tool",
    "run": "run",
    "run_tool": "run, 1 tool call",
    "arun": "run, awaited",
}
COUNTED = {"bytes": "live bytes", "allocations": "allocations"}


class PeerResult(Struct, frozen=True, kw_only=True):
    """One library.

    Attributes:
        version: as installed.
        source: where the figures come from: `measured here`, or a file they were imported from.
        python: the version of the interpreter it was measured in.
        timings: seconds by the names of TIMED; of `import` each process gives one value, which
            is what it took longer than one that imports nothing.
        counts: by the names of COUNTED: what a created agent leaves, and asked for.
        equal: what was the same as for the others.
        different: what was not.
        notes: what else must be known of the figures.
        problems: by the names of TIMED and COUNTED: why there is no figure.
        problem: why there are no figures at all, or none after some round; else empty.
    """

    name: str
    version: str = ""
    source: str = MEASURED_HERE
    python: str = ""
    timings: dict[str, Timing] = {}
    counts: dict[str, Count] = {}
    equal: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: dict[str, str] = {}
    problem: str = ""


class Comparison(Struct, frozen=True, kw_only=True):
    """The peers of one `agno bench --vs`, ours first; `partial` when it was interrupted."""

    started: str
    seconds: float
    settings: Settings
    environment: Environment
    peers: tuple[PeerResult, ...]
    partial: bool = False


class Figure(Struct, frozen=True):
    """A median of process medians, or an exact count, per operation."""

    value: float
    unit: FigureUnit


def figures(result: PeerResult) -> dict[str, Figure]:
    """Give the figures of a peer by the names of TIMED and COUNTED, in their order."""
    times = {
        name: Figure(median(process_medians(timing.processes)), "second")
        for name, timing in _ordered(result.timings).items()
    }
    units: dict[str, FigureUnit] = {"bytes": "byte", "allocations": "allocation"}
    counts = {
        name: Figure(result.counts[name].value, units[name])
        for name in COUNTED
        if name in result.counts
    }
    return {**times, **counts}


def _ordered(timings: Mapping[str, Timing]) -> dict[str, Timing]:
    return {name: timings[name] for name in TIMED if name in timings}
