"""An environment of its own for each peer: made once, in the user's cache.

It counts as made when its marker file is there, which is written last. What an interrupt leaves
has none, and is thrown away by the next attempt; a lock keeps two attempts apart. Where the
peer's version, memray's or Python's is another, so is the environment.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2s
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from agno_cli._settings import cache_folder
from agno_cli.bench._children import CouldNotMeasureError, run_command
from agno_cli.bench.peers._pins import COUNTER
from agno_cli.bench.peers._registry import Peer

_INSTALL_SECONDS = 1800.0
_MARKER = "made.json"
# What points an interpreter to other packages than its own.
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PIP_TARGET")

Install: TypeAlias = Callable[[Path, Sequence[str]], None]
"""Makes an environment in a folder and installs requirements; raises CouldNotMeasureError."""


class Made(Struct, frozen=True):
    """What the marker of an environment says: what was asked for, and what went otherwise."""

    requirements: tuple[str, ...]
    note: str = ""


class PeerEnvironment(Struct, frozen=True):
    """Where a peer is installed or will be, and what with."""

    folder: Path
    requirements: tuple[str, ...]

    @property
    def python(self) -> Path:
        """The interpreter."""
        return python_in(self.folder)

    def made(self) -> Made | None:
        """Give what its marker says, None when it is not made."""
        try:
            return msgspec.json.decode((self.folder / _MARKER).read_bytes(), type=Made)
        except (OSError, msgspec.DecodeError):
            return None


def environment_of(peer: Peer, pins: Mapping[str, str]) -> PeerEnvironment:
    """Give the environment of a peer that is not measured in this interpreter.

    Raises:
        CouldNotMeasureError: its version is not pinned.
    """
    try:
        requirements = tuple(f"{name}=={pins[name]}" for name in (peer.distribution, COUNTER))
    except KeyError as error:
        raise CouldNotMeasureError(f"no version of {error} is pinned; update the pins") from None
    # The build, too: an environment refers to its interpreter by path.
    facts = "\0".join([*requirements, sys.version, sys.base_prefix])
    key = blake2s(facts.encode(errors="replace"), digest_size=4).hexdigest()
    python = sys.implementation.cache_tag or sys.implementation.name
    name = f"{peer.distribution}-{pins[peer.distribution]}-{python}-{key}"
    return PeerEnvironment(cache_folder() / "peers" / name, requirements)


def python_in(folder: Path) -> Path:
    """Give the path of an environment's interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make(environment: PeerEnvironment, install: Install | None = None) -> Made:
    """Make an environment unless it is there.

    Args:
        environment: which.
        install: how; by default with uv, or with venv and pip where there is none.

    Raises:
        CouldNotMeasureError: it cannot be made; the text says why.
    """
    if (made := environment.made()) is not None:
        return made
    from filelock import FileLock

    folder = environment.folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            return environment.made() or _make(environment, install or best_install())
    except OSError as error:
        raise CouldNotMeasureError(f"cannot make an environment in {folder}: {error}") from error


def _make(environment: PeerEnvironment, install: Install) -> Made:
    folder, requirements = environment.folder, environment.requirements
    note = ""
    try:
        _install_anew(folder, requirements, install)
    except CouldNotMeasureError as error:
        # memray has no wheels for some systems; bytes can be counted without it.
        _install_anew(folder, requirements[:1], install)
        note = f"{requirements[1]} could not be installed there: {error}"
    made = Made(requirements, note)
    unfinished = folder / f".{_MARKER}"
    unfinished.write_bytes(msgspec.json.encode(made))
    unfinished.replace(folder / _MARKER)
    return made


def _install_anew(folder: Path, requirements: Sequence[str], install: Install) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        install(folder, requirements)
    except CouldNotMeasureError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def best_install() -> Install:
    """Give the way of installing that this machine has."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        return install_with_pip
    return lambda folder, requirements: install_with_uv(uv, folder, requirements)


def install_with_uv(uv: str, folder: Path, requirements: Sequence[str]) -> None:
    """Make an environment by uv; see Install."""
    venv = ["venv", "--quiet", "--no-project", "--python", sys.executable]
    _run([uv, *venv, str(folder)], folder.parent)
    # Compiled as pip does it, so that no import is timed that compiles.
    install = ["pip", "install", "--quiet", "--compile-bytecode", "--python"]
    _run([uv, *install, str(python_in(folder)), *requirements], folder.parent)


def install_with_pip(folder: Path, requirements: Sequence[str]) -> None:
    """Make an environment by venv and pip; see Install."""
    _run([sys.executable, "-m", "venv", str(folder)], folder.parent)
    pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    _run([str(python_in(folder)), *pip, *requirements], folder.parent)


def _run(command: Sequence[str], folder: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        run_command(command, seconds=_INSTALL_SECONDS, environment=variables, folder=folder)
    except CouldNotMeasureError as error:
        raise CouldNotMeasureError(f"the installation failed: {error}") from None
