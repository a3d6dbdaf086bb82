"""The processes that measure: started in a group of their own, and always ended.

A group of its own keeps Ctrl-C of the terminal from the children, whose tracebacks nobody
wants, and lets one signal end a manager, its workers and their servers. What a child prints
goes nowhere but for the end of its stderr, which says why it failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from agno_cli.bench._interrupts import interrupts_held

_MARK = "agno-bench-problem: "
_PIECE_BYTES, _PIECES = 4096, 4
_LONGEST = 300  # characters of a complaint that is passed on


class CouldNotMeasureError(Exception):
    """A measuring process failed; its text says why, in one line."""


def run_child(
    module: str, arguments: Sequence[str], *, seconds: float, variables: Mapping[str, str]
) -> None:
    """Run `python -P -m module` to its end.

    Args:
        module: what to run, with this interpreter.
        arguments: its command line.
        seconds: its time limit.
        variables: environment variables to set on top of this process's.

    Raises:
        CouldNotMeasureError: it failed, or did not end in time.
    """
    command = [sys.executable, "-P", "-m", module, *arguments]
    run_command(command, seconds=seconds, environment={**os.environ, **variables})


def run_command(
    command: Sequence[str | Path],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
) -> float:
    """Run a command to its end, with all it started; give how long it took, in seconds.

    Args:
        command: the program and its arguments.
        seconds: its time limit.
        environment: all of its environment variables, by default those of this process.
        folder: where it runs, by default here.

    Raises:
        CouldNotMeasureError: it cannot be run, failed, or did not end in time.
    """
    began = perf_counter()
    with started(command, environment=environment, folder=folder) as child:
        with _killed_after(seconds, child.process):
            # Without a timeout: that would poll every 50 ms, and this is a measurement.
            code = child.process.wait()
        took = perf_counter() - began
    if code and took >= seconds:
        raise CouldNotMeasureError(f"it did not end within {seconds:g} s")
    if code:
        raise CouldNotMeasureError(_problem(child.complaints(), code))
    return took


class Child:
    """A process that was started; the last of its stderr is kept, however much there is."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None, "a pipe, as `_start` makes it"
        self.process = process
        self._pieces: deque[bytes] = deque(maxlen=_PIECES)
        self._thread = threading.Thread(target=self._read, args=[process.stderr], daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while piece := os.read(stream.fileno(), _PIECE_BYTES):
                self._pieces.append(piece)

    def complaints(self) -> str:
        """Give the last of its stderr; to be asked for when it has ended."""
        # A process that left its group may hold the stream open for ever.
        self._thread.join(timeout=1.0)
        return b"".join(self._pieces).decode(errors="replace")


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
) -> Iterator[Child]:
    """Start a command in a group of its own; when the block ends, so does all of that group.

    An interrupt at any moment leaves no process behind. For the arguments see `run_command`.

    Raises:
        CouldNotMeasureError: it cannot be run.
    """
    child: Child | None = None
    try:
        with interrupts_held():
            child = Child(_start(command, environment, folder))
        yield child
    finally:
        if child is not None:
            with interrupts_held():
                end_group(child.process)


def _start(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None,
    folder: Path | str | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - an interpreter, git or an installer, no shell
            [str(part) for part in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise CouldNotMeasureError(f"cannot run {command[0]}: {error.strerror}") from error


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a session of its own, and whatever is left of its group."""
    _kill_group(process)
    process.wait()


def _kill_group(process: subprocess.Popen[Any]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a zombie
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    timer = threading.Timer(seconds, _kill_group, [process])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _problem(complaints: str, code: int) -> str:
    """Find the line that says most: the marked one, for managers add tracebacks to it.

    Else the first that pip marks as an error, else the last.
    """
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    marked = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    if marked:
        return marked[0]
    said = next((line for line in lines if line.startswith("ERROR:")), (lines or ["nothing"])[-1])
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return f"it ended with exit code {code} and said: {said}"


@contextmanager
def report_problem() -> Iterator[None]:
    """Say on stderr, in one marked line, what ended this measuring process."""
    try:
        yield
    except Exception as error:  # the boundary of a process: its parent tells the user
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"{_MARK}{text}", file=sys.stderr)  # noqa: T201 - read by the parent process
        raise SystemExit(1) from None
