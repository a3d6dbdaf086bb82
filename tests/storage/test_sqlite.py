"""Sessions in SQLite: what is committed is what is loaded, whatever else happens."""

import os
import sqlite3
import stat
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    ConfigurationError,
    InputError,
    Limits,
    Message,
    RunFailed,
    ScriptedModel,
    ToolCall,
)
from agno_cli.storage import Session, SqliteSessions, sessions_path

HI = [Message("user", "Hi"), Message("assistant", "Hello")]
SUM = [
    Message("user", "What is 1 + 2?"),
    Message("assistant", "", (ToolCall("1", "add", '{"a":1,"b":2}'),), reasoning="hm"),
    Message("tool", "3", (), "1", "add"),
    Message("assistant", "3", signature="abc"),
]


@pytest.fixture
def sessions(tmp_path):
    with SqliteSessions(tmp_path / "sessions.db") as sessions:
        yield sessions


def test_a_conversation_outlives_the_process_that_held_it(tmp_path):
    with SqliteSessions(tmp_path / "new folder" / "sessions.db") as sessions:
        sessions.memory("anna").commit(HI)
        sessions.memory("anna").commit(SUM)
    with SqliteSessions(tmp_path / "new folder" / "sessions.db") as sessions:
        assert sessions.memory("anna").load() == HI + SUM
        assert sessions.memory("bert").load() == []


def test_agents_continue_their_conversations(sessions):
    agent = Agent(ScriptedModel(lambda request: f"{len(request.messages)} messages"))
    memory = sessions.memory("anna")
    assert agent.run("one", memory=memory).content == "1 messages"
    assert agent.run("two", memory=memory).content == "3 messages"
    assert agent.run("three", memory=sessions.memory("bert")).content == "1 messages"


async def test_asynchronous_runs_do_not_wait_for_the_disk_in_their_loop(sessions):
    agent = Agent(ScriptedModel(["Hello"]))
    memory = sessions.memory("anna")
    assert memory.blocking
    await agent.arun("Hi", memory=memory)
    assert memory.load() == HI


def test_a_failed_run_leaves_the_conversation_as_it_was(sessions):
    memory = sessions.memory("anna")
    memory.commit(HI)
    agent = Agent(ScriptedModel([RuntimeError("broken")]), limits=Limits(turns=1))
    with pytest.raises(RunFailed, match="broken"):
        agent.run("again", memory=memory)
    assert memory.load() == HI


def test_the_newest_turns_are_loaded_whole(sessions):
    for turn in (HI, SUM, HI):
        sessions.memory("anna").commit(turn)
    loaded = {bound: sessions.memory("anna", max_turns=bound).load() for bound in (0, 1, 2, None)}
    assert loaded == {0: [], 1: HI, 2: SUM + HI, None: HI + SUM + HI}
    assert sessions.messages("anna") == HI + SUM + HI


def test_the_last_used_session_is_listed_first(sessions, monkeypatch):
    clock = iter([100.0, 200.0, 50.0])  # set back before the last commit
    monkeypatch.setattr("agno_cli.storage.sqlite.time.time", lambda: next(clock))
    sessions.memory("anna").commit(HI)
    sessions.memory("bert").commit(SUM)
    sessions.memory("anna").commit([Message("user", "Bye"), Message("assistant", "Bye")])
    anna = Session("anna", "Hi", created=100.0, updated=50.0, turns=2, messages=4)
    bert = Session("bert", "What is 1 + 2?", created=200.0, updated=200.0, turns=1, messages=4)
    assert sessions.recent() == [anna, bert]
    assert sessions.recent(1) == [anna]
    assert sessions.recent(-1) == []
    assert sessions.newest() == anna
    assert sessions.get("bert") == bert
    assert sessions.get("carl") is None


@pytest.mark.parametrize(
    ("messages", "title"),
    [
        ([], ""),
        ([Message("assistant", "Hello")], ""),
        ([Message("user", "  Tell me\n\ta   story ")], "Tell me a story"),
        ([Message("user", "word " * 1_000)], ("word " * 16).strip()),
        ([Message("user", "x" * 10_000_000)], "x" * 80),
        ([Message("user", "caf\udce9")], "caf?"),
    ],
)
def test_a_session_is_titled_by_the_start_of_its_first_prompt(sessions, messages, title):
    sessions.memory("anna").commit(messages)
    assert sessions.newest().title == title
    assert sessions.messages("anna") == messages


def test_a_deleted_session_is_wiped_from_the_disk(sessions):
    sessions.memory("anna").commit([Message("user", "my secret " * 1_000)])
    sessions.memory("bert").commit(HI)
    sessions.delete("anna")
    assert [session.id for session in sessions.recent()] == ["bert"]
    assert sessions.memory("anna").load() == []
    for path in sessions.path.parent.iterdir():
        assert b"secret" not in path.read_bytes()
    with pytest.raises(InputError, match="there is no session `anna` in"):
        sessions.delete("anna")
    with pytest.raises(InputError, match="there is no session `anna` in"):
        sessions.messages("anna")


def test_looking_makes_no_file(sessions):
    assert sessions.recent() == []
    assert sessions.newest() is None
    assert sessions.get("anna") is None
    assert list(sessions.path.parent.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_the_owner_can_read_conversations(sessions):
    sessions.memory("anna").commit(HI)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in sessions.path.parent.iterdir()
    }
    assert modes == dict.fromkeys(("sessions.db", "sessions.db-shm", "sessions.db-wal"), 0o600)


def test_closed_sessions_open_again_on_use(sessions):
    memory = sessions.memory("anna")
    memory.commit(HI)
    sessions.close()
    assert not sessions.path.with_name("sessions.db-wal").exists()
    assert memory.load() == HI
    assert repr(sessions) == f"<SqliteSessions {sessions.path}>"


def test_forgotten_sessions_close_themselves(tmp_path):
    SqliteSessions(tmp_path / "sessions.db").memory("anna").commit(HI)
    # Python 3.13 warns of connections that are not closed, and warnings are errors here.
    assert [path.name for path in tmp_path.iterdir()] == ["sessions.db"]


@pytest.mark.parametrize(
    ("session_id", "message"),
    [
        ("", "a session id has 1 to 200 characters, this one has 0"),
        ("x" * 201, "a session id has 1 to 200 characters, this one has 201"),
        ("a\nb", "session id 'a\\nb' holds a control character; leave it out"),
        ("\x1b[2J", "session id '\\x1b[2J' holds a control character; leave it out"),
        ("\x9b", "session id '\\x9b' holds a control character; leave it out"),
        ("\ud800", "session id '\\ud800' holds a control character; leave it out"),
    ],
)
def test_ids_that_cannot_be_used_are_named(sessions, session_id, message):
    for use in (sessions.memory, sessions.get, sessions.delete, sessions.messages):
        with pytest.raises(InputError) as caught:
            use(session_id)
        assert str(caught.value) == message


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b"])
def test_a_path_that_is_no_file_is_refused(path):
    with pytest.raises(ConfigurationError, match="is no file for sessions; give a path"):
        SqliteSessions(path)


def test_a_negative_bound_is_refused(sessions):
    with pytest.raises(ConfigurationError, match="max_turns is -1; give 0 or more, None for all"):
        sessions.memory("anna", max_turns=-1)


def test_the_default_path_is_in_the_users_data_folder(monkeypatch):
    monkeypatch.setenv("AGNO_DATA", "~/agents")
    assert sessions_path() == Path.home() / "agents" / "sessions.db"
    monkeypatch.delenv("AGNO_DATA")
    folder = platformdirs.user_data_dir("agno-cli", appauthor=False)
    assert sessions_path() == Path(folder) / "sessions.db"


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SqliteSessions("sessions.db") as sessions:
        monkeypatch.chdir("/")
        sessions.memory("anna").commit(HI)
        assert (tmp_path / "sessions.db").exists()


ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200)
any_text = st.text(st.characters())
turns = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant", "tool"]), any_text, name=any_text),
    max_size=3,
)


@settings(max_examples=50, deadline=None)
@given(ids, turns, st.integers(0, 3))
def test_whatever_is_committed_comes_back(tmp_path_factory, session_id, turn, others):
    path = tmp_path_factory.mktemp("sessions") / "sessions.db"
    with SqliteSessions(path) as sessions:
        for number in range(others):
            sessions.memory(f"{session_id[:100]}{number}").commit(HI)
        sessions.memory(session_id).commit(turn)
        assert sessions.messages(session_id)[-len(turn) :] == turn
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
