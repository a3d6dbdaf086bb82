"""Engines: workers that are processes, crews of them, and what happens when one is lost."""

import os
import sys
import time
from pathlib import Path

import msgspec
import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.scenarios._batch_job import BatchDone, BatchJob
from agno_cli.scenarios._definition import AgentTable, BatchRun, ModelTable
from agno_cli.scenarios._engine_ray import check_installed, check_reachable
from agno_cli.scenarios._engines import Crew, Loss, opened
from agno_cli.scenarios._process import clock_name
from agno_cli.scenarios._work import Answer, WorkFailedError, perform

DIES_ONCE = """
import os, pathlib, signal
from agno_cli import Agent, ScriptedModel
mark = pathlib.Path({mark!r})
if not mark.exists():
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
mine = Agent(ScriptedModel(["ok"]))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def job(agents: int = 10, reference: str = "", at: float = 0.0) -> BatchJob:
    agent = AgentTable(reference=reference)
    return BatchJob(agent=agent, model=ModelTable(), way="kept", agents=agents, at=at)


class Stand:
    """A worker that does its jobs in this process, but is lost with the first few."""

    def __init__(self, where: str, losses: int = 0) -> None:
        self.where = where
        self.losses = losses
        self._said: bytes | None = None
        self._lost = ""

    def begin(self, job: bytes) -> None:
        if self.losses:
            self.losses -= 1
            self._lost = "its plug was pulled"
        else:
            self._said = perform(job)

    def hear(self) -> bytes | None:
        said, self._said = self._said, None
        return said

    def lost(self) -> str:
        return self._lost


def crew(*workers: Stand, hired: tuple[Stand, ...] = ()) -> Crew:
    more = iter(hired)
    return Crew(workers, hire=lambda: next(more), losses=[], clocks=set(), startup=0.0)


def test_jobs_are_shared_out_and_answered_in_their_order():
    done = crew(Stand("a"), Stand("b")).do([job(3), job(5), job(7)])
    assert [type(one) for one in done] == [BatchDone] * 3
    assert all(isinstance(one, BatchDone) and len(one.seconds) == 1 for one in done)


def test_what_a_lost_worker_had_is_done_again_by_another():
    some = crew(Stand("a", losses=1), Stand("b"))
    assert len(some.do([job(), job()])) == 2
    assert some.losses == [Loss("a", "its plug was pulled", instead="b")]
    assert str(some.losses[0]) == (
        "a was lost (its plug was pulled); its share was done again by b"
    )


def test_when_nobody_is_left_one_is_hired():
    some = crew(Stand("a", losses=1), hired=(Stand("c"),))
    assert len(some.do([job(), job()])) == 2
    assert some.losses == [Loss("a", "its plug was pulled", instead="c")]


def test_a_share_that_kills_whoever_takes_it_is_given_up():
    some = crew(Stand("a", 9), hired=(Stand("b", 9), Stand("c", 9)))
    with pytest.raises(WorkFailedError, match="3 workers in a row were lost with the same share"):
        some.do([job()])
    assert [loss.worker for loss in some.losses] == ["a", "b", "c"]


def test_workers_that_take_too_long_are_not_waited_for():
    class Slow(Stand):
        def begin(self, job: bytes) -> None: ...

    with pytest.raises(WorkFailedError, match=r"the workers did not end within 0\.01 s"):
        crew(Slow("a")).do([job()], seconds=0.01)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("InputError", InputError),
        ("ConfigurationError", ConfigurationError),
        ("ZeroDivisionError", WorkFailedError),
    ],
)
def test_errors_of_a_job_come_back_as_what_they_are(kind, error):
    with pytest.raises(error, match="what was wrong"):
        Answer(kind=kind, problem="what was wrong").result()


def test_an_error_in_a_worker_is_an_answer():
    answer = msgspec.json.decode(perform(msgspec.json.encode(job(reference="x.py:y"))), type=Answer)
    assert answer == Answer(kind="InputError", problem="--agent: there is no file `x.py`")
    assert msgspec.json.decode(perform(b"{"), type=Answer).kind == "DecodeError"


def test_processes_begin_at_once_and_are_ended():
    with opened(BatchRun(engine="processes", workers=2)) as engine, engine.crew() as some:
        assert (engine.name, engine.workers, some.size) == ("2 processes", 2, 2)
        assert some.clocks == {clock_name()}
        at = time.perf_counter() + 0.1
        done = some.do([job(1_000, at=at), job(1_000, at=at)])
    started = [one.started for one in done if isinstance(one, BatchDone)]
    assert min(started) >= at
    assert len(started) == 2
    assert not _workers()


def test_one_process_is_the_engine_by_default():
    with opened(BatchRun()) as engine:
        assert (engine.name, engine.workers) == ("one process", 1)


def test_an_interrupt_leaves_no_process():
    with (
        pytest.raises(KeyboardInterrupt),
        opened(BatchRun(engine="processes", workers=2)) as engine,
        engine.crew(),
    ):
        raise KeyboardInterrupt
    assert not _workers()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_is_replaced_and_told_of(tmp_path):
    (tmp_path / "mine.py").write_text(DIES_ONCE.format(mark=str(tmp_path / "mark")))
    with opened(BatchRun()) as engine, engine.crew() as some:
        (done,) = some.do([job(5, reference=f"{tmp_path / 'mine.py'}:mine")])
    assert isinstance(done, BatchDone)
    assert engine.losses == [Loss("worker 1", "it ended with exit code -9", instead="worker 2")]


def test_a_worker_that_cannot_start_is_told_of(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkFailedError, match="worker 1 did not start: it ended with exit code"):  # noqa: SIM117
        with opened(BatchRun()) as engine, engine.crew():
            pass


def test_ray_that_is_not_installed_is_named_with_what_installs_it():
    with pytest.raises(ConfigurationError) as caught:
        check_installed(lambda _: None)
    assert str(caught.value) == (
        "`--engine ray` needs Ray, which is not installed: `pip install 'agno-cli[ray]'`"
    )


def test_a_cluster_that_does_not_answer_is_told_of_at_once():
    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at `127\.0\.0\.1:1`"):
        check_reachable("127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at `ray://\[::1\]:1`"):
        check_reachable("ray://[::1]:1")


@pytest.mark.parametrize("address", ["nonsense", ":6379", "host:", "ray://host:port"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigurationError, match="is no address of a cluster; write `HOST:6379`"):
        check_reachable(address)


def _workers() -> list[str]:
    if sys.platform != "linux":
        return []
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"scenarios._worker" in command and parent == os.getpid():
            found.append(command.decode())
    return found
