"""One SQLite file: opened and checked on first use, shared by the threads of this process.

One connection under one lock. A connection for each thread was rejected: writers exclude each
other anyway, SQLite makes them wait by sleeping for up to 100 ms at a time, and a thousand
concurrent runs would need three thousand file descriptors.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from agno_cli._errors import StorageError

if TYPE_CHECKING:
    from sqlite3 import Connection

_BUSY_SECONDS = 30.0


class Form(Struct, frozen=True, kw_only=True):
    """What a file holds, and the words that errors have for it.

    `application_id` stands at byte 68 of the file. `schema` is made in an empty file,
    statement by statement. `otherwise` is a further way out where the file cannot be used.
    """

    application_id: int
    version: int
    schema: str
    kind: str
    content: str
    unit: str
    otherwise: str = ""


# A turn is one row, so it cannot be stored or dropped by halves.
_SESSION_SCHEMA = """
    CREATE TABLE session (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        turns INTEGER NOT NULL,
        messages INTEGER NOT NULL
    );
    CREATE TABLE turn (
        number INTEGER PRIMARY KEY,
        session INTEGER NOT NULL,
        created REAL NOT NULL,
        messages TEXT NOT NULL
    );
    CREATE INDEX turn_of_session ON turn (session, number)
"""
SESSIONS = Form(
    application_id=0x61676E6F,  # "agno"
    version=1,
    schema=_SESSION_SCHEMA,
    kind="session database",
    content="sessions",
    unit="turn",
    otherwise=" - or set AGNO_DATA to another folder",
)


class Database:
    """A database of one form. Nothing is read or written before the first `use`."""

    def __init__(self, path: Path, form: Form = SESSIONS) -> None:
        self.path = path
        self._form = form
        self._lock = threading.Lock()
        self._open: list[Connection] = []  # none or one; a list, as the finalizer needs it
        weakref.finalize(self, _close, self._open)
        _databases.add(self)

    def exists(self) -> bool:
        """Look whether the file is there.

        Raises:
            StorageError: it cannot be told.
        """
        try:
            self.path.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(_explain(error, self.path, self._form)) from error
        return True

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Lend the connection; without `BEGIN`, each statement is its own transaction.

        Whatever is raised inside closes the connection, which undoes an unfinished transaction.

        Raises:
            StorageError: the database cannot be opened, read or written.
        """
        import sqlite3

        with self._lock:
            try:
                if not self._open:
                    self._open.append(_connect(self.path, self._form))
                yield self._open[0]
            except BaseException as error:
                _close(self._open)
                if isinstance(error, sqlite3.Error | OSError):
                    raise StorageError(_explain(error, self.path, self._form)) from error
                raise

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        with self._lock:
            _close(self._open)

    def forget(self) -> None:
        """Give up what a fork has inherited: its connection may be neither used nor closed."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        _inherited.extend(self._open)
        self._open.clear()


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[Connection] = []


def _forget_all() -> None:
    for database in _databases:
        database.forget()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)


def _close(connections: list[Connection]) -> None:
    while connections:
        connections.pop().close()


def _connect(path: Path, form: Form) -> Connection:
    from agno_cli.storage._waiting import connect

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = connect(path, _BUSY_SECONDS)
    try:
        _prepare(connection, path, form)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection, path: Path, form: Form) -> None:
    """Check whose file it is before anything is written to it."""
    connection.execute("BEGIN")  # so that all of the check sees one state
    empty = _is_empty(connection, path, form)
    connection.execute("COMMIT")
    if empty:
        with contextlib.suppress(OSError):  # not every file system has permissions
            path.chmod(0o600)  # while nothing is in it; SQLite gives its other files the same
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection, path, form):  # no other process was faster
            for statement in form.schema.split(";"):  # `executescript` would commit first
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {form.application_id}")
            connection.execute(f"PRAGMA user_version = {form.version}")
        connection.execute("COMMIT")
    if _use_wal(connection):
        # A commit then waits for no disk. A power cut can take the newest turns back, whole.
        connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # deleted conversations are wiped


def _is_empty(connection: Connection, path: Path, form: Form) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, things) == (0, 0, 0):
        return True
    if application != form.application_id:
        raise StorageError(
            f"`{path}` is a database of another program; name another file for the"
            f" {form.content}{form.otherwise}"
        )
    if version != form.version:
        raise StorageError(
            f"`{path}` has format {version}, this version of agno-cli knows format"
            f" {form.version}; upgrade agno-cli, or name another file for the"
            f" {form.content}{form.otherwise}"
        )
    return False


def _use_wal(connection: Connection) -> bool:
    """Switch to write-ahead logging, which lets readers and a writer work at once.

    The switch is kept in the file. A file system without shared memory refuses it: False.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    return bool(mode == "wal")


def _explain(error: Exception, path: Path, form: Form) -> str:
    """Say what happened and the way out."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells variants apart
    if code == sqlite3.SQLITE_BUSY:
        return (
            f"`{path}` was locked by another program for {_BUSY_SECONDS:g} seconds;"
            " close that program, or try again"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            f"`{path}` is damaged or no {form.kind} ({error}); it was left as it is:"
            f" move it away to start afresh, or try `sqlite3 '{path}' .recover`{form.otherwise}"
        )
    if code == sqlite3.SQLITE_FULL:
        return (
            f"no space left for `{path}`: the {form.unit} was not stored; make room and try again"
        )
    return (
        f"cannot use `{path}` for {form.content}: {error}; it must be a file you may write,"
        f" in a folder you may write{form.otherwise}"
    )
