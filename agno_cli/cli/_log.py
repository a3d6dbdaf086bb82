"""What the package logs, as the command line shows it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from agno_cli.cli._console import Console
from agno_cli.cli._errors import one_line


@contextmanager
def log_on_stderr(console: Console) -> Iterator[None]:
    """Tell warnings unless quiet; when verbose everything, with tracebacks."""
    if console.quiet and not console.verbose:
        yield
        return
    logger = logging.getLogger("agno_cli")
    level, handler = logger.level, _Handler(console)
    logger.setLevel(logging.DEBUG if console.verbose else logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname.lower()}: {one_line(record.getMessage())}\n"
        if record.exc_info and self._console.verbose:
            line += f"{logging.Formatter().formatException(record.exc_info)}\n"
        self._console.remark(line)
