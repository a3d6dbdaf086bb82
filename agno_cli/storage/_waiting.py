"""A connection that waits for other programs, and says so when that takes long.

SQLite's own wait is silent, and no Ctrl-C ends it; here it is made in short slices.
Imported with the first database that is opened, as `sqlite3` is.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from sqlite3 import SQLITE_BUSY, Connection, Cursor, OperationalError  # noqa: TID253 - see above
from typing import Any

_logger = logging.getLogger("agno_cli")
_SLICE_SECONDS = 0.25
_SILENT_SECONDS = 2.0
_NAP_SECONDS = 0.005


class PatientConnection(Connection):
    """A connection whose statements wait while another program has the database locked.

    A statement that was refused as "busy" has done nothing, so it can be carried out again.
    """

    path: Path
    patience: float  # seconds

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Carry out a statement.

        Raises:
            sqlite3.Error: it cannot be; also when the database stays locked.
        """
        try:
            return super().execute(sql, parameters)
        except OperationalError as error:
            if not is_busy(error):
                raise
        return self._wait(sql, parameters)

    def _wait(self, sql: str, parameters: Any) -> Cursor:
        started = time.monotonic()
        warned = False
        while True:
            # Where several open a new file at once, SQLite may refuse without any wait.
            time.sleep(_NAP_SECONDS)
            try:
                return super().execute(sql, parameters)
            except OperationalError as error:
                waited = time.monotonic() - started
                if not is_busy(error) or waited > self.patience:
                    raise
            if waited > _SILENT_SECONDS and not warned:
                warned = True
                _logger.warning(
                    "`%s` is locked by another program; waiting for it, %g s at most",
                    self.path,
                    self.patience,
                )


def connect(path: Path, patience: float) -> PatientConnection:
    """Open a database file.

    Args:
        path: the file.
        patience: the seconds for which each statement may wait.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    import sqlite3

    connection = sqlite3.connect(
        path,
        timeout=min(_SLICE_SECONDS, patience),
        isolation_level=None,
        check_same_thread=False,
        factory=PatientConnection,
    )
    connection.path, connection.patience = path, patience
    # A flipped bit costs a letter, not all that is read with it.
    connection.text_factory = _decoded
    return connection


def _decoded(data: bytes) -> str:
    return data.decode(errors="replace")


def is_busy(error: OperationalError) -> bool:
    """Tell whether a statement was refused because another program has the database locked."""
    code: int = getattr(error, "sqlite_errorcode", 0)  # Python's own have none
    return code & 0xFF == SQLITE_BUSY  # the rest tells variants apart
