import json
import re
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Agno


def converse(agno: Agno, session: str, prompt: str = "Hi") -> str:
    return agno("run", "--agent", "team.py:history", "--session", session, prompt).out


def test_a_session_is_begun_and_continued(agno: Agno) -> None:
    assert converse(agno, "work") == "1 messages\n"
    assert converse(agno, "work") == "3 messages\n"
    assert converse(agno, "other") == "1 messages\n"


def test_continue_means_the_session_used_last(agno: Agno) -> None:
    converse(agno, "first")
    converse(agno, "second")
    converse(agno, "first")
    assert agno("run", "--agent", "team.py:history", "-c", "Hi").out == "5 messages\n"


def test_a_run_that_fails_leaves_the_session_as_it_was(agno: Agno) -> None:
    converse(agno, "work")
    assert agno("run", "--agent", "team.py:endless", "--session", "work", "Hi").code == 7
    assert converse(agno, "work") == "3 messages\n"


def test_dry_run_shows_the_conversation_and_begins_none(agno: Agno) -> None:
    converse(agno, "work")
    dry = agno("run", "--dry-run", "--agent", "team.py:history", "--session", "work", "Again").out
    assert dry.endswith("\n[user]\nHi\n\n[assistant]\n1 messages\n\n[user]\nAgain\n")
    agno("run", "--dry-run", "--agent", "team.py:history", "--session", "new", "Hi")
    assert agno("sessions", "list").out.count("\n") == 1


def test_sessions_are_listed(agno: Agno) -> None:
    assert agno("sessions", "list") == (0, "", "")
    converse(agno, "work", "Plan\tmy day")
    line = agno("sessions", "list").out
    assert re.fullmatch(r"work\t1\t\d{4}-\d\d-\d\d \d\d:\d\d\tPlan my day\n", line)
    assert agno("sessions").out == line
    document = json.loads(agno("sessions", "list", "--json").out)
    assert document["command"] == "sessions list"
    assert [session["id"] for session in document["result"]] == ["work"]


def test_a_session_is_shown(agno: Agno) -> None:
    agno("run", "-q", "--agent", "team.py:adder", "--session", "sum", "One and two?")
    code, out, err = agno("sessions", "show", "sum")
    assert (code, err) == (0, "")
    assert out == (
        '[user]\nOne and two?\n\n[assistant]\nLet me see.\ncalls add {"a":1,"b":2}\n\n'
        "[tool add]\n3\n\n[assistant]\nIt is 3.\n"
    )
    result = json.loads(agno("sessions", "show", "sum", "--json").out)["result"]
    assert result["session"]["turns"] == 1
    assert [message["role"] for message in result["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_a_turn_that_cannot_be_read_is_marked(agno: Agno, folder: Path) -> None:
    for _ in range(3):
        converse(agno, "work")
    with sqlite3.connect(folder / "data" / "sessions.db") as connection:
        connection.execute("UPDATE turn SET messages = '7' WHERE number = 2")
    connection.close()
    problem = "Expected `array`, got `int`"
    _, out, err = agno("sessions", "show", "work")
    assert (out.count("[user]"), err) == (2, "")
    assert f"1 messages\n\n[turn 2 cannot be read: {problem}]\n\n[user]\nHi\n" in out
    result = json.loads(agno("sessions", "show", "work", "--json").out)["result"]
    assert (len(result["messages"]), result["unreadable"]) == (
        4,
        [{"turn": 2, "problem": problem}],
    )
    code, out, err = agno("run", "--agent", "team.py:history", "--session", "work", "Hi")
    assert (code, out) == (0, "5 messages\n")
    assert err.startswith("warning: turn 2 of session `work` in ")
    assert agno("run", "-q", "--agent", "team.py:history", "--session", "work", "Hi").err == ""


def test_sessions_are_deleted_all_or_none(agno: Agno) -> None:
    converse(agno, "one")
    converse(agno, "two")
    code, _, err = agno("sessions", "delete", "one", "three")
    assert code == 2
    assert err == (
        "error: there is no session `three`, so nothing was deleted;"
        " `agno sessions list` shows them, AGNO_DATA names another folder\n"
    )
    assert agno("sessions", "delete", "one", "two", "one") == (
        0,
        "",
        "deleted session `one`\ndeleted session `two`\n",
    )
    assert agno("sessions", "list").out == ""


def test_an_unknown_session(agno: Agno, folder: Path) -> None:
    code, out, err = agno("sessions", "show", "nobody", "--json")
    assert (code, json.loads(out)["error"]["type"]) == (2, "InputError")
    path = folder / "data" / "sessions.db"
    assert err == (
        f"error: there is no session `nobody` in `{path}`; `agno sessions list` shows them,"
        " AGNO_DATA names another folder\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "list"],
        ["sessions", "show", "work"],
        ["sessions", "delete", "work"],
        ["run", "--agent", "team.py:history", "--session", "work", "Hi"],
        ["run", "--agent", "team.py:history", "-c", "Hi"],
    ],
)
def test_a_database_that_is_none_is_left_as_it_is(
    agno: Agno, folder: Path, arguments: list[str]
) -> None:
    path = folder / "data" / "sessions.db"
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    code, out, err = agno(*arguments)
    assert (code, out) == (5, "")
    assert err.startswith(f"error: `{path}` is damaged or no session database")
    assert err.count("\n") == 1
    assert path.read_bytes() == b"no database at all" * 100


def test_a_database_of_another_program(agno: Agno, folder: Path) -> None:
    path = folder / "data" / "sessions.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    assert agno("sessions", "list").code == 5
