"""Session databases that cannot be used: one clear error, and nothing is overwritten."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from agno_cli import Agent, InputError, Message, ScriptedModel, StorageError
from agno_cli.storage import SqliteSessions, Turn, _waiting
from agno_cli.storage import _database as database
from agno_cli.storage._waiting import connect, is_busy

HI = [Message("user", "Hi"), Message("assistant", "Hello")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


def query(path: Path, *statements: str) -> list[Any]:
    """Carry statements out as another program would; give the rows of the last."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows
    finally:
        connection.close()


def fails(path: Path, message: str) -> None:
    """Expect every use to fail with a message, and the file to stay as it is."""
    before = path.read_bytes()
    with SqliteSessions(path) as sessions:
        for use in (sessions.recent, sessions.memory("anna").load, lambda: sessions.get("anna")):
            with pytest.raises(StorageError, match=message):
                use()
        with pytest.raises(StorageError, match=message):
            sessions.memory("anna").commit(HI)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"xy", b"no database\n" * 1_000, b"SQLite format 3\0"])
def test_a_file_that_is_no_database(path, content):
    path.write_bytes(content)
    fails(path, r"sessions\.db` is damaged or no session database \(.*\); it was left as it is")


def test_a_database_that_was_cut_off_or_scribbled_over(path):
    with SqliteSessions(path) as sessions:
        for number in range(50):
            sessions.memory(f"session {number}").commit([Message("user", "long " * 1_000)])
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    fails(path, "is damaged or no session database")


def test_a_database_of_another_program(path):
    query(path, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('keep me')")
    fails(path, "is a database of another program; name another file for the sessions")
    query(path, "PRAGMA user_version = 7", "DROP TABLE notes")
    fails(path, "is a database of another program; name another file for the sessions")


def test_a_database_of_a_newer_version(path):
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
    query(path, "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 2")
    fails(path, "has format 2, this version of agno-cli knows format 1; upgrade agno-cli")


def test_an_empty_file_is_taken(path):
    path.touch()
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        assert sessions.messages("anna") == HI


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("""'[{"role": "prophet"}]'""", "Invalid enum value 'prophet' - at `$[0].role`"),
        ("x'ff'", "can't decode byte 0xff"),
        ("'" + "[" * 100_000 + "'", "recursion"),
        ("7", "Expected `array`, got `int`"),
    ],
)
def test_a_turn_that_cannot_be_read_costs_no_other(path, content, problem, caplog):
    with SqliteSessions(path) as sessions:
        for _ in range(3):
            sessions.memory("anna").commit(HI)
        query(path, f"UPDATE turn SET messages = {content} WHERE number = 2")
        assert sessions.messages("anna") == HI + HI
        first, damaged, last = sessions.turns("anna")
        assert (first, last) == (Turn(1, HI), Turn(3, HI))
        assert problem in damaged.problem
        with pytest.raises(InputError, match="there is no session `nobody`"):
            sessions.turns("nobody")
    assert caplog.messages == [
        f"turn 2 of session `anna` in `{path}` cannot be read and is left out: {damaged.problem}"
    ]


def test_a_flipped_bit_costs_a_letter(path):
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        damaged = """CAST(replace(CAST({0} AS BLOB), x'4869', x'48e9') AS TEXT)"""
        query(
            path,
            f"UPDATE turn SET messages = {damaged.format('messages')}",
            f"UPDATE session SET title = {damaged.format('title')}",
        )
        assert sessions.messages("anna")[0] == Message("user", "H\ufffd")
        assert [session.title for session in sessions.recent()] == ["H\ufffd"]


@pytest.mark.parametrize("name", ["", "folder/sessions.db", "file/sessions.db", "file/a/b.db"])
def test_a_place_where_no_file_can_be(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "sessions.db").mkdir(parents=True)
    with SqliteSessions(tmp_path / name) as sessions:
        agent = Agent(ScriptedModel(lambda _: pytest.fail("a model call is paid for nothing")))
        with pytest.raises(StorageError, match=r"for sessions: .* set AGNO_DATA") as caught:
            agent.run("Hi", memory=sessions.memory("anna"))
        assert str(tmp_path / name) in str(caught.value)
        with pytest.raises(StorageError, match="set AGNO_DATA"):
            sessions.recent()


def restricted(path: Path, pragma: str) -> SqliteSessions:
    """Give sessions whose open connection has a restriction of the disk or the user's rights."""
    sessions = SqliteSessions(path)
    sessions.memory("anna").commit(HI)
    with sessions._database.use() as connection:
        connection.execute(pragma)
    return sessions


def test_a_full_disk_loses_only_the_turn_that_did_not_fit(path):
    with restricted(path, "PRAGMA max_page_count = 10") as sessions:
        memory = sessions.memory("anna")
        with pytest.raises(StorageError, match=r"no space left for `.*`: the turn was not stored"):
            memory.commit([Message("user", "x" * 100_000)])
        assert memory.load() == HI
        memory.commit(HI)  # there is room again
        assert [session.turns for session in sessions.recent()] == [2]


def test_a_database_that_may_only_be_read(path):
    with restricted(path, "PRAGMA query_only = ON") as sessions:
        memory = sessions.memory("anna")
        assert memory.load() == HI
        with pytest.raises(StorageError, match="attempt to write a readonly database; it must be"):
            memory.commit(HI)


def test_a_database_that_another_program_holds_locked(path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with SqliteSessions(path) as sessions:
        assert sessions.messages("anna") == HI  # readers need not wait
        with pytest.raises(StorageError, match=r"was locked by another program for 0\.05 seconds"):
            sessions.memory("anna").commit(HI)
        other.execute("ROLLBACK")
        sessions.memory("anna").commit(HI)
    other.close()


def test_a_long_wait_is_told_and_ends_with_the_lock(path, monkeypatch, caplog):
    monkeypatch.setattr(_waiting, "_SILENT_SECONDS", 0.3)
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(1.0, other.execute, ["COMMIT"])
        timer.start()
        sessions.memory("anna").commit(HI)
        timer.join()
        other.close()
        assert sessions.messages("anna") == HI + HI
    assert caplog.messages == [
        f"`{path}` is locked by another program; waiting for it, 30 s at most"
    ]


def test_what_is_no_lock_is_not_waited_for(path):
    connection = connect(path, 30.0)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        connection.execute("SELECT * FROM nowhere")
    connection.close()
    assert not is_busy(sqlite3.OperationalError("Python's own"))


def test_a_file_system_without_wal_is_good_enough(path, monkeypatch):
    monkeypatch.setattr(database, "_use_wal", lambda _: False)
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        assert sessions.messages("anna") == HI
    assert query(path, "PRAGMA journal_mode") == [("delete",)]


def test_an_interrupt_undoes_the_transaction_it_hits(path: Path) -> None:
    def interrupted(sessions: SqliteSessions) -> None:
        with sessions._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM turn")
            raise KeyboardInterrupt

    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        with pytest.raises(KeyboardInterrupt):
            interrupted(sessions)
        assert sessions.messages("anna") == HI


def test_two_that_make_one_file_at_once_agree(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def be_faster(self: Path, mode: int) -> None:
        monkeypatch.undo()
        with SqliteSessions(path) as faster:
            faster.memory("anna").commit(HI)

    monkeypatch.setattr(Path, "chmod", be_faster)  # between seeing the empty file and filling it
    with SqliteSessions(path) as sessions:
        sessions.memory("anna").commit(HI)
        assert sessions.messages("anna") == HI + HI
