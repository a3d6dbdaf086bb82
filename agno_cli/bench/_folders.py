"""Where results are kept: one folder a machine, in the user's data folder."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path
from tempfile import NamedTemporaryFile

from agno_cli._errors import ConfigurationError
from agno_cli.bench._results import Environment

_LONGEST_NAME = 40  # characters of a processor's name
_ELSEWHERE = "set AGNO_DATA to a folder you may write in"


def bench_folder() -> Path:
    """Give the folder of all results: `bench` in AGNO_DATA or in the user's data folder."""
    folder = os.environ.get("AGNO_DATA")
    if not folder:
        import platformdirs

        folder = platformdirs.user_data_dir("agno-cli", appauthor=False)
    return Path(folder).expanduser() / "bench"


def machine_folder(environment: Environment) -> Path:
    """Give the folder of one machine's results.

    A machine is its processor, its number of cores and its system; a new kernel or another
    Python is still the same machine, and `differences` tells Pythons apart.
    """
    system = environment.os.split(" ")[0]
    facts = "\0".join([environment.cpu, str(environment.cores), environment.machine, system])
    readable = re.sub(r"[^a-z0-9]+", "-", environment.cpu.lower())[:_LONGEST_NAME].strip("-")
    key = blake2s(facts.encode(errors="replace"), digest_size=4).hexdigest()
    return bench_folder() / f"{readable or 'machine'}-{environment.cores}-{key}"


def write_whole(path: Path, text: str, *, replace: bool, instead: str = _ELSEWHERE) -> None:
    """Write a whole file or none, and its folder.

    Args:
        path: the file.
        text: what it is to hold.
        replace: whether it may be there already.
        instead: what to do where it cannot be written.

    Raises:
        FileExistsError: there is one, and it is not to be replaced.
        ConfigurationError: it cannot be written.
    """
    try:
        _make_folder(path.parent)
        with NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as unfinished:
            try:
                unfinished.write(text)
                unfinished.close()
                _move(Path(unfinished.name), path, replace=replace)
            finally:
                Path(unfinished.name).unlink(missing_ok=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror or error}; {instead}"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(error.errno, f"{folder} is no folder") from None


def _move(source: Path, target: Path, *, replace: bool) -> None:
    if replace:
        source.replace(target)
        return
    # Unlike a look beforehand, a link cannot lose a race with another process.
    with suppress(PermissionError, NotImplementedError, AttributeError):
        os.link(source, target)
        return
    if target.exists():
        raise FileExistsError(target)
    source.replace(target)


def read_text(path: Path) -> str:
    """Read a file of results.

    Raises:
        ConfigurationError: it cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is damaged: it is not UTF-8 text") from error
