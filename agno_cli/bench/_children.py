"""The processes that measure: started in a group of their own, and always ended.

A group of its own keeps Ctrl-C of the terminal from the children, whose tracebacks nobody
wants, and lets one signal end a manager, its workers and their servers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

_MARK = "agno-bench-problem: "


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
    with subprocess.Popen(  # noqa: S603 - this interpreter, with a module of this package
        [sys.executable, "-P", "-m", module, *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _, complaints = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            raise CouldNotMeasureError(f"it did not end within {seconds:g} s") from None
        except BaseException:
            _kill_group(process)
            raise
    if process.returncode:
        raise CouldNotMeasureError(_problem(complaints, process.returncode))


def _kill_group(process: subprocess.Popen[str]) -> None:
    """End a process and all it started; those may outlive it."""
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _problem(complaints: str, code: int) -> str:
    """Find the one line that matters: the marked one, for managers add tracebacks to it."""
    lines = [line for line in complaints.splitlines() if line.strip()]
    marked = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    if marked:
        return marked[0]
    return lines[-1].strip() if lines else f"it ended with exit code {code} and said nothing"


@contextmanager
def report_problem() -> Iterator[None]:
    """Say on stderr, in one marked line, what ended this measuring process."""
    try:
        yield
    except Exception as error:  # the boundary of a process: its parent tells the user
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"{_MARK}{text}", file=sys.stderr)  # noqa: T201 - read by the parent process
        raise SystemExit(1) from None
