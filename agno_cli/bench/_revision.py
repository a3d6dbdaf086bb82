"""A git revision of the current project, in a worktree and an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._children import CouldNotMeasureError, run_command
from agno_cli.bench._interleave import Side

_GIT_SECONDS = 120.0
_INSTALL_SECONDS = 900.0
_PATHS_FILE = "agno-revision.pth"


class Revision(Struct, frozen=True):
    """A revision: the text it was given as, its full hash, and its project's folder."""

    text: str
    commit: str
    project: Path


def find_revision(text: str, folder: Path) -> Revision | None:
    """Find what a text names in the git repository around a folder, None if it names nothing.

    Raises:
        ConfigurationError: git is not there.
    """
    if text.startswith("-") or "\0" in text:
        return None  # git would take it for an option
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"
    )
    if top is None or commit is None:
        return None
    return Revision(text, commit.splitlines()[-1], Path(top).resolve())


@contextmanager
def revision_side(revision: Revision, folder: Path) -> Iterator[Side]:
    """Check a revision out, make its environment, and give the side to be measured.

    Where it has the dependencies of the project as it is, its environment shares the installed
    ones: only the project's own code differs, which is what is compared. Else it is installed
    with its own, by uv or pip. All of it is gone afterwards, also after an interrupt.

    Args:
        revision: see `find_revision`.
        folder: where the user is; the side runs in its counterpart.

    Raises:
        ConfigurationError: it cannot be checked out or installed.
    """
    with TemporaryDirectory(prefix="agno-bench-", ignore_cleanup_errors=True) as temporary:
        tree, environment = Path(temporary, "tree"), Path(temporary, "environment")
        try:
            _check_out(revision, tree)
            if dependencies(tree) == dependencies(revision.project):
                python = _make_environment(environment, with_pip=False)
                _share_packages(python, revision.project, tree)
            else:
                python = _make_environment(environment, with_pip=shutil.which("uv") is None)
                _must(install_command(python, tree), _INSTALL_SECONDS, "install")
            here = _moved(folder.resolve(), revision.project, tree)
            yield Side(str(python), {"PYTHONPATH": ""}, str(here))
        finally:
            _git(revision.project, "worktree", "remove", "--force", str(tree))
            shutil.rmtree(tree, ignore_errors=True)
            _git(revision.project, "worktree", "prune")


def _check_out(revision: Revision, tree: Path) -> None:
    project = ["-C", str(revision.project)]
    quiet = ["-c", "core.hooksPath=/dev/null"]  # the user's hooks are for the user's checkouts
    command = ["git", *project, *quiet, "worktree", "add", "--detach", str(tree), revision.commit]
    _must(command, _GIT_SECONDS, "check out")


def dependencies(tree: Path) -> tuple[str, ...]:
    """Give what a project says it needs to run, in one order; nothing if it does not say."""
    import tomllib

    try:
        document = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ()
    project: Any = document.get("project")
    needed = project.get("dependencies") if isinstance(project, dict) else None
    return tuple(sorted(map(str, needed))) if isinstance(needed, list) else ()


def install_command(python: Path, tree: Path) -> list[str]:
    """Give the command that installs a project with what it needs: by uv where it is there."""
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(python), str(tree)]
    return [str(python), "-m", "pip", "install", "--quiet", str(tree)]


def paths_of(paths: Sequence[str], project: Path, tree: Path) -> list[str]:
    """Give these import paths with the worktree in the place of the project.

    A path of the project that git does not know, such as a virtual environment in its folder,
    stays what it is; so do all others.
    """
    moved = [_moved(Path(path), project, tree) for path in paths if path]
    return [str(path) for path in dict.fromkeys([*_roots(tree), *moved])]


def _roots(tree: Path) -> list[Path]:
    """Give where a project's packages may be: its folder, and `src` if it has one."""
    return [root for root in (tree / "src", tree) if root.is_dir()]


def _moved(path: Path, project: Path, tree: Path) -> Path:
    if not path.is_relative_to(project):
        return path
    mapped = tree / path.relative_to(project)
    return mapped if mapped.exists() else path


def _share_packages(python: Path, project: Path, tree: Path) -> None:
    """Let an environment import the worktree first, then what is installed here."""
    import sysconfig

    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    here = [
        path
        for path in sys.path
        if path and path not in standard and not path.endswith((".zip", "lib-dynload"))
    ]
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = (
        python.parent.parent / "Lib" / "site-packages"
        if sys.platform == "win32"
        else python.parent.parent / "lib" / name / "site-packages"
    )
    lines = "".join(f"{path}\n" for path in paths_of(here, project, tree))
    (folder / _PATHS_FILE).write_text(lines, encoding="utf-8")


def _make_environment(folder: Path, *, with_pip: bool) -> Path:
    import venv

    venv.EnvBuilder(with_pip=with_pip, symlinks=os.name != "nt").create(folder)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _git(folder: Path, *arguments: str) -> str | None:
    """Give what git answers, None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments that are no options
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigurationError(
            "git is not installed, so there are no revisions; give a saved result or a file"
        ) from None
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _must(command: Sequence[str], seconds: float, doing: str) -> None:
    try:
        run_command(command, seconds=seconds)
    except CouldNotMeasureError as error:
        raise ConfigurationError(f"cannot {doing} the revision: {error}") from None
