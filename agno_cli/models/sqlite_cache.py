"""Answers in a SQLite file, for any number of threads and processes at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from agno_cli._errors import ConfigurationError
from agno_cli._json import from_json, to_json
from agno_cli.models.caches import CachedAnswer, check_bounds
from agno_cli.storage._database import Database, Form

_FORM = Form(
    application_id=0x61676E63,  # "agnc"
    version=1,
    schema="""
        CREATE TABLE answer (
            key BLOB PRIMARY KEY,
            made REAL NOT NULL,
            used REAL NOT NULL,
            answer TEXT NOT NULL
        );
        CREATE INDEX answer_made ON answer (made);
        CREATE INDEX answer_used ON answer (used)
    """,
    kind="cache of answers",
    content="cached answers",
    unit="answer",
)
_FIND = "SELECT answer, used FROM answer WHERE key = ? AND made > ?"
_TOUCH = "UPDATE answer SET used = ? WHERE key = ?"
_KEEP = "INSERT OR REPLACE INTO answer (key, made, used, answer) VALUES (?, ?, ?, ?)"
_DROP_OLD = "DELETE FROM answer WHERE made <= ?"
_DROP_UNUSED = """
    DELETE FROM answer WHERE key IN (
        SELECT key FROM answer ORDER BY used LIMIT max(0, (SELECT count(*) FROM answer) - ?)
    )
"""
# A hit is noted at most this often, so that reading does not become writing.
_NOTED_SECONDS = 60.0


class SqliteCache:
    """Answers in a SQLite file; the one that was not used for longest goes first.

    Prompts are stored as digests only, answers as they are. Use is noted to the minute.

    Args:
        path: the database file; it and its folder are made on first use, readable by their
            owner only.
        ttl: seconds an answer is used after it was kept, None for ever.
        max_entries: how many are kept.
        clock: gives seconds since 1970.

    Safe to share between threads and models; several processes may use one file at once. An
    idle one holds a file open until it is closed, collected or the process ends.

    Raises:
        ConfigurationError: the path names no file, or a bound makes no sense.
        StorageError: from a request: the file cannot be read.
    """

    blocking = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        ttl: float | None = None,
        max_entries: int = 100_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_bounds(max_entries, ttl)
        name = os.fspath(path)
        if name in ("", ":memory:") or "\0" in name:
            raise ConfigurationError(
                f"{name!r} is no file for answers; give a path, or use `MemoryCache`"
            )
        self._ttl = ttl
        self._max_entries = max_entries
        self._clock = clock
        self._database = Database(Path(name).absolute(), _FORM)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def get(self, key: bytes) -> CachedAnswer | None:
        """Give the answer to a request, None when there is none.

        Raises:
            StorageError: the database cannot be read.
        """
        now = self._clock()
        with self._database.use() as connection:
            row = connection.execute(_FIND, (key, self._oldest(now))).fetchone()
            if row is None:
                return None
            text, used = row
            if not 0 <= now - used < _NOTED_SECONDS:
                connection.execute(_TOUCH, (now, key))
        try:
            return from_json(text, CachedAnswer)
        except ValueError:
            return None  # changed from outside; the next answer replaces it

    def __setitem__(self, key: bytes, answer: CachedAnswer) -> None:
        now = self._clock()
        with self._database.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_KEEP, (key, now, now, to_json(answer)))
            connection.execute(_DROP_OLD, (self._oldest(now),))
            connection.execute(_DROP_UNUSED, (self._max_entries,))
            connection.execute("COMMIT")

    def __len__(self) -> int:
        with self._database.use() as connection:
            (count,) = connection.execute("SELECT count(*) FROM answer").fetchone()
        return int(count)

    def clear(self) -> None:
        """Forget all answers."""
        with self._database.use() as connection:
            connection.execute("DELETE FROM answer")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def _oldest(self, now: float) -> float:
        return float("-inf") if self._ttl is None else now - self._ttl

    def __reduce__(self) -> tuple[object, ...]:
        return _sqlite_cache, (self.path, self._ttl, self._max_entries, self._clock)


def _sqlite_cache(
    path: Path, ttl: float | None, max_entries: int, clock: Callable[[], float]
) -> SqliteCache:
    return SqliteCache(path, ttl=ttl, max_entries=max_entries, clock=clock)
