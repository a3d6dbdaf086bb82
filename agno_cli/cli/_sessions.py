"""The stored conversations, as the command line uses them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice

from agno_cli._errors import InputError
from agno_cli.cli._console import Console
from agno_cli.cli._dry_run import message_lines
from agno_cli.cli._log import log_on_stderr
from agno_cli.cli._table import write_table
from agno_cli.storage import SqliteMemory, SqliteSessions, Turn, sessions_path


def open_sessions() -> SqliteSessions:
    """Give the user's sessions."""
    return SqliteSessions(sessions_path())


def open_session(session_id: str | None, *, newest: bool) -> SqliteMemory | None:
    """Give the conversation that was asked for, None when none was.

    Raises:
        InputError: the id cannot be used, or there is no session to continue.
    """
    if newest:
        found = open_sessions().newest()
        if found is None:
            raise InputError(
                f"there is no session to continue in `{sessions_path()}`; begin one with"
                " `--session ID`, or set AGNO_DATA to the folder of another file"
            )
        session_id = found.id
    return None if session_id is None else open_sessions().memory(session_id)


def stored_ids() -> list[str]:
    """Give the ids of the stored sessions, the newest first."""
    return [session.id for session in open_sessions().recent()]


def list_sessions(*, json: bool) -> None:
    """Write the stored sessions, the newest first."""
    console = Console()
    with console.documented("sessions list", enabled=json), log_on_stderr(console):
        found = open_sessions().recent()
        if json:
            console.document("sessions list", found)
            return
        rows = [
            (session.id, str(session.turns), _moment(session.updated), session.title)
            for session in found
        ]
        if rows or not console.out_is_terminal:
            write_table(console, ("ID", "TURNS", "LAST USED", "BEGINS WITH"), rows)
        else:
            console.note("no sessions yet; `agno run --session ID` begins one")


def show_session(session_id: str, *, json: bool) -> None:
    """Write a whole conversation.

    Raises:
        InputError: there is no such session.
    """
    console = Console()
    with console.documented("sessions show", enabled=json), _known_ids(), log_on_stderr(console):
        sessions = open_sessions()
        turns = sessions.turns(session_id)
        if json:
            result = {
                "session": sessions.get(session_id),
                "messages": [message for turn in turns for message in turn.messages],
                "unreadable": [
                    {"turn": turn.number, "problem": turn.problem} for turn in turns if turn.problem
                ],
            }
            console.document("sessions show", result)
            return
        lines = chain.from_iterable(map(_turn_lines, turns))
        console.write("\n".join(islice(lines, 1, None)) + "\n")


def _turn_lines(turn: Turn) -> list[str]:
    if turn.problem:
        return ["", f"[turn {turn.number} cannot be read: {turn.problem}]"]
    return list(chain.from_iterable(["", *message_lines(message)] for message in turn.messages))


def delete_sessions(session_ids: list[str], *, quiet: bool) -> None:
    """Delete conversations: all of those named or, when one is unknown, none.

    Raises:
        InputError: there is no such session.
    """
    console = Console(quiet=quiet)
    with _known_ids(), log_on_stderr(console):
        sessions = open_sessions()
        wanted = dict.fromkeys(session_ids)
        for session_id in wanted:
            if sessions.get(session_id) is None:
                raise InputError(f"there is no session `{session_id}`, so nothing was deleted")
        for session_id in wanted:
            sessions.delete(session_id)
            console.note(f"deleted session `{session_id}`")


@contextmanager
def _known_ids() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{error}; `agno sessions list` shows them, AGNO_DATA names another folder"
        ) from error


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
