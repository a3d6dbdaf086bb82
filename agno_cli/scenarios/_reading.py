"""Read scenario files: every error names its file, its line and its place there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import agno_cli
from agno_cli._errors import ConfigurationError, InputError
from agno_cli.bench._registry import nearest
from agno_cli.scenarios._definition import RUNS, Run, Scenario
from agno_cli.scenarios._thresholds import METRICS

_PACKAGE = Path(agno_cli.__file__).parent
# In an installed package, and in a checkout.
_FOLDERS = (_PACKAGE / "scenarios" / "definitions", _PACKAGE.parent / "scenarios")
_OWN = ("name", "summary", "workload", "run")


def names() -> list[str]:
    """Name the scenarios that come with this package."""
    return sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.toml")})


def load(name_or_path: str) -> Scenario:
    """Give a scenario by the name of one that comes with this package, or by its file.

    Raises:
        InputError: there is none; the nearest names are offered.
        ConfigurationError: the file cannot be used; the place is marked.
    """
    known = names()
    if name_or_path in known:
        files = (folder / f"{name_or_path}.toml" for folder in _FOLDERS)
        return read(next(path for path in files if path.is_file()))
    if not name_or_path.endswith(".toml"):
        raise InputError(
            f"there is no scenario `{name_or_path}`, and no file without `.toml`;"
            f" {nearest(name_or_path, known)}"
        )
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        raise InputError(f"there is no file `{name_or_path}`; `agno scenario list` names scenarios")
    return read(path)


def read(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ConfigurationError: it cannot be used; the place is marked.
    """
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"cannot read scenario {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"scenario {path} is not TOML: {error}") from error
    try:
        return _scenario(document, path.stem)
    except ConfigurationError as error:
        line = _line(text, str(error))
        where = f", line {line}" if line else ""
        raise ConfigurationError(f"in scenario {path}{where}: {error}") from None


def _scenario(document: dict[str, Any], stem: str) -> Scenario:
    workload = document.get("workload")
    if workload is None:
        raise ConfigurationError(f"there is no `workload`; give one of {', '.join(RUNS)}")
    if workload not in RUNS:
        raise ConfigurationError(
            f"workload: there is no workload {workload!r}; {nearest(str(workload), RUNS)}"
        )
    kind = RUNS[workload]
    for key in ("name", "summary"):
        if not isinstance(document.get(key, ""), str):
            raise ConfigurationError(f"{key}: {document[key]!r} is no text")
    shared = {key: value for key, value in document.items() if key not in _OWN}
    changes = document.get("run", [{}])
    if not isinstance(changes, list) or not changes:
        raise ConfigurationError("run: write each run as a table of its own: `[[run]]`")
    _known(kind, shared, "", also=_OWN)
    return Scenario(
        name=document.get("name", stem),
        summary=document.get("summary", ""),
        workload=workload,
        runs=tuple(_run(kind, shared, change, place) for place, change in _placed(changes)),
    )


def _placed(changes: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, change in enumerate(changes):
        if not isinstance(change, dict):
            raise ConfigurationError(f"run[{number}]: {change!r} is no table; write `[[run]]`")
        yield f"run[{number}].", change


def _run(kind: type[Run], shared: Mapping[str, Any], change: Mapping[str, Any], place: str) -> Run:
    """Read one run: what its own table says goes before what all share."""
    own = _read_table(kind, change, place)
    table = _merged(_read_table(kind, shared, ""), own)
    for metric in table.get("stated", {}):
        if metric not in METRICS:
            raise ConfigurationError(
                f"stated.{metric}: there is no metric `{metric}`; {nearest(metric, METRICS)}"
            )
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$.")
        inside = f"{place}{where.rstrip('`')}"
        raise ConfigurationError(
            f"{inside if _has(change, where) else where.rstrip('`')}:"
            f" {problem[:1].lower()}{problem[1:]}"
        ) from None


def _has(table: Mapping[str, Any], where: str) -> bool:
    return where.rstrip("`").split(".")[0] in table


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _read_table(kind: type[Struct], table: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Turn texts with units into numbers, by what the fields of a struct say of themselves."""
    _known(kind, table, place)
    read: dict[str, Any] = {}
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # a Struct's
        if field.name not in table:
            continue
        value, where = table[field.name], f"{place}{field.name}"
        if isinstance(field.type, msgspec.inspect.StructType):
            if not isinstance(value, dict):
                raise ConfigurationError(f"{where}: {value!r} is no table; write `[{field.name}]`")
            value = _read_table(field.type.cls, value, f"{where}.")
        elif isinstance(field.type, msgspec.inspect.Metadata) and field.type.extra:
            value = field.type.extra["read"](where, value)
        read[field.name] = value
    return read


def _known(
    kind: type[Struct], table: Mapping[str, Any], place: str, also: tuple[str, ...] = ()
) -> None:
    fields = dict.fromkeys((*kind.__struct_fields__, *also))
    for key in table:
        if key not in fields:
            raise ConfigurationError(f"{place}{key}: there is no such key; {nearest(key, fields)}")


def _line(text: str, problem: str) -> int:
    """Find the line of the key that an error names, 0 where it is not to be found.

    tomllib keeps no positions. The last table whose header fits, then the key in it.
    """
    place = re.match(r"([\w\-.\[\]]+): ", problem)
    if place is None:
        return 0
    number = re.match(r"run\[(\d+)\]\.?", place[1])
    path = re.sub(r"\[\d+\]$", "", place[1].removeprefix(number[0] if number else ""))
    lines = text.splitlines()
    for at, header, run in _headers(lines):
        if run != (int(number[1]) if number else None) or not f"{path}.".startswith(header):
            continue
        key = re.compile(rf"\s*{re.escape(path.removeprefix(header))}\b\s*[=.]")
        for line in range(at, len(lines)):
            if line > at and lines[line].lstrip().startswith("["):
                break
            if key.match(lines[line]):
                return line + 1
    return 0


def _headers(lines: list[str]) -> Iterator[tuple[int, str, int | None]]:
    """Yield where tables begin: the first line after the header, its path, the run it is in."""
    run = -1
    yield 0, "", None
    for at, line in enumerate(lines, 1):
        header = re.match(r"\s*\[\[?\s*([\w\-.]+)\s*\]\]?", line)
        if header is None or "=" in line.partition("]")[0]:
            continue
        path = header[1]
        if path == "run":
            run += 1
            yield at, "", run
        elif path.startswith("run."):
            yield at, f"{path.removeprefix('run.')}.", run
        else:
            yield at, f"{path}.", None
