"""Stores of checkpoints: what is kept comes back, and one holder at a time may write."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agno_cli import ConfigurationError, InputError, MemoryCheckpoints, StorageError, Usage
from agno_cli._checkpoints import Checkpoint, Ending, PastRun, WorkflowRun
from agno_cli._json import from_json, to_json
from agno_cli._step_output import StepOutput
from agno_cli.storage import KeptRun, SqliteCheckpoints
from agno_cli.storage._holders import Holder, is_dead, new_holder

RUN = WorkflowRun("it", "flow", ("step 1.a",), "caf\udce9", "{}", "anna", "s", (PastRun("p", "c"),))
STEP = Checkpoint("1.a", StepOutput("1.a", "a", "text", Usage(1, 2), 1, 0.5), None, '{"n":1}')
CHOICE = Checkpoint("2.when", value="true")


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryCheckpoints()
        return
    with SqliteCheckpoints(tmp_path / "new folder" / "runs.db") as kept:
        yield kept


@pytest.fixture
def sqlite(tmp_path):
    with SqliteCheckpoints(tmp_path / "runs.db") as kept:
        yield kept


def query(path: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_what_is_kept_comes_back(store):
    journal = store.begin(RUN)
    journal.save(STEP)
    journal.save(CHOICE)
    journal.end(Ending("failed", "text", "3.b", "broken"))
    resumed = store.resume("it")
    assert (resumed.run, resumed.checkpoints) == (RUN, (STEP, CHOICE))
    assert resumed.ending == Ending("failed", "text", "3.b", "broken")
    resumed.journal.save(replace(CHOICE, path="3.b"))
    resumed.journal.release()
    again = store.resume("it")
    assert [kept.path for kept in again.checkpoints] == ["1.a", "2.when", "3.b"]
    again.journal.end(Ending("completed", "done"))
    assert store.resume("it").ending == Ending("completed", "done")
    assert store.resume("it").ending == Ending("completed", "done"), "nobody holds it"


def test_runs_do_not_share_checkpoints(store):
    journals = [store.begin(replace(RUN, run_id=str(number))) for number in range(3)]
    for number, journal in enumerate(journals):
        for step in range(number):
            journal.save(replace(STEP, path=f"{number}.{step}"))
        journal.release()
    for number in range(3):
        kept = store.resume(str(number)).checkpoints
        assert [step.path for step in kept] == [f"{number}.{step}" for step in range(number)]


def test_a_run_is_held_until_it_is_let_go(store):
    journal = store.begin(RUN)
    with pytest.raises(InputError, match="run `it` is being carried out by"):
        store.resume("it")
    with pytest.raises(InputError, match="there is a run `it` in"):
        store.begin(RUN)
    taken = store.resume("it", take_over=True)
    for write in (
        journal.release,
        lambda: journal.save(STEP),
        lambda: journal.end(Ending("failed")),
    ):
        with pytest.raises(StorageError, match="run `it` was taken over by another holder"):
            write()
    taken.journal.save(STEP)
    assert taken.checkpoints == ()


def test_history_is_of_completed_runs_of_one_conversation(store):
    def finish(run_id: str, status: Any = "completed", **changes: str) -> None:
        run = replace(RUN, run_id=run_id, prompt=f"p{run_id}", **changes)
        store.begin(run).end(Ending(status, f"c{run_id}"))

    finish("1")
    finish("2", "cancelled")
    finish("3", user="bert")
    finish("4", session="t")
    finish("5", workflow="other")
    finish("6")
    finish("7")
    store.begin(replace(RUN, run_id="8"))
    assert store.history(RUN, count=2) == (PastRun("p6", "c6"), PastRun("p7", "c7"))
    assert store.history(RUN, count=9) == (
        PastRun("p1", "c1"),
        PastRun("p6", "c6"),
        PastRun("p7", "c7"),
    )


def test_memory_drops_the_oldest_that_nobody_carries_out():
    store = MemoryCheckpoints(max_runs=2)
    held = store.begin(replace(RUN, run_id="held"))
    for number in range(3):
        store.begin(replace(RUN, run_id=str(number))).end(Ending("failed"))
    assert (len(store), bool(MemoryCheckpoints())) == (2, True)
    assert repr(store) == "<MemoryCheckpoints of 2 runs, at most 2>"
    assert store.resume("2").ending == Ending("failed")
    store.begin(replace(RUN, run_id="also held"))
    held.end(Ending("completed"))
    with pytest.raises(InputError, match="there is no run `0` in this process"):
        store.resume("0")


def test_memory_keeps_more_when_all_are_carried_out():
    store = MemoryCheckpoints(max_runs=1)
    journals = [store.begin(replace(RUN, run_id=str(number))) for number in range(3)]
    assert len(store) == 3
    assert journals


def test_a_listing(sqlite):
    assert sqlite.recent() == []
    journal = sqlite.begin(replace(RUN, prompt="hi"))
    journal.save(STEP)
    journal.save(CHOICE)
    sqlite.begin(replace(RUN, run_id="other", prompt="ho")).end(Ending("cancelled", "", "1.a"))
    other, first = sqlite.recent()
    assert other == KeptRun(
        "other", "flow", "ho", "cancelled", "1.a", 0, other.created, other.updated
    )
    assert first == KeptRun("it", "flow", "hi", "unfinished", "", 1, first.created, first.updated)
    assert first.updated > first.created
    assert [run.run_id for run in sqlite.recent(1)] == ["other"]
    assert sqlite.recent(-1) == []
    assert repr(sqlite) == f"<SqliteCheckpoints {sqlite.path}>"


def test_a_deleted_run_is_gone_and_its_holder_stops(sqlite):
    journal = sqlite.begin(replace(RUN, prompt="very secret"))
    journal.save(STEP)
    sqlite.begin(replace(RUN, run_id="other")).save(STEP)
    sqlite.delete("it")
    assert b"very secret" not in sqlite.path.read_bytes()
    with pytest.raises(StorageError, match="taken over"):
        journal.save(STEP)
    for look in (sqlite.delete, sqlite.resume):
        with pytest.raises(InputError, match="there is no run `it` in"):
            look("it")
    assert [(run.run_id, run.steps) for run in sqlite.recent()] == [("other", 1)]


def test_looking_makes_no_file(sqlite):
    for look in (lambda: sqlite.resume("it"), lambda: sqlite.delete("it")):
        with pytest.raises(InputError, match="there is no run `it` in"):
            look()
    assert (sqlite.recent(), sqlite.history(RUN, count=3)) == ([], ())
    assert not sqlite.path.exists()


@pytest.mark.parametrize("name", ["", ":memory:", "a\0b"])
def test_names_that_are_no_file(name):
    with pytest.raises(ConfigurationError, match="is no file for checkpoints; give a path, or use"):
        SqliteCheckpoints(name)


def test_a_file_of_sessions_is_left_as_it_is(tmp_path):
    from agno_cli import Message
    from agno_cli.storage import SqliteSessions

    path = tmp_path / "sessions.db"
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit([Message("user", "Hi")])
    with SqliteCheckpoints(path) as store, pytest.raises(StorageError) as caught:
        store.begin(RUN)
    assert str(caught.value) == (
        f"`{path}` is a database of another program; name another file for the checkpoints"
    )


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE checkpoint SET output = '{"path": 7}'""",
        """UPDATE run SET begun = 'x'""",
        """UPDATE run SET holder = '{}'""",
    ],
)
def test_rows_that_cannot_be_read_are_named(sqlite, statement):
    sqlite.begin(RUN).save(STEP)
    query(sqlite.path, statement)
    with pytest.raises(StorageError, match=r"a row of run `it` in `.*runs\.db` cannot be read: "):
        sqlite.resume("it")


def test_listings_name_rows_that_cannot_be_read(sqlite):
    sqlite.begin(RUN).end(Ending("completed"))
    query(sqlite.path, "UPDATE run SET ending = 'x'")
    for look in (sqlite.recent, lambda: sqlite.history(RUN, count=1)):
        with pytest.raises(StorageError, match=r"a row of run `it` in `.*` cannot be read"):
            look()


def holder(store: SqliteCheckpoints) -> Holder:
    ((text,),) = query(store.path, "SELECT holder FROM run")
    return from_json(text, Holder)


def put_holder(store: SqliteCheckpoints, changed: Holder) -> None:
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE run SET holder = ?", (to_json(changed),))
    connection.commit()
    connection.close()


def test_whose_journal_is_gone_holds_nothing(sqlite):
    journal = sqlite.begin(RUN)
    del journal
    assert sqlite.resume("it").checkpoints == ()


def test_who_is_known_to_be_dead_holds_nothing(sqlite):
    journal = sqlite.begin(RUN)
    mine = holder(sqlite)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert born(ended.pid) == ""
    gone = [
        replace(mine, pid=ended.pid),
        replace(mine, pid=os.getppid(), born="long ago"),
        replace(mine, boot="an earlier one"),
    ]
    for dead in gone:
        put_holder(sqlite, dead)
        sqlite.resume("it").journal.release()
    assert journal


def test_who_may_be_alive_keeps_the_run(sqlite):
    journal = sqlite.begin(RUN)
    mine = holder(sqlite)
    parent = replace(new_holder("t", 0.0), pid=os.getppid())
    for alive in (
        mine,
        replace(mine, host="another machine", pid=1),
        replace(parent, born=born(os.getppid())),
    ):
        put_holder(sqlite, alive)
        with pytest.raises(InputError, match=rf"by process {alive.pid} on `"):
            sqlite.resume("it")
    assert journal


def born(pid: int) -> str:
    from agno_cli.storage._holders import _born

    return _born(pid)


def test_another_users_process_is_alive(monkeypatch):
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    other = replace(new_holder("t", 0.0), pid=1, born=born(1))
    assert not is_dead(other, lambda _: False)


def test_a_holder_says_who_it_is():
    one = Holder("there 4026531836", "", 7, "", "t", 1_000_000_000.0)
    assert str(one) == "process 7 on `there`, since 2001-09-09 01:46:40 UTC"
    assert new_holder("t", 0.0).host.startswith(platform.node())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_leaves_the_run_to_its_parent(tmp_path):
    program = (
        "import os, sys\n"
        "from agno_cli._checkpoints import Ending, WorkflowRun\n"
        "from agno_cli.storage import SqliteCheckpoints\n"
        "store = SqliteCheckpoints(sys.argv[1])\n"
        "journal = store.begin(WorkflowRun('it', 'flow', (), 'hi', '{}'))\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    journal.end(Ending('cancelled'))\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "journal.end(Ending('completed'))\n"
    )
    path = tmp_path / "runs.db"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    with SqliteCheckpoints(path) as store:
        (kept,) = store.recent()
    assert kept.status == "completed"


def test_what_a_fork_has_inherited_is_not_ended(sqlite, monkeypatch):
    journal = sqlite.begin(RUN)
    mine = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: mine + 1)
    journal.end(Ending("cancelled"))
    monkeypatch.undo()
    (kept,) = sqlite.recent()
    assert kept.status == "unfinished"


def test_threads_keep_all_of_their_steps(sqlite):
    journal = sqlite.begin(RUN)

    def save(thread: int) -> None:
        for number in range(20):
            journal.save(replace(STEP, path=f"{thread}.{number}"))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.release()
    kept = [step.path for step in sqlite.resume("it").checkpoints]
    assert sorted(kept) == sorted(f"{t}.{n}" for t in range(5) for n in range(20))
