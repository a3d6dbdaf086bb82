"""Results of other tools, for the same table: Go's text, pyperf's and pytest-benchmark's JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._folders import read_text
from agno_cli.bench._import_go import read_go

Format: TypeAlias = Literal["go", "pyperf", "pytest-benchmark"]


class Imported(Struct, frozen=True, kw_only=True):
    """One figure of one benchmark, measured elsewhere.

    Attributes:
        name: as its tool prints it.
        metric: `time`, `allocated` (all bytes of an operation, live or not), `allocations`, or
            what its tool calls it.
        unit: `second`, `byte`, `allocation`, or what its tool says.
        processes: the raw values, one tuple for each process they come from.
        source: the file.
        group: the Go package, or the group of pytest-benchmark; else empty.
        note: what a reader must know of the values, else empty.
        problem: why there are none, else empty.
    """

    name: str
    metric: str
    unit: str
    processes: tuple[tuple[float, ...], ...]
    source: str
    format: Format
    group: str = ""
    note: str = ""
    problem: str = ""


class _PyperfRun(Struct):
    metadata: dict[str, Any] = {}
    values: tuple[float, ...] = ()


class _PyperfBenchmark(Struct):
    runs: tuple[_PyperfRun, ...]
    metadata: dict[str, Any] = {}


class _Pyperf(Struct):
    version: Literal["1.0"]
    benchmarks: tuple[_PyperfBenchmark, ...]
    metadata: dict[str, Any] = {}


class _Stats(Struct):
    median: float
    rounds: int = 0
    data: tuple[float, ...] = ()


class _PytestBenchmark(Struct):
    name: str
    stats: _Stats
    fullname: str = ""
    group: str | None = None


class _PytestFile(Struct):
    machine_info: dict[str, Any]
    benchmarks: tuple[_PytestBenchmark, ...]


def import_file(path: Path) -> list[Imported]:
    """Read results of another tool; which one, its content says.

    Raises:
        ConfigurationError: it cannot be read, is damaged (the place is named) or holds nothing.
    """
    return import_text(read_text(path), str(path))


def import_text(text: str, source: str) -> list[Imported]:
    """Read results of another tool; `source` is what they are called.

    Raises:
        ConfigurationError: they are damaged (the place is named), or there are none.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _merged(_go(text, source))
    document = _parsed(text, source)
    try:
        rows = list(_rows(document, source))
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{source} is damaged: {error}") from error
    if not rows:
        raise ConfigurationError(f"{source} holds no benchmark with a value")
    for row in rows:
        if not all(math.isfinite(value) for values in row.processes for value in values):
            raise ConfigurationError(f"{source} is damaged: `{row.name}` has a value that is none")
    return rows


def _parsed(text: str, source: str) -> dict[str, Any]:
    # Not msgspec, for pytest-benchmark may write NaN, and this says the line of an error.
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        # A log of JSON lines that has Go's figures in it begins with a brace, too.
        if " ns/op" in text:
            return {"go": text}
        raise ConfigurationError(
            f"{source} is damaged: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except RecursionError:
        raise ConfigurationError(f"{source} is damaged: it is nested too deeply") from None
    assert isinstance(document, dict), "a text that begins with a brace"
    return document


def _rows(document: Mapping[str, Any], source: str) -> Iterator[Imported]:
    if "go" in document and len(document) == 1:
        yield from _merged(_go(document["go"], source))
    elif "machine_info" in document:
        yield from _pytest(msgspec.convert(document, _PytestFile), source)
    elif "version" in document:
        yield from _pyperf(msgspec.convert(document, _Pyperf), source)
    else:
        raise ConfigurationError(
            f"{source} is JSON, but of neither pyperf (it has no `version`) nor pytest-benchmark"
            " (it has no `machine_info`)"
        )


def _pyperf(document: _Pyperf, source: str) -> Iterator[Imported]:
    for number, benchmark in enumerate(document.benchmarks):
        first = benchmark.runs[0].metadata if benchmark.runs else {}
        # What all have in common stands further out; a lone benchmark's name does too.
        metadata = {**document.metadata, **benchmark.metadata, **first}
        processes = tuple(run.values for run in benchmark.runs if run.values)
        if "name" not in metadata:
            raise ConfigurationError(f"{source} is damaged: benchmark {number + 1} has no name")
        unit = str(metadata.get("unit", "second"))
        yield Imported(
            name=str(metadata["name"]),
            metric="time" if unit == "second" else unit,
            unit=unit,
            processes=processes,
            source=source,
            format="pyperf",
            problem="" if processes else "it has no values",
        )


def _pytest(document: _PytestFile, source: str) -> Iterator[Imported]:
    for benchmark in document.benchmarks:
        stats = benchmark.stats
        note = f"only the median of {stats.rounds} rounds; save with --benchmark-save-data for all"
        yield Imported(
            name=benchmark.fullname or benchmark.name,
            metric="time",
            unit="second",
            processes=(stats.data or (stats.median,),),
            source=source,
            format="pytest-benchmark",
            group=benchmark.group or "",
            note="" if stats.data else note,
        )


def _go(text: str, source: str) -> Iterator[Imported]:
    for figure in read_go(text, source):
        yield Imported(
            name=figure.benchmark,
            metric=figure.metric,
            unit=figure.unit,
            processes=() if figure.problem else ((figure.value,),),
            source=source,
            format="go",
            group=figure.package,
            note="bytes allocated by an operation, not those still live after it"
            if figure.metric == "allocated"
            else "",
            problem=figure.problem,
        )


def _merged(rows: Iterator[Imported]) -> list[Imported]:
    """Put the values of several counts into one row: Go makes them all in one process."""
    merged: dict[tuple[str, str, str], Imported] = {}
    for row in rows:
        key = row.group, row.name, row.metric
        if key in merged:
            known = merged[key]
            values = [value for each in (*known.processes, *row.processes) for value in each]
            row = msgspec.structs.replace(  # noqa: PLW2901 - the merged row takes its place
                row,
                processes=(tuple(values),) if values else (),
                problem=known.problem or row.problem,
            )
        merged[key] = row
    return list(merged.values())
