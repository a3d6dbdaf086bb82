"""Measuring processes end, one way or the other, and say why."""

import os
import sys
import time
from pathlib import Path

import pytest

from agno_cli.bench._children import CouldNotMeasureError, _problem, report_problem, run_child


def python(statement: str, *, seconds: float = 20.0) -> None:
    run_child("timeit", ["-n", "1", "-r", "1", statement], seconds=seconds, variables={"MINE": "1"})


def test_a_child_that_does_its_work_says_nothing():
    python("import os; assert os.environ['MINE'] == '1'")


def test_a_child_that_fails_is_quoted_by_its_last_line():
    with pytest.raises(CouldNotMeasureError) as caught:
        python("raise ValueError('no such thing')")
    assert str(caught.value) == "ValueError: no such thing"


def test_the_marked_line_wins_over_the_tracebacks_around_it():
    complaints = "agno-bench-problem: TypeError: three\n\nRuntimeError: python failed\n"
    assert _problem(complaints, 1) == "TypeError: three"
    assert _problem("", -9) == "it ended with exit code -9 and said nothing"


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
