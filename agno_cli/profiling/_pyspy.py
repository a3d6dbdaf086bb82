"""py-spy: samples a process from outside, so that what it measures runs nearly as fast as ever."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli.bench._children import end_group
from agno_cli.bench._interrupts import interrupts_held
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import RawFrame
from agno_cli.profiling._inside import Capture
from agno_cli.profiling._profile import Clock

WAY_OUT = (
    "in Docker give `--cap-add SYS_PTRACE`, on Linux set `sysctl kernel.yama.ptrace_scope=1`,"
    " on macOS use `sudo`"
)
_ATTACH_SECONDS, _WRITE_SECONDS = 15.0, 30.0
_SPOKEN = re.compile(r"Samples: \d+ Errors: (\d+)")
_LAG = "behind in sampling"
# A sampler's first words; before them it reads the symbols of the process.
_READY = "Sampling process"


class NotTraceableError(Exception):
    """py-spy is missing, or may not look into the process; its text says why."""


class _Frame(Struct):
    name: str
    file: str | None = None
    line: int | None = None


class _Shared(Struct):
    frames: list[_Frame]


class _Thread(Struct):
    samples: list[list[int]]
    weights: list[float]


class _Document(Struct):
    shared: _Shared
    profiles: list[_Thread]


def find_py_spy() -> Path | None:
    """Give its program, from this environment first."""
    for folder in (sysconfig.get_path("scripts"), None):
        found = shutil.which("py-spy", path=folder)
        if found is not None:
            return Path(found)
    return None


class PySpy:
    """A sampler at work.

    Args:
        program: py-spy's own.
        target: `--pid N`, or `--` and a command.
        interval: seconds between two samples.
        clock: whether waiting threads are sampled too.
        output: a file to write.
        seconds: after which it ends by itself, and a command with it.

    Raises:
        NotTraceableError: it may not.
    """

    def __init__(
        self,
        program: Path,
        target: Sequence[str],
        *,
        interval: float,
        clock: Clock,
        output: Path,
        seconds: float | None = None,
    ) -> None:
        self._output = output
        self._said: list[str] = []
        self._ready = threading.Event()
        command = [str(program), "record", "--format", "speedscope", "--output", str(output)]
        command += ["--rate", str(round(1 / interval)), "--full-filenames", "--subprocesses"]
        command += ["--idle"] * (clock == "wall")
        if seconds is not None:
            command += ["--duration", str(max(1, round(seconds)))]
        with interrupts_held():
            self.process = _start([*command, *target])
            self._threads = [
                threading.Thread(target=self._listen, args=[stream], daemon=True)
                for stream in (self.process.stdout, self.process.stderr)
            ]
            for thread in self._threads:
                thread.start()

    def wait_until_ready(self) -> None:
        """Wait until it samples.

        Raises:
            NotTraceableError: it may not.
        """
        until = perf_counter() + _ATTACH_SECONDS
        while not self._ready.wait(0.02):
            ended = self.process.poll() is not None
            if ended or perf_counter() > until:
                self.kill()
                raise NotTraceableError(self.complaint() if ended else "py-spy did not begin")

    def stop(self) -> None:
        """End the sampling, as Ctrl-C does; it writes what it has."""
        if self.process.poll() is None:
            interrupt(self.process)

    def finish(self) -> tuple[Capture, list[str]]:
        """Wait until it has written, and read that; with what must be known of it.

        Raises:
            CouldNotProfileError: what it wrote cannot be read.
        """
        try:
            self.process.wait(_WRITE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CouldNotProfileError("py-spy did not write what it had sampled") from None
        for thread in self._threads:
            thread.join(1.0)
        if not self._output.exists():
            raise CouldNotProfileError(f"py-spy wrote nothing: {self.complaint()}")
        return read_speedscope(self._output), list(self._notes())

    def kill(self) -> None:
        """End it and what it started, whatever it is doing."""
        with interrupts_held():
            end_group(self.process)

    def complaint(self) -> str:
        """Give the line of its output that says most."""
        for thread in self._threads:
            thread.join(1.0)
        lines = [line.strip() for line in self._said if line.strip()]
        telling = [x for x in lines if re.search("denied|rror|ailed|not permitted", x)]
        return " ".join((telling or lines or ["it said nothing"])[0].split())

    def _listen(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self._said.append(line)
                if _READY in line:
                    self._ready.set()

    def _notes(self) -> Iterator[str]:
        text = "".join(self._said)
        found = _SPOKEN.search(text)
        if found and int(found[1]):
            yield f"{found[1]} samples could not be read and are left out"
        if _LAG in text:
            yield "py-spy could not keep up with so many samples; give a longer `--interval`"


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - py-spy, on a process that we started
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        raise NotTraceableError(f"cannot run {command[0]}: {error.strerror}") from error


def interrupt(process: subprocess.Popen[Any]) -> None:
    """Ask a process to end, as Ctrl-C does; on Windows, which has no such signal, end it."""
    if sys.platform == "win32":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


def read_speedscope(path: Path) -> Capture:
    """Read what py-spy wrote; equal stacks are summed up, and each sample weighs 1.

    Raises:
        CouldNotProfileError: it is damaged.
    """
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
        frames = [_raw(frame) for frame in document.shared.frames]
        sums: dict[tuple[int, ...], int] = {}
        for thread in document.profiles:
            for sample in thread.samples:
                sums[tuple(sample)] = sums.get(tuple(sample), 0) + 1
        stacks = tuple(
            (tuple(frames[index] for index in key if not _is_process(frames[index])), float(count))
            for key, count in sums.items()
        )
    except (OSError, msgspec.DecodeError, IndexError) as error:
        raise CouldNotProfileError(f"the capture of py-spy is damaged: {error}") from error
    return Capture(
        samples=sum(sums.values()),
        threads=sum(1 for thread in document.profiles if thread.samples),
        stacks=tuple(stack for stack in stacks if stack[0]),
    )


def _raw(frame: _Frame) -> RawFrame:
    return frame.name, frame.file or "", frame.line or 0


def _is_process(frame: RawFrame) -> bool:
    """Tell the frame that py-spy puts above those of a subprocess."""
    return not frame[1] and frame[0].startswith("process ")


def dump(program: Path, pid: int) -> list[RawFrame]:
    """Give where a process's main thread is right now, outermost first; nothing where unknown."""
    try:
        done = subprocess.run(  # noqa: S603 - py-spy, on a process that we started
            [str(program), "dump", "--json", "--pid", str(pid)],
            capture_output=True,
            timeout=_ATTACH_SECONDS,
            check=True,
        )
        threads = msgspec.json.decode(done.stdout)
        frames = threads[0]["frames"]
        return [(f["name"], f["filename"] or "", f["line"] or 0) for f in reversed(frames)]
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError, LookupError, TypeError):
        return []
