"""Processes that are killed in the middle of a step, and others that go on where they were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from agno_cli import InputError
from agno_cli.storage import SqliteCheckpoints
from tests.workflows import killed

PROGRAM = "import sys; from tests.workflows import killed; killed.main(*sys.argv[1:])"
ROOT = Path(__file__).parents[2]
CALLS = 13
"""How many calls of functions a run of `killed.workflow` makes."""


def begin(folder: Path, hang_at: int) -> subprocess.Popen[bytes]:
    """Begin a run in a process of its own, or go on with it, and wait until it hangs or ends."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), str(hang_at)], cwd=ROOT)
    until = time.monotonic() + 30
    while not (folder / "hangs").exists() and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Counter[str]]:
    folder = tmp_path_factory.mktemp("unbroken")
    with SqliteCheckpoints(folder / "runs.db") as store:
        output = killed.workflow(folder, -1, store).run("hi", run_id="it")
    calls = killed.calls(folder)
    assert sum(calls.values()) == CALLS
    return (output.content, output.data, output.state), calls


@pytest.mark.parametrize("hang_at", [0, 2, 4, 5, 8, CALLS - 1])
def test_a_killed_run_goes_on_and_comes_to_the_same_end(tmp_path, unbroken, hang_at):
    kill(begin(tmp_path, hang_at))
    with SqliteCheckpoints(tmp_path / "runs.db") as store:
        (kept,) = store.recent()
        assert (kept.run_id, kept.status) == ("it", "unfinished")
        before = killed.calls(tmp_path)
        output = killed.workflow(tmp_path, -1, store).resume("it")
    assert (output.content, output.data, output.state) == unbroken[0]
    restored = {step.path for step in output.steps if step.restored}
    after = killed.calls(tmp_path)
    assert len(restored) == kept.steps >= hang_at - 2, "all but what was under way"
    assert all(after[path] == before[path] for path in restored), "nothing is done again"


@pytest.mark.slow
@pytest.mark.parametrize("hang_at", range(CALLS))
def test_killed_anywhere_and_twice(tmp_path, unbroken, hang_at):
    kill(begin(tmp_path, hang_at))
    (tmp_path / "hangs").unlink()
    kill(begin(tmp_path, sum(killed.calls(tmp_path).values()) + 1))
    with SqliteCheckpoints(tmp_path / "runs.db") as store:
        output = killed.workflow(tmp_path, -1, store).resume("it")
    assert (output.content, output.data, output.state) == unbroken[0]


def test_a_living_process_keeps_its_run_and_a_stopped_one_too(tmp_path):
    process = begin(tmp_path, 3)
    with SqliteCheckpoints(tmp_path / "runs.db") as store:
        workflow = killed.workflow(tmp_path, -1, store)
        with pytest.raises(InputError, match=rf"is being carried out by process {process.pid} on"):
            workflow.resume("it")
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(InputError, match=rf"process {process.pid} on"):
            workflow.resume("it")
        taken = workflow.resume("it", take_over=True)
        os.kill(process.pid, signal.SIGCONT)
        (tmp_path / "goes on").touch()
        assert process.wait(30) == killed.TAKEN_OVER
        assert taken.status == "completed"
        assert workflow.resume("it").content == taken.content
