"""Records as JSON that pyperf reads too: `pyperf show`, `pyperf compare_to`.

pyperf knows positive values in seconds, bytes and integers. So times and positive counts are
its benchmarks (`create`, `create.bytes`); everything else, and what explains them, stands
beside these under `agno`, which pyperf passes over. Times stand in one place only: pyperf's.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError
from agno_cli.bench._record import SCHEMA_VERSION, Record
from agno_cli.bench._results import Environment, Result, Suite

_PYPERF_VERSION = "1.0"
_UNITS = {"byte": "byte"}  # all others are numbers to pyperf


class _Run(Struct):
    values: tuple[float, ...] = ()


class _Benchmark(Struct):
    metadata: dict[str, Any]
    runs: tuple[_Run, ...]


class _Head(Struct):
    schema_version: int


class _Headed(Struct):
    agno: _Head | None = None
    schema_version: int | None = None
    command: str = ""


class _Block(Struct):
    schema_version: int
    record: Record


class _Document(Struct):
    version: str
    metadata: dict[str, Any]
    benchmarks: tuple[_Benchmark, ...]
    agno: _Block


class _Report(Struct):
    """What `agno bench --json` writes, as far as it is needed here."""

    environment: Environment
    result: Suite


def to_pyperf(record: Record) -> str:
    """Write a record as one JSON document, ending in a newline."""
    document = _Document(
        version=_PYPERF_VERSION,
        metadata=_metadata(record.environment),
        benchmarks=tuple(
            benchmark for result in record.suite.results for benchmark in _benchmarks(result)
        ),
        agno=_Block(SCHEMA_VERSION, _with_times(record, {})),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _metadata(environment: Environment) -> dict[str, Any]:
    facts = {
        "python_version": environment.python,
        "python_compiler": environment.build,
        "platform": f"{environment.os} {environment.machine}",
        "cpu_model_name": environment.cpu,
        "cpu_count": environment.cores,
        "commit_id": environment.commit,
        **{f"{name}_version": version for name, version in environment.packages.items()},
    }
    return {name: value for name, value in facts.items() if value}


def _benchmarks(result: Result) -> list[_Benchmark]:
    made = []
    if result.timing is not None:
        metadata = {"name": result.name, "unit": "second", "loops": result.timing.loops}
        runs = tuple(_Run(values) for values in result.timing.processes)
        made.append(_Benchmark(metadata, runs))
    for metric, count in result.counts.items():
        if count.value > 0:
            metadata = {"name": f"{result.name}.{metric}"}
            metadata["unit"] = _UNITS.get(count.unit, "integer")
            made.append(_Benchmark(metadata, (_Run((count.value,)),)))
    return made


def _with_times(record: Record, processes: dict[str, tuple[tuple[float, ...], ...]]) -> Record:
    """Give a record with these times in the place of its own."""
    results = tuple(
        replace(
            result,
            timing=result.timing
            and replace(result.timing, processes=processes.get(result.name, ())),
        )
        for result in record.suite.results
    )
    return replace(record, suite=replace(record.suite, results=results))


def from_pyperf(text: str | bytes, source: str) -> Record:
    """Read what `to_pyperf` or `agno bench --json` wrote.

    Args:
        text: the document.
        source: what it is called in errors, e.g. its path.

    Raises:
        ConfigurationError: it is damaged, of another version, or not a result of `agno bench`.
    """
    try:
        headed = msgspec.json.decode(text, type=_Headed)
        if headed.command == "bench":
            _check_version(headed.schema_version, source)
            report = msgspec.json.decode(text, type=_Report)
            return Record(environment=report.environment, suite=report.result)
        if headed.agno is None:
            raise ConfigurationError(
                f"{source} is no result of `agno bench`; results from elsewhere enter by --import"
            )
        _check_version(headed.agno.schema_version, source)
        document = msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{source} is damaged: {error}; measure again, and save with --force"
        ) from error
    times = {
        str(benchmark.metadata.get("name")): tuple(run.values for run in benchmark.runs)
        for benchmark in document.benchmarks
        if benchmark.metadata.get("unit") == "second"
    }
    return _with_times(document.agno.record, times)


def _check_version(version: int | None, source: str) -> None:
    if version != SCHEMA_VERSION:
        writer = "a newer" if (version or 0) > SCHEMA_VERSION else "an older"
        raise ConfigurationError(
            f"{source} has schema version {version}, of {writer} agno-cli; this one reads"
            f" {SCHEMA_VERSION}: measure again, and save with --force"
        )
