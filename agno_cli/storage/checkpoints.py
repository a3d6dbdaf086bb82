"""Checkpoints of workflows in a SQLite file: runs that go on after the process has died."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from weakref import WeakValueDictionary

from msgspec import Struct

from agno_cli._checkpoints import (
    Checkpoint,
    Ending,
    PastRun,
    Resumed,
    WorkflowRun,
    conversation_of,
    run_exists,
    run_held,
    run_taken,
    unknown_run,
)
from agno_cli._errors import ConfigurationError, StorageError
from agno_cli._json import from_json, to_json
from agno_cli._step_output import StepOutput
from agno_cli.storage._database import Database, Form
from agno_cli.storage._holders import Holder, is_dead, new_holder

if TYPE_CHECKING:
    from sqlite3 import Connection

_T = TypeVar("_T")
_FORM = Form(
    application_id=0x61676E77,  # "agnw"
    version=1,
    schema="""
    CREATE TABLE run (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL,
        begun TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        holder TEXT,
        status TEXT,
        ending TEXT
    );
    CREATE INDEX completed ON run (conversation, number) WHERE status = 'completed';
    CREATE TABLE checkpoint (
        number INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        output TEXT,
        value TEXT,
        state TEXT,
        created REAL NOT NULL
    )
""",
    kind="checkpoint database",
    content="checkpoints",
    unit="step",
)
_BEGIN = """
    INSERT INTO run (id, conversation, begun, created, updated, holder) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING
"""
_FIND = "SELECT number, begun, holder, ending FROM run WHERE id = ?"
_TAKE = "UPDATE run SET holder = ? WHERE number = ?"
# The numbers of a run's checkpoints begin with that of the run: without an index beside it, a
# step writes one page instead of two.
_PER_RUN = 1 << 32
_STEPS = "SELECT path, output, value, state FROM checkpoint WHERE number BETWEEN ? AND ?"
# Nothing is kept for one who has been replaced.
_SAVE = """
    INSERT INTO checkpoint (number, path, output, value, state, created)
    SELECT ?, ?, ?, ?, ?, ? FROM run WHERE number = ? AND holder = ?
"""
_END = """
    UPDATE run SET status = ?, ending = ?, updated = ?, holder = NULL
    WHERE number = ? AND holder = ?
"""
_RELEASE = "UPDATE run SET holder = NULL WHERE number = ? AND holder = ?"
_HISTORY = """
    SELECT id, begun, ending FROM run WHERE conversation = ? AND status = 'completed'
    ORDER BY number DESC LIMIT ?
"""
_RECENT = """
    SELECT run.id, begun, ending, run.created, max(updated, coalesce(max(step.created), 0)),
    count(step.output)
    FROM run LEFT JOIN checkpoint AS step
    ON step.number BETWEEN run.number * :size AND run.number * :size + :size - 1
    GROUP BY run.number ORDER BY run.number DESC LIMIT :limit
"""
_DELETE = (
    "DELETE FROM checkpoint WHERE number BETWEEN ? AND ?",
    "DELETE FROM run WHERE number = ?",
)
_ALL = -1  # to SQLite's LIMIT

_live: WeakValueDictionary[str, _Journal] = WeakValueDictionary()
"""The journals of this process by their tokens: a run whose journal is gone is nobody's."""


class KeptRun(Struct, frozen=True):
    """What a listing shows of one run.

    `status` is that of its end, or `unfinished`: under way, or its process has died. Times are
    seconds since 1970, UTC.
    """

    run_id: str
    workflow: str
    prompt: str
    status: str
    stopped_at: str
    steps: int
    created: float
    updated: float


class SqliteCheckpoints:
    """A database of runs of workflows, for any number of threads and processes at once.

    Args:
        path: the database file; it and its folder are made on first use, readable by their
            owner only.

    A step costs one transaction. A killed process loses nothing that was finished; a power cut
    can take the newest steps back, whole.

    Raises:
        ConfigurationError: the path names no file.
    """

    blocking = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(path)
        if name in ("", ":memory:") or "\0" in name:
            raise ConfigurationError(
                f"{name!r} is no file for checkpoints; give a path, or use `MemoryCheckpoints`"
            )
        self._database = Database(Path(name).absolute(), _FORM)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def begin(self, run: WorkflowRun) -> _Journal:
        """Keep a new run and hold it; see `Checkpoints`."""
        journal = _Journal(self._database, run.run_id)
        conversation = to_json(conversation_of(run))
        facts = run.run_id, conversation, to_json(run), journal.since, journal.since
        with self._database.use() as connection:
            made = connection.execute(_BEGIN, (*facts, journal.holder))
            if not made.rowcount:
                raise run_exists(run.run_id, f"`{self.path}`")
            journal.number = made.lastrowid
        return journal

    def resume(self, run_id: str, *, take_over: bool = False) -> Resumed:
        """Give what is kept of a run and hold it; see `Checkpoints`."""
        if not self._database.exists():  # looking must not make a file
            raise unknown_run(run_id, f"`{self.path}`")
        journal = _Journal(self._database, run_id)
        with self._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(_FIND, (run_id,)).fetchone()
            if found is None:
                raise unknown_run(run_id, f"`{self.path}`")
            number, begun, held_by, ended = found
            ending = None if ended is None else self._read(run_id, ended, Ending)
            if held_by is not None and not take_over:
                _check_dead(run_id, self._read(run_id, held_by, Holder))
            if ending is None or ending.status != "completed":
                connection.execute(_TAKE, (journal.holder, number))
                journal.number = number
            steps = connection.execute(_STEPS, _range(number)).fetchall()
            journal.kept = len(steps)
            connection.execute("COMMIT")
        checkpoints = tuple(self._checkpoint(run_id, *step) for step in steps)
        run = self._read(run_id, begun, WorkflowRun)
        return Resumed(run, ending, checkpoints, journal)

    def history(self, run: WorkflowRun, *, count: int) -> tuple[PastRun, ...]:
        """Give the newest completed runs of a session; see `Checkpoints`."""
        if not self._database.exists():
            return ()
        conversation = to_json(conversation_of(run))
        with self._database.use() as connection:
            rows = connection.execute(_HISTORY, (conversation, count)).fetchall()
        return tuple(self._past_run(*row) for row in reversed(rows))

    def recent(self, limit: int | None = None) -> list[KeptRun]:
        """List the runs, the newest first.

        Raises:
            StorageError: the database cannot be read.
        """
        if not self._database.exists():
            return []
        with self._database.use() as connection:
            bounds = {"size": _PER_RUN, "limit": _ALL if limit is None else max(limit, 0)}
            rows = connection.execute(_RECENT, bounds).fetchall()
        return [self._kept_run(*row) for row in rows]

    def delete(self, run_id: str) -> None:
        """Delete a run and wipe its text from the file; one under way is stopped by it.

        Raises:
            InputError: there is no such run.
            StorageError: the database cannot be written.
        """
        if not self._database.exists():
            raise unknown_run(run_id, f"`{self.path}`")
        with self._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(_FIND, (run_id,)).fetchone()
            if found is None:
                raise unknown_run(run_id, f"`{self.path}`")
            steps, run = _DELETE
            connection.execute(steps, _range(found[0]))
            connection.execute(run, found[:1])
            connection.execute("COMMIT")
            # The log still holds the text; a reader elsewhere may put this off, not fail it.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; using the checkpoints again opens it again."""
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
        return f"<SqliteCheckpoints {self.path}>"

    def _read(self, run_id: str, text: str, kind: type[_T]) -> _T:
        try:
            return from_json(text, kind)
        except ValueError as error:
            raise StorageError(
                f"a row of run `{run_id}` in `{self.path}` cannot be read: {error}; upgrade"
                " agno-cli if a newer version wrote it, or begin a new run"
            ) from error

    def _checkpoint(
        self, run_id: str, path: str, output: str | None, value: str | None, state: str | None
    ) -> Checkpoint:
        made = None if output is None else self._read(run_id, output, StepOutput)
        return Checkpoint(path, made, value, state)

    def _past_run(self, run_id: str, begun: str, ended: str) -> PastRun:
        run = self._read(run_id, begun, WorkflowRun)
        return PastRun(run.prompt, self._read(run_id, ended, Ending).content)

    def _kept_run(
        self,
        run_id: str,
        begun: str,
        ended: str | None,
        created: float,
        updated: float,
        steps: int,
    ) -> KeptRun:
        run = self._read(run_id, begun, WorkflowRun)
        ending = None if ended is None else self._read(run_id, ended, Ending)
        status = "unfinished" if ending is None else ending.status
        stopped_at = "" if ending is None else ending.stopped_at
        facts = run.workflow, run.prompt, status, stopped_at
        return KeptRun(run_id, *facts, steps, created, updated)


class _Journal:
    """What the holder of a run writes with; it stays behind in a forked child."""

    def __init__(self, database: Database, run_id: str) -> None:
        token = secrets.token_hex(8)
        self.since = time.time()
        self.holder = to_json(new_holder(token, self.since))
        self.number: int | None = None  # of the run, once it is held
        self.kept = 0  # checkpoints
        self._database = database
        self._run_id = run_id
        self._process = os.getpid()
        _live[token] = self

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep one checkpoint in one transaction; see `Journal`."""
        output = None if checkpoint.output is None else to_json(checkpoint.output)
        facts = checkpoint.path, output, checkpoint.value, checkpoint.state, time.time()
        with self._database.use() as connection:
            number = (self.number or 0) * _PER_RUN + self.kept
            self._write(connection, _SAVE, number, *facts)
            self.kept += 1

    def end(self, ending: Ending) -> None:
        """Keep how the run ended and let it go; see `Journal`."""
        if os.getpid() != self._process:
            return  # a fork closes what it has inherited; the run goes on in its parent
        with self._database.use() as connection:
            self._write(connection, _END, ending.status, to_json(ending), time.time())

    def release(self) -> None:
        """Let the run go as it is; see `Journal`."""
        with self._database.use() as connection:
            self._write(connection, _RELEASE)

    def _write(self, connection: Connection, statement: str, *values: object) -> None:
        if not connection.execute(statement, (*values, self.number, self.holder)).rowcount:
            raise run_taken(self._run_id)


def _range(run: int) -> tuple[int, int]:
    """Give the first and the last number that a run's checkpoints can have."""
    return run * _PER_RUN, (run + 1) * _PER_RUN - 1


def _check_dead(run_id: str, holder: Holder) -> None:
    if not is_dead(holder, lambda token: token in _live):
        raise run_held(run_id, str(holder))
