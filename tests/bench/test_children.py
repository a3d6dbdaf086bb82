"""Measuring processes end, one way or the other, and say why."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from threading import Thread, Timer

import pytest

from agno_cli.bench._children import (
    CouldNotMeasureError,
    _problem,
    report_problem,
    run_child,
    run_command,
)
from agno_cli.bench._interrupts import ends_as_interrupts, interrupts_held


def python(statement: str, *, seconds: float = 20.0) -> None:
    run_child("timeit", ["-n", "1", "-r", "1", statement], seconds=seconds, variables={"MINE": "1"})


def test_a_child_that_does_its_work_says_nothing():
    python("import os; assert os.environ['MINE'] == '1'")


def test_a_child_that_fails_is_quoted_by_its_last_line():
    with pytest.raises(CouldNotMeasureError) as caught:
        python("raise ValueError('no such thing')")
    assert str(caught.value) == "it ended with exit code 1 and said: ValueError: no such thing"


def test_the_marked_line_wins_over_the_tracebacks_around_it():
    complaints = "agno-bench-problem: TypeError: three\n\nRuntimeError: python failed\n"
    assert _problem(complaints, 1) == "TypeError: three"
    assert _problem("", -9) == "it ended with exit code -9 and said: nothing"
    pip = "ERROR: No matching distribution\n[notice] A new release of pip\n"
    assert _problem(pip, 1) == "it ended with exit code 1 and said: ERROR: No matching distribution"


def test_a_problem_is_reported_in_one_line(capsys):
    with pytest.raises(SystemExit) as caught, report_problem():
        raise ValueError("two\nlines")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "agno-bench-problem: ValueError: two lines\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_hangs_is_ended_with_all_it_started(tmp_path):
    started = tmp_path / "pid"
    statement = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(started)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    with pytest.raises(CouldNotMeasureError, match=r"it did not end within 1 s"):
        python(statement, seconds=1.0)
    assert _is_gone(int(started.read_text()))


def test_how_long_a_command_took_is_not_rounded_to_polls():
    took = min(run_command(["sleep", "0.07"], seconds=10) for _ in range(3))
    assert 0.07 <= took < 0.11


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interrupt_at_any_moment_leaves_no_process():
    """While it is being started too: between its start and the return of what starts it."""
    for number in range(12):
        mark = f"60.{number}{os.getpid()}"
        interrupt = Timer(number * 0.0004, os.kill, [os.getpid(), signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            run_interrupted(interrupt, mark)
        assert mark.encode() not in b"".join(_command_lines())


def run_interrupted(interrupt, mark):
    interrupt.start()
    run_command(["sleep", mark], seconds=30)


def _command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended by now
            yield path.read_bytes()


def test_a_held_interrupt_comes_when_the_block_has_ended():
    done = []

    def work():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]


def test_a_second_interrupt_is_not_held():
    def work():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it was held")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals")
def test_a_polite_end_is_an_interrupt_while_measuring():
    with pytest.raises(KeyboardInterrupt), ends_as_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_other_threads_hold_nothing():
    def work():
        with ends_as_interrupts(), interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[object] = []
    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def _is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
