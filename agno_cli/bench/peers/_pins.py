"""The pinned versions: read from `pins.toml`, and brought up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from agno_cli._errors import ConfigurationError
from agno_cli.bench._folders import write_whole

PINS = Path(__file__).with_name("pins.toml")
COUNTER = "memray"
_INDEX_SECONDS = 120.0
_INSTEAD = "update the pins from an installation of agno-cli that you may write in"
_VERSION = re.compile(r"[0-9][\w.!+-]*")


def read_pins(path: Path = PINS) -> dict[str, str]:
    """Read the versions by distribution.

    Raises:
        ConfigurationError: the file cannot be read, or is not what it should be.
    """
    import tomllib

    import msgspec

    try:
        text = path.read_text(encoding="utf-8")
        pins = msgspec.convert(tomllib.loads(text).get("pins"), dict[str, str])
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"cannot use the pins of {path}: {error}; restore it") from error
    for name, version in pins.items():
        if not _VERSION.fullmatch(version):
            raise ConfigurationError(f"{path} pins {name} to {version!r}, which is no version")
    return pins


def newest(distribution: str) -> str:
    """Ask the package index, through pip, for the newest release.

    Raises:
        ConfigurationError: pip is not there, or it did not find one.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter's pip, with names of this package
            [*command, "index", "versions", distribution],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INDEX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"the package index did not answer about {distribution} within {_INDEX_SECONDS:g} s"
        ) from None
    found = re.match(rf"{re.escape(distribution)} \(({_VERSION.pattern})\)", done.stdout)
    if found is None:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ConfigurationError(f"pip found no version of {distribution}: {said}")
    return found[1]


def update_pins(
    path: Path = PINS, *, ask: Callable[[str], str] = newest
) -> dict[str, tuple[str, str]]:
    """Pin the newest releases; give those that changed, each with its old and new version.

    Raises:
        ConfigurationError: the index does not answer, or the file cannot be written; it is then
            as it was.
    """
    old = read_pins(path)
    new = {name: ask(name) for name in old}
    if new != old:
        text = _rewritten(path.read_text(encoding="utf-8"), new)
        write_whole(path, text, replace=True, instead=_INSTEAD)
    return {name: (old[name], new[name]) for name in old if new[name] != old[name]}


def _rewritten(text: str, pins: Mapping[str, str]) -> str:
    """Keep the comments at the top."""
    head = text.partition("[pins]")[0]
    return head + "[pins]\n" + "".join(f'{name} = "{pin}"\n' for name, pin in pins.items())
