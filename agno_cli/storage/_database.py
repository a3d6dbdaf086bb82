"""One SQLite file: opened and checked on first use, shared by the threads of this process.

One connection under one lock. A connection for each thread was rejected: writers exclude each
other anyway, SQLite makes them wait by sleeping for up to 100 ms at a time, and a thousand
concurrent runs would need three thousand file descriptors.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agno_cli._errors import StorageError

if TYPE_CHECKING:
    from sqlite3 import Connection

_APPLICATION_ID = 0x61676E6F  # "agno", at byte 68 of the file
_VERSION = 1
_BUSY_SECONDS = 30.0
_NAP_SECONDS = 0.005
# A turn is one row, so it cannot be stored or dropped by halves.
_SCHEMA = f"""
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
    CREATE INDEX turn_of_session ON turn (session, number);
    PRAGMA application_id = {_APPLICATION_ID};
    PRAGMA user_version = {_VERSION}
"""


class Database:
    """A session database. Nothing is read or written before the first `use`."""

    def __init__(self, path: Path) -> None:
        self.path = path
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
            raise StorageError(_explain(error, self.path)) from error
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
                    self._open.append(_connect(self.path))
                yield self._open[0]
            except BaseException as error:
                _close(self._open)
                if isinstance(error, sqlite3.Error | OSError):
                    raise StorageError(_explain(error, self.path)) from error
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


def _connect(path: Path) -> Connection:
    import sqlite3

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection, path: Path) -> None:
    """Check whose file it is before anything is written to it."""
    connection.execute("BEGIN")  # so that all of the check sees one state
    empty = _is_empty(connection, path)
    connection.execute("COMMIT")
    if empty:
        with contextlib.suppress(OSError):  # not every file system has permissions
            path.chmod(0o600)  # while nothing is in it; SQLite gives its other files the same
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection, path):  # no other process was faster
            for statement in _SCHEMA.split(";"):  # `executescript` would commit first
                connection.execute(statement)
        connection.execute("COMMIT")
    if _use_wal(connection):
        # A commit then waits for no disk. A power cut can take the newest turns back, whole.
        connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # deleted conversations are wiped


def _is_empty(connection: Connection, path: Path) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, things) == (0, 0, 0):
        return True
    if application != _APPLICATION_ID:
        raise StorageError(
            f"`{path}` is a database of another program; name another file for the sessions"
        )
    if version != _VERSION:
        raise StorageError(
            f"`{path}` has format {version}, this version of agno-cli knows format {_VERSION};"
            " upgrade agno-cli, or name another file for the sessions"
        )
    return False


def _use_wal(connection: Connection) -> bool:
    """Switch to write-ahead logging, which lets readers and a writer work at once.

    The switch is kept in the file. Where several open a new file at once, SQLite may fail here
    without the wait that it was told to make, so this waits. A file system without shared memory
    refuses the switch: False.
    """
    import sqlite3

    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_NAP_SECONDS)
        else:
            return bool(mode == "wal")


def _explain(error: Exception, path: Path) -> str:
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
            f"`{path}` is damaged or no session database ({error}); it was left as it is:"
            f" move it away to start afresh, or try `sqlite3 '{path}' .recover`"
        )
    if code == sqlite3.SQLITE_FULL:
        return f"no space left for `{path}`: the turn was not stored; make room and try again"
    return (
        f"cannot use `{path}` for sessions: {error}; it must be a file you may write,"
        " in a folder you may write - or set AGNO_DATA to another folder"
    )
