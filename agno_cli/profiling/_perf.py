"""perf: the kernel's sampler, which sees native code too."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from platform import python_version
from time import sleep

from agno_cli._errors import ConfigurationError
from agno_cli.bench._children import end_group
from agno_cli.bench._interrupts import interrupts_held
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import RawFrame
from agno_cli.profiling._inside import Capture

VARIABLES = {"PYTHONPERFSUPPORT": "1"}
_BEGIN_SECONDS, _WRITE_SECONDS, _READ_SECONDS = 0.3, 30.0, 120.0
_LEAST_VERSION = 0x030C0000
_FRAME = re.compile(r"^\s+[0-9a-f]+ (.+?) \((.*)\)$")
_PYTHON = re.compile(r"py::(.+):(.+)")
_UNKNOWN = "[unknown]"


def check_perf() -> Path:
    """Give perf's program.

    Raises:
        ConfigurationError: it cannot be used here.
    """
    found = shutil.which("perf")
    if sys.platform != "linux" or found is None:
        raise ConfigurationError(
            "`--engine perf` needs Linux and the program perf (Debian: apt-get install"
            " linux-perf); `--engine auto` does without"
        )
    if sys.hexversion < _LEAST_VERSION:
        raise ConfigurationError(
            f"`--engine perf` needs Python 3.12 or later, this is {python_version()}; `--engine"
            " auto` does without"
        )
    return Path(found)


class Perf:
    """perf at work on a process, or on a command that it starts."""

    def __init__(
        self, program: Path, target: Sequence[str], *, interval: float, output: Path
    ) -> None:
        self._program, self._output = program, output
        # The software clock: virtual machines have no hardware counters.
        command = [str(program), "record", "--event", "cpu-clock", "--call-graph", "fp"]
        command += ["--freq", str(round(1 / interval)), "--output", str(output), *target]
        with interrupts_held():
            self.process = subprocess.Popen(  # noqa: S603 - perf, on a process that we started
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Give it the time it takes to begin, which it does not announce.

        Raises:
            ConfigurationError: the kernel does not let it.
        """
        sleep(_BEGIN_SECONDS)
        if self.process.poll() is not None:
            _, said = self.process.communicate()
            lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
            raise ConfigurationError(
                f"perf cannot sample here: {' '.join(lines[:3])}; set `sysctl"
                " kernel.perf_event_paranoid=1`, or use `--engine auto`"
            )

    def stop(self) -> None:
        """End the sampling."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def finish(self) -> tuple[Capture, list[str]]:
        """Wait until it has written, and read that.

        Raises:
            CouldNotProfileError: there is nothing that can be read.
        """
        try:
            self.process.communicate(timeout=_WRITE_SECONDS)
            done = subprocess.run(  # noqa: S603 - perf, on its own file
                [
                    *(str(self._program), "script", "--input", str(self._output)),
                    *("--fields", "comm,tid,ip,sym,dso"),
                ],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_READ_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CouldNotProfileError(f"the capture of perf cannot be read: {error}") from error
        stacks = list(read_script(done.stdout))
        capture = Capture(samples=len(stacks), stacks=tuple((stack, 1.0) for stack in stacks))
        return capture, list(_notes(stacks))

    def kill(self) -> None:
        """End it and what it started."""
        with interrupts_held():
            end_group(self.process)


def read_script(text: str) -> Iterator[tuple[RawFrame, ...]]:
    """Read the stacks of `perf script`, outermost first."""
    stack: list[RawFrame] = []
    for line in [*text.splitlines(), ""]:
        found = _FRAME.match(line)
        if found is None:
            if stack:
                yield tuple(reversed(stack))
            stack = []
            continue
        symbol, place = found.groups()
        python = _PYTHON.fullmatch(symbol)
        if python is not None:
            stack.append((python[1], python[2], 0))
        elif symbol != _UNKNOWN:
            stack.append(
                (
                    symbol.partition("+")[0],
                    place if place.startswith(("/", "[")) else f"[{place}]",
                    0,
                )
            )


def _notes(stacks: Sequence[tuple[RawFrame, ...]]) -> Iterator[str]:
    seen = sum(any(path.endswith(".py") for _, path, _ in stack) for stack in stacks)
    if seen < len(stacks) / 2:
        built = "" if _has_frame_pointers() else " this one was built without frame pointers;"
        yield (
            f"perf could hardly see Python's own functions, mostly native ones;{built} for Python"
            " functions use `--engine auto`"
        )


def _has_frame_pointers() -> bool:
    flags = f"{sysconfig.get_config_var('CFLAGS')} {sysconfig.get_config_var('PY_CFLAGS')}"
    return "-fno-omit-frame-pointer" in flags
