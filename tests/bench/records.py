"""Records made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from agno_cli.bench._record import Record
from agno_cli.bench._results import Count, Environment, Result, Settings, Suite, Timing

HERE = Environment(
    python="3.12.1",
    build="CPython GCC 12.2.0",
    os="Linux 6.1.0",
    machine="x86_64",
    cpu="A Processor @ 2.0GHz",
    cores=2,
    load=0.2,
    gc=True,
    gil=True,
    packages={"agno-cli": "0.1.0", "msgspec": "0.19.0"},
    variables={},
    commit="abc",
)
SETTINGS = Settings(rounds=1, processes=8, values=1, min_seconds=0.03)


def result(
    name: str,
    seconds: Sequence[float] = (),
    relative: Sequence[float] = (),
    problem: str = "",
    **counts: float,
) -> Result:
    return Result(
        name=name,
        summary="it",
        operation="run",
        timing=Timing(tuple((second,) for second in seconds), 7, (), tuple(relative))
        if seconds
        else None,
        counts={metric: Count(value, "byte") for metric, value in counts.items()},
        problem=problem,
    )


def record(
    *results: Result,
    started: str = "2026-11-22T10:00:00+00:00",
    **environment: Any,
) -> Record:
    return Record(
        environment=replace(HERE, **environment),
        suite=Suite(started, 1.5, SETTINGS, results),
    )
