"""The engine of many machines, on real clusters on loopback; one of two nodes is killed."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from agno_cli import ConfigurationError, scenarios
from agno_cli.scenarios._definition import AgentTable, BatchRun, ModelTable, Scenario
from agno_cli.scenarios._engines import opened
from agno_cli.scenarios._multi_agent_job import MultiAgentDone, MultiAgentJob
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._process import clock_name
from agno_cli.scenarios._quantities import read_latency

pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters are not for Windows"),
]
NODES = Path(__file__).with_name("ray_nodes.py")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path: sockets are made below it."""
    made = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
    with made as name, pytest.MonkeyPatch.context() as patch:
        # Never the token in the home of whoever runs the tests; and loopback only.
        token = Path(name, "token")
        token.write_text(secrets.token_hex(32))
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield Path(name)


class Nodes:
    """A cluster of two nodes in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._said("127.0.0.1:")

    def kill_one(self) -> None:
        stdin: IO[str] | None = self._process.stdin
        assert stdin is not None
        stdin.write("kill\n")
        stdin.flush()
        self._said("killed")

    def _said(self, start: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(start):
                return line.strip()
        pytest.fail("the cluster did not start")


@pytest.fixture
def nodes(folder) -> Iterator[Nodes]:
    with subprocess.Popen(
        [sys.executable, str(NODES), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Nodes(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def job() -> MultiAgentJob:
    """Four seconds of work that can be checked."""
    return MultiAgentJob(
        agent=AgentTable(),
        model=ModelTable(latency=read_latency("latency", "100ms")),
        way="timed",
        agents=20,
        topology="chain",
        through="tasks",
        rounds=1,
        fanout=2,
        failure="none",
        timeout=1.0,
        repeats=2,
    )


def test_what_a_killed_node_had_is_done_again_on_the_other(nodes):
    too_many = BatchRun(engine="ray", workers=3, address=nodes.address)
    few = "has 2 processors, too few for 3 workers; give fewer `--workers`"
    with pytest.raises(ConfigurationError, match=few), opened(too_many):
        pass
    with (
        opened(BatchRun(engine="ray", workers=2, address=nodes.address)) as engine,
        engine.crew() as crew,
    ):
        assert engine.name == "Ray, 2 workers on 2 nodes"
        assert crew.clocks == {clock_name()}
        killing = threading.Timer(1.5, nodes.kill_one)
        killing.start()
        done = crew.do([job(), job()], seconds=120)
        killing.join()
    for one in done:
        assert isinstance(one, MultiAgentDone)
        assert (one.answered, one.wrong, len(one.makespans)) == (20, (), 2)
    (loss,) = engine.losses
    assert "Actor" in loss.reason
    assert loss.instead
    assert loss.instead != loss.worker


@pytest.mark.usefixtures("folder")
def test_a_scenario_runs_on_a_cluster_of_its_own_that_is_gone_afterwards():
    run = BatchRun(agents=500, repeats=1, warm=1)
    given = Scenario(name="few", summary="", workload="batch", runs=(run,))
    options = Options(engine="ray", workers=2)
    (result,) = scenarios.run(given, options).runs
    assert result.conclusion == "pass"
    assert result.conditions.startswith("500 agents, Ray, 2 workers on a node, ")
    assert result.metrics["speedup"].value > 0
    assert result.histograms["create"].count == 2_000
    if sys.platform == "linux":
        assert _gone("ray_driver", "agno-ray-", seconds=10)


def _gone(*words: str, seconds: float) -> bool:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        commands = b"".join(_commands())
        if not any(word.encode() in commands for word in words):
            return True
        time.sleep(0.1)
    return False


def _commands() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended by now
            yield path.read_bytes()
