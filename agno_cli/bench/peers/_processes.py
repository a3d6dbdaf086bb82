"""The processes of peers: held to a time, ended with all they started, not trusted.

What a peer prints goes nowhere but for the end of its stderr, which says why it failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO

from agno_cli.bench._children import CouldNotMeasureError

_PIECE_BYTES, _PIECES = 4096, 4
_LONGEST = 300  # characters of a complaint that is passed on


def run_process(
    command: Sequence[str | Path],
    *,
    seconds: float,
    variables: Mapping[str, str],
    folder: Path,
) -> float:
    """Run a command to its end; give how long it took, in seconds.

    Args:
        command: the program and its arguments.
        seconds: its time limit.
        variables: all of its environment.
        folder: where it runs.

    Raises:
        CouldNotMeasureError: it could not start, failed, or did not end in time.
    """
    started = perf_counter()
    try:
        process = subprocess.Popen(  # noqa: S603 - an interpreter or installer, without a shell
            [str(part) for part in command],
            env=dict(variables),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CouldNotMeasureError(f"cannot start {command[0]}: {error.strerror}") from error
    assert process.stderr is not None
    tail = _Tail(process.stderr)
    try:
        process.wait(seconds)
        took = perf_counter() - started
    except subprocess.TimeoutExpired:
        raise CouldNotMeasureError(f"it did not end within {seconds:g} s") from None
    finally:
        _end(process)
    if process.returncode:
        raise CouldNotMeasureError(_complaint(tail.text(), process.returncode))
    return took


class _Tail:
    """Reads a stream to its end and keeps the last of it, however much there is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pieces: deque[bytes] = deque(maxlen=_PIECES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while piece := os.read(self._stream.fileno(), _PIECE_BYTES):
                self._pieces.append(piece)

    def text(self) -> str:
        # A process that left its group may hold the stream open for ever.
        self._thread.join(timeout=1.0)
        return b"".join(self._pieces).decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever of its group is left."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a zombie
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _complaint(text: str, code: int) -> str:
    """Find the line that says most: the first that pip marks as an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("ERROR:")]
    said = marked[0] if marked else (lines or ["nothing"])[-1]
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return f"it ended with exit code {code} and said: {said}"
