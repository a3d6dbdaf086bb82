"""The files that a command was told to write, looked at before it takes its time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agno_cli._errors import InputError


def check_files(given: Iterable[tuple[str, str | None]], *, force: bool) -> None:
    """Refuse what could not be written.

    Args:
        given: each option with the file it names, None where it was not given.
        force: whether files may be replaced.

    Raises:
        InputError: a file is in the way, its folder is missing, or two options name one file.
    """
    seen: dict[Path, str] = {}
    for option, text in given:
        if text is None:
            continue
        path = Path(text)
        if path.is_dir():
            raise InputError(f"{path} is a folder; give `{option}` a file in it")
        if path.exists() and not force:
            raise InputError(
                f"{path} exists; give another name to `{option}`, or `--force` to replace it"
            )
        if not path.parent.is_dir():
            raise InputError(
                f"there is no folder {path.parent} to write {path.name} to; make it first"
            )
        other = seen.setdefault(path, option)
        if other != option:
            raise InputError(f"`{other}` and `{option}` both name {path}; give each its own file")
