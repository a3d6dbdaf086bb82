"""Named results: `--save NAME`, `--baseline NAME|FILE`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.bench._folders import bench_folder, machine_folder, read_text, write_whole
from agno_cli.bench._pyperf_json import from_pyperf, to_pyperf
from agno_cli.bench._record import Record, differences
from agno_cli.bench._registry import nearest
from agno_cli.bench._results import Environment

_FOLDER = "saved"
# What every file system takes; no path, no option, no hidden file.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
# Names of devices on Windows.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_name(name: str) -> None:
    """Refuse a name that cannot be a file's, before minutes are spent on measuring.

    Raises:
        InputError: what is wrong with it.
    """
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name) or name.endswith("."):
        raise InputError(
            f"a result cannot be called {name!r}; use 1 to 64 of A-Z a-z 0-9 . _ - and begin with"
            " a letter or a digit"
        )


def save_path(name: str, environment: Environment, *, force: bool) -> Path:
    """Give the file a result of this name goes to.

    Raises:
        InputError: the name cannot be used, or is in use and `force` was not given.
    """
    check_name(name)
    path = machine_folder(environment) / _FOLDER / f"{name}.json"
    if path.exists() and not force:
        raise InputError(f"{_in_use(name)} ({path})")
    return path


def save(record: Record, name: str, *, force: bool = False) -> Path:
    """Keep a record under a name, whole or not at all; give its file.

    Raises:
        InputError: the name cannot be used, or is in use and `force` was not given.
        ConfigurationError: it cannot be written.
    """
    path = save_path(name, record.environment, force=force)
    try:
        write_whole(path, to_pyperf(record), replace=force)
    except FileExistsError:
        raise InputError(_in_use(name)) from None
    return path


def _in_use(name: str) -> str:
    return f"there is a saved result `{name}`; give another name, or `--force` to replace it"


def saved_names(environment: Environment) -> list[str]:
    """List the results saved on this machine, by name."""
    folder = machine_folder(environment) / _FOLDER
    return sorted(path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))


def find(text: str, environment: Environment) -> Path | None:
    """Find what `--baseline TEXT` names: a saved result first, then a file; else None."""
    if _NAME.fullmatch(text):
        path = machine_folder(environment) / _FOLDER / f"{text}.json"
        if path.is_file():
            return path
    path = Path(text)
    return path if path.is_file() else None


def load(path: Path, environment: Environment, *, force: bool = False) -> Record:
    """Read a record to compare with.

    Args:
        path: its file, see `find`.
        environment: where the comparison is made.
        force: whether to take one of another machine, Python or settings.

    Raises:
        ConfigurationError: it is damaged, of another version, or of another environment.
    """
    record = from_pyperf(read_text(path), str(path))
    differing = differences(record.environment, environment)
    if differing and not force:
        raise ConfigurationError(
            f"{path} was measured elsewhere: {'; '.join(differing)}; save a baseline here, or"
            " give `--force` to compare all the same"
        )
    return record


def unknown(text: str, environment: Environment, tried: Sequence[str] = ()) -> InputError:
    """Say that nothing is called so; to be raised when no revision is, either."""
    names = saved_names(environment)
    known = nearest(text, names) if names else "none is saved here; `agno bench --save NAME` does"
    elsewhere = [
        path.parent.parent.name
        for path in bench_folder().glob(f"*/{_FOLDER}/*.json")
        if path.stem == text
    ]
    other = f"; `{text}` was saved on another machine ({elsewhere[0]})" if elsewhere else ""
    what = ", ".join(["saved result", "file", *tried])
    return InputError(f"there is no {what} `{text}`; {known}{other}")
