"""Conversations in a SQLite file, for any number of threads and processes at once."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli._json import from_json, to_json
from agno_cli._messages import Message
from agno_cli._settings import expanded
from agno_cli.storage._database import Database

_logger = logging.getLogger("agno_cli")
_MAX_ID = 200  # characters
_MAX_TITLE = 80
_ALL = -1  # to SQLite's LIMIT

# By turn, not by time: a clock may be set back.
_RECENT = """
    SELECT id, title, created, updated, turns, messages FROM session
    ORDER BY (SELECT max(turn.number) FROM turn WHERE turn.session = session.number) DESC LIMIT ?
"""
_ONE = "SELECT id, title, created, updated, turns, messages FROM session WHERE id = ?"
_NEWEST_TURNS = """
    SELECT number, messages FROM turn WHERE session = (SELECT number FROM session WHERE id = ?)
    ORDER BY number DESC LIMIT ?
"""
_TOUCH = """
    INSERT INTO session (id, title, created, updated, turns, messages) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT (id) DO UPDATE SET
    updated = excluded.updated, turns = turns + 1, messages = messages + excluded.messages
"""
_ADD_TURN = """
    INSERT INTO turn (session, created, messages)
    VALUES ((SELECT number FROM session WHERE id = ?), ?, ?)
"""
_DELETE_TURNS = "DELETE FROM turn WHERE session = (SELECT number FROM session WHERE id = ?)"
_DELETE_SESSION = "DELETE FROM session WHERE id = ?"


class Session(Struct, frozen=True):
    """What a listing shows of one conversation.

    `title` is the beginning of its first prompt. Times are seconds since 1970, UTC.
    """

    id: str
    title: str
    created: float
    updated: float
    turns: int
    messages: int


class Turn(Struct, frozen=True):
    """What one run added to a conversation.

    `number` counts the turns of all sessions. Where `problem` is not empty, the turn cannot be
    read: it is damaged, or a newer version wrote it.
    """

    number: int
    messages: list[Message]
    problem: str = ""


class SqliteSessions:
    """A database of many conversations, each a memory that an agent can be given.

    Args:
        path: the database file; it and its folder are made on first use, readable by their
            owner only.

    Safe to share between threads; several processes may use one file at once. An idle one holds
    a file open until it is closed, collected or the process ends.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SqliteSessions(folder + "/sessions.db") as sessions:
    ...         sessions.memory("anna").commit([Message("user", "Hi")])
    ...         [(session.id, session.turns) for session in sessions.recent()]
    [('anna', 1)]

    Raises:
        ConfigurationError: the path names no file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(path)
        if name in ("", ":memory:") or "\0" in name:
            raise ConfigurationError(
                f"{name!r} is no file for sessions; give a path, or use `Memory` to keep nothing"
            )
        self._database = Database(Path(name).absolute())

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def memory(self, session_id: str, *, max_turns: int | None = 100) -> SqliteMemory:
        """Give one conversation as a memory; it is made by the first commit.

        Args:
            session_id: any text of 1 to 200 characters without control characters.
            max_turns: how many of the newest turns a run sees, None for all. All are kept.

        Raises:
            InputError: the id cannot be used.
            ConfigurationError: `max_turns` is negative.
        """
        _check_id(session_id)
        if max_turns is not None and max_turns < 0:
            raise ConfigurationError(f"max_turns is {max_turns}; give 0 or more, None for all")
        return SqliteMemory(self._database, session_id, max_turns)

    def recent(self, limit: int | None = None) -> list[Session]:
        """List the conversations, the one used last first.

        Raises:
            StorageError: the database cannot be read.
        """
        return self._list(_RECENT, _ALL if limit is None else max(limit, 0))

    def newest(self) -> Session | None:
        """Give the conversation used last, None when there is none."""
        return next(iter(self.recent(1)), None)

    def get(self, session_id: str) -> Session | None:
        """Give what a listing shows of one conversation, None when there is no such one.

        Raises:
            InputError: the id cannot be used.
            StorageError: the database cannot be read.
        """
        _check_id(session_id)
        return next(iter(self._list(_ONE, session_id)), None)

    def messages(self, session_id: str) -> list[Message]:
        """Give a whole conversation, oldest message first; see `SqliteMemory.load`.

        Raises:
            InputError: there is no such conversation.
            StorageError: the database cannot be read.
        """
        if self.get(session_id) is None:
            raise self._unknown(session_id)
        return self.memory(session_id, max_turns=None).load()

    def turns(self, session_id: str) -> list[Turn]:
        """Give a whole conversation turn by turn, also those that cannot be read.

        Raises:
            InputError: there is no such conversation.
            StorageError: the database cannot be read.
        """
        if self.get(session_id) is None:
            raise self._unknown(session_id)
        return _turns(self._database, session_id, _ALL)

    def delete(self, session_id: str) -> None:
        """Delete a conversation and wipe its text from the file.

        Raises:
            InputError: there is no such conversation.
            StorageError: the database cannot be written.
        """
        if self.get(session_id) is None:
            raise self._unknown(session_id)
        with self._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_DELETE_TURNS, (session_id,))
            connection.execute(_DELETE_SESSION, (session_id,))
            connection.execute("COMMIT")
            # The log still holds the text; a reader elsewhere may put this off, not fail it.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; using the sessions or a memory again opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SqliteSessions {self.path}>"

    def _list(self, query: str, parameter: str | int) -> list[Session]:
        if not self._database.exists():  # looking must not make a file
            return []
        with self._database.use() as connection:
            return [Session(*row) for row in connection.execute(query, (parameter,))]

    def _unknown(self, session_id: str) -> InputError:
        return InputError(f"there is no session `{session_id}` in `{self.path}`")


class SqliteMemory(Struct, frozen=True, eq=False):
    """One conversation of a `SqliteSessions`; it follows `MemoryProtocol`."""

    blocking: ClassVar[bool] = True
    _database: Database
    session_id: str
    max_turns: int | None

    def load(self) -> list[Message]:
        """Give the newest `max_turns` turns, oldest message first.

        A turn that cannot be read is left out, with a warning in the log: the others are whole.

        A file that is not there is made now: better to fail before the model is paid than after.

        Raises:
            StorageError: the database cannot be opened or read.
        """
        limit = _ALL if self.max_turns is None else self.max_turns
        turns = _turns(self._database, self.session_id, limit)
        for turn in turns:
            if turn.problem:
                _logger.warning(
                    "turn %d of session `%s` in `%s` cannot be read and is left out: %s",
                    turn.number,
                    self.session_id,
                    self._database.path,
                    turn.problem,
                )
        return list(chain.from_iterable(turn.messages for turn in turns))

    def commit(self, messages: Sequence[Message]) -> None:
        """Add one turn in one transaction.

        Raises:
            StorageError: the database cannot be written; the conversation is as it was.
        """
        text = to_json(messages)
        now = time.time()
        session = (self.session_id, _title(messages), now, now, len(messages))
        with self._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TOUCH, session)
            connection.execute(_ADD_TURN, (self.session_id, now, text))
            connection.execute("COMMIT")


def _turns(database: Database, session_id: str, limit: int) -> list[Turn]:
    """Give the newest turns of a session, oldest first."""
    with database.use() as connection:
        rows = connection.execute(_NEWEST_TURNS, (session_id, limit)).fetchall()
    return [_turn(*row) for row in reversed(rows)]


def _turn(number: int, text: Any) -> Turn:
    try:
        return Turn(number, from_json(text, list[Message]))
    except (ValueError, TypeError, RecursionError) as error:  # anything can stand in a damaged row
        return Turn(number, [], str(error))


def sessions_path() -> Path:
    """Give the default database: `sessions.db` in AGNO_DATA or in the user's data folder."""
    folder = os.environ.get("AGNO_DATA")
    if not folder:
        import platformdirs

        folder = platformdirs.user_data_dir("agno-cli", appauthor=False)
    return expanded(folder) / "sessions.db"


def _check_id(session_id: str) -> None:
    if not 0 < len(session_id) <= _MAX_ID:
        raise InputError(
            f"a session id has 1 to {_MAX_ID} characters, this one has {len(session_id)}"
        )
    # Control characters would act on a terminal; lone surrogates cannot be stored.
    if any(
        char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
        for char in session_id
    ):
        raise InputError(f"session id {session_id!r} holds a control character; leave it out")


def _title(messages: Sequence[Message]) -> str:
    prompt = next((message.content for message in messages if message.role == "user"), "")
    words = prompt[: 4 * _MAX_TITLE].encode(errors="replace").decode().split()
    return " ".join(words)[:_MAX_TITLE].rstrip()
