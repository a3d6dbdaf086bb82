"""Programs that run beside this one: told things by line, and always ended."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from agno_cli.bench._children import Child, end_group
from agno_cli.bench._interrupts import interrupts_held

_MARK = "agno-bench-problem: "
_END_SECONDS = 2.0


class Program:
    """A program of this package in a process of its own.

    Its standard input stays open as long as it is wanted, and it ends when that does.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._child = Child(process)  # keeps the last of its stderr
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=[process.stdout], daemon=True).start()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.decode(errors="replace"))

    def say(self, line: str) -> None:
        """Tell it something; nothing happens where it has ended."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def hear(self, seconds: float) -> str | None:
        """Wait for the next line that it says; None where none comes in time."""
        with suppress(queue.Empty):
            return self._lines.get(timeout=seconds)
        return None

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; say whether it came."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def finish(self) -> None:
        """Have it end by itself, as it does when its standard input ends."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self.wait(_END_SECONDS)

    def problem(self) -> str:
        """Say why it failed, empty where it did not say; to be asked for when it has ended."""
        lines = [line.strip() for line in self._child.complaints().splitlines() if line.strip()]
        marked = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
        return (marked or lines or [""])[-1]


@contextmanager
def program(module: str, argument: bytes) -> Iterator[Program]:
    """Run `python -P -m module argument`; when the block ends, so does all that it started."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts_held():
            process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of this package
                [sys.executable, "-P", "-m", module, argument.decode()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            started = Program(process)
        yield started
    finally:
        if process is not None:
            with interrupts_held():
                end_group(process)
                with suppress(OSError):
                    assert process.stdin is not None
                    process.stdin.close()
