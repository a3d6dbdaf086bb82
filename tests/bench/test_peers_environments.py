"""Environments of peers: made once, whole or not at all."""

import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench.peers._environments import (
    Made,
    PeerEnvironment,
    environment_of,
    install_with_pip,
    install_with_uv,
    make,
    python_in,
)
from agno_cli.bench.peers._registry import Peer

PEER = Peer("fake", Path("fake.py"), "agno-test-peer")
PINS = {"agno-test-peer": "1.0", "memray": "1.20.0"}
ALL = ("agno-test-peer==1.0", "memray==1.20.0")


@pytest.fixture
def environment() -> PeerEnvironment:
    return environment_of(PEER, PINS)


class Installs:
    """An installer that writes a file, and fails where it is told to."""

    def __init__(self, fails: Sequence[str] = (), error: type[BaseException] | None = None):
        self.asked: list[tuple[str, ...]] = []
        self.fails = fails
        self.error = error

    def __call__(self, folder: Path, requirements: Sequence[str]) -> None:
        self.asked.append(tuple(requirements))
        folder.mkdir(parents=True)
        (folder / "half").touch()
        if self.error is not None:
            raise self.error
        for requirement in requirements:
            if requirement in self.fails:
                raise CouldNotMeasureError(f"no {requirement}")
        (folder / "whole").touch()


def test_an_environment_is_made_once(environment):
    install = Installs()
    assert environment.made() is None
    assert make(environment, install) == Made(ALL)
    assert make(environment, install) == Made(ALL)
    assert install.asked == [ALL]
    assert environment.made() == Made(ALL)


def test_other_pins_are_another_environment(environment):
    other = environment_of(PEER, {**PINS, "memray": "1.21.0"})
    assert other.folder != environment.folder
    assert other.folder.parent == environment.folder.parent


def test_without_memray_it_is_made_all_the_same_and_that_is_said(environment):
    install = Installs(fails=["memray==1.20.0"])
    note = "memray==1.20.0 could not be installed there: no memray==1.20.0"
    assert make(environment, install) == Made(ALL, note)
    assert install.asked == [ALL, ALL[:1]]
    assert environment.made() == Made(ALL, note)


def test_a_failing_installation_leaves_nothing(environment):
    with pytest.raises(CouldNotMeasureError, match=r"^no agno-test-peer==1\.0$"):
        make(environment, Installs(fails=["agno-test-peer==1.0"]))
    assert not environment.folder.exists()


def test_an_interrupted_installation_is_begun_anew(environment):
    with pytest.raises(KeyboardInterrupt):
        make(environment, Installs(error=KeyboardInterrupt))
    assert (environment.folder / "half").exists()
    assert environment.made() is None
    assert make(environment, Installs()) == Made(ALL)


def test_two_at_once_install_once(environment):
    install = Installs()
    threads = [threading.Thread(target=make, args=(environment, install)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert install.asked == [ALL]


def test_a_peer_without_a_pin_cannot_be_installed():
    with pytest.raises(CouldNotMeasureError) as caught:
        environment_of(PEER, {"memray": "1.20.0"})
    assert str(caught.value) == "no version of 'agno-test-peer' is pinned; update the pins"


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CouldNotMeasureError, match="cannot make an environment in"):
        make(PeerEnvironment(tmp_path / "file" / "peer", ALL), Installs())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is a folder with one tiny wheel."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "agno_test_peer-1.0.dist-info"
    with zipfile.ZipFile(folder / "agno_test_peer-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("agno_test_peer.py", "ANSWER = 42\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: agno-test-peer\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "agno_test_peer.py,,\n")
    for name in ("PIP", "UV"):
        monkeypatch.setenv(f"{name}_NO_INDEX", "1")
        monkeypatch.setenv(f"{name}_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    # What would mislead the installer.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return folder


def answer_of(folder: Path) -> str:
    command = [
        str(python_in(folder)),
        "-I",
        "-c",
        "import agno_test_peer as peer; print(peer.ANSWER)",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_pip_installs_into_an_environment_of_its_own(tmp_path, index):
    install_with_pip(tmp_path / "made", ["agno-test-peer==1.0"])
    assert answer_of(tmp_path / "made") == "42\n"
    with pytest.raises(CouldNotMeasureError) as caught:
        install_with_pip(tmp_path / "made", ["agno-test-peer==9"])
    assert "the installation failed: it ended with exit code 1 and said: ERROR: " in str(
        caught.value
    )
    assert "agno-test-peer==9" in str(caught.value)


UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(UV is None, reason="there is no uv; pip is used instead")
def test_uv_installs_into_an_environment_of_its_own(tmp_path, index):
    assert UV is not None
    install_with_uv(UV, tmp_path / "made", ["agno-test-peer==1.0"])
    assert answer_of(tmp_path / "made") == "42\n"
    with pytest.raises(CouldNotMeasureError) as caught:
        install_with_uv(UV, tmp_path / "other", ["agno-test-peer==9"])
    assert "there is no version of agno-test-peer==9" in str(caught.value)
