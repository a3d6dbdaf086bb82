"""Every `agno bench` of this machine: one file a run, oldest first."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from statistics import median

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._folders import machine_folder, read_text, write_whole
from agno_cli.bench._pyperf_json import from_pyperf, to_pyperf
from agno_cli.bench._record import Record
from agno_cli.bench._results import Environment
from agno_cli.bench._statistics import process_medians

_FOLDER = "history"


class Entry(Struct, frozen=True, kw_only=True):
    """One run of the past.

    Attributes:
        started: in UTC, as ISO 8601; empty when the file cannot be read.
        commit: the revision measured, empty if it is not known.
        medians: by benchmark, seconds per operation.
        counts: by benchmark and metric, the exact figures.
        problem: why the file cannot be read, else empty.
    """

    path: Path
    started: str = ""
    commit: str = ""
    python: str = ""
    medians: dict[str, float] = {}
    counts: dict[str, dict[str, float]] = {}
    problem: str = ""


def remember(record: Record) -> Path:
    """Add a run to the history; give its file.

    Raises:
        ConfigurationError: it cannot be written.
    """
    folder = machine_folder(record.environment) / _FOLDER
    moment = re.sub(r"[^0-9T]", "", record.suite.started.partition("+")[0]) or "unknown"
    text = to_pyperf(record)
    numbers = count(1)
    while True:
        path = folder / f"{moment}-{next(numbers):03}.json"
        try:
            write_whole(path, text, replace=False)
        except FileExistsError:  # another one that began in the same second
            continue
        return path


def history(environment: Environment, *, newest: int | None = None) -> list[Entry]:
    """List the runs of this machine, oldest first; a damaged file is an Entry with a `problem`.

    Args:
        environment: this one, see `read_environment`.
        newest: how many of them, None for all.
    """
    folder = machine_folder(environment) / _FOLDER
    paths = sorted(folder.glob("*.json"))  # no hidden file matches, so no unfinished one
    if newest is not None:
        paths = paths[max(0, len(paths) - newest) :]
    return [_entry(path) for path in paths]


def _entry(path: Path) -> Entry:
    try:
        record = from_pyperf(read_text(path), str(path))
    except ConfigurationError as error:
        return Entry(path=path, problem=str(error))
    results = record.suite.results
    return Entry(
        path=path,
        started=record.suite.started,
        commit=record.environment.commit,
        python=record.environment.python,
        medians={
            result.name: median(process_medians(result.timing.processes))
            for result in results
            if result.timing is not None and result.timing.processes
        },
        counts={
            result.name: {metric: found.value for metric, found in result.counts.items()}
            for result in results
            if result.counts
        },
    )
