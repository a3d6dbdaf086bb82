"""The other side of `_child`: starts it, speaks with it, ends it with all it started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import IO, TypeVar

import msgspec

from agno_cli.bench._children import Child, end_group
from agno_cli.bench._interrupts import interrupts_held
from agno_cli.profiling._errors import CouldNotProfileError, TookTooLongError
from agno_cli.profiling._messages import (
    Done,
    Failed,
    Profiled,
    Ready,
    Said,
    Task,
    Told,
    as_error,
)

_Message = TypeVar("_Message", Ready, Profiled, Done)
# After its last word a process may still have a line of stderr to say.
_LAST_WORDS = 300


class Conversation:
    """A child and what it says; the time limit is for all of it together."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        assert process.stdin is not None, "a pipe, as `conversing` makes it"
        assert process.stdout is not None, "a pipe, as `conversing` makes it"
        self.pid = process.pid
        self._child = Child(process)
        self._stdin = process.stdin
        self._limit = seconds
        self._until = perf_counter() + seconds
        self._said: SimpleQueue[bytes] = SimpleQueue()
        reader = threading.Thread(target=self._read, args=[process.stdout], daemon=True)
        reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._said.put(line)
        self._said.put(b"")

    @property
    def seconds_left(self) -> float:
        """What is left of the time limit."""
        return max(0.0, self._until - perf_counter())

    def tell(self, message: Told) -> None:
        """Say something to it."""
        try:
            self._stdin.write(msgspec.json.encode(message) + b"\n")
            self._stdin.flush()
        except OSError:
            raise self._ended() from None

    def hear(self, kind: type[_Message]) -> _Message:
        """Wait for its next message.

        Raises:
            TookTooLongError: none came in time.
            CouldNotProfileError: the target failed, or ended the process.
            InputError: there is no such target.
            ConfigurationError: the user's code raises when it is imported.
        """
        try:
            line = self._said.get(timeout=self.seconds_left)
        except Empty:
            raise TookTooLongError(f"the target did not end within {self._limit:g} s") from None
        if not line:
            raise self._ended()
        message = msgspec.json.decode(line, type=Said)
        if isinstance(message, Failed):
            raise as_error(message)
        assert isinstance(message, kind), f"a {kind.__name__} comes next, not {message!r}"
        return message

    def _ended(self) -> CouldNotProfileError:
        code = self._child.process.wait()
        lines = [line.strip() for line in self._child.complaints().splitlines() if line.strip()]
        said = f" and said: {lines[-1][:_LAST_WORDS]}" if lines else ""
        how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
        return CouldNotProfileError(f"the target ended its process {how}{said}")


@contextmanager
def conversing(
    task: Task,
    *,
    seconds: float,
    variables: Mapping[str, str] = {},
) -> Iterator[Conversation]:
    """Start the child; when the context ends, so does it.

    Args:
        task: what it is to repeat.
        seconds: the time limit of everything.
        variables: environment variables on top of this process's.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts_held():
            process = subprocess.Popen(  # noqa: S603 - this interpreter, with a module of ours
                [
                    *(sys.executable, "-P", "-m", "agno_cli.profiling._child"),
                    msgspec.json.encode(task).decode(),
                ],
                env={**os.environ, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=sys.platform != "win32",
            )
            conversation = Conversation(process, seconds)
        yield conversation
    finally:
        if process is not None:
            with interrupts_held():
                end_group(process)
                for stream in (process.stdin, process.stdout):
                    _close(stream)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:  # what was to be flushed has no reader any more
        return
