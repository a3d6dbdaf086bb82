"""Worker files are run in processes that are not trusted: here are some that misbehave."""

import os
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from agno_cli.bench.peers._worker import About, Answer, Bench, Line

GOOD = """
    import os, socket, sys, time
    IMPORT = "import json"
    DISTRIBUTION = "msgspec"
    EQUAL = ("the work",)
    DIFFERENT = ("the rest",)

    def prepare(task):
        def create():
            return []

        def create_tool():
            return [task.add]

        def run(agent, prompt):
            text = task.reply(prompt, None)
            if text is None:
                text = task.reply(prompt, str(agent[0](**task.arguments)))
            return text

        async def arun(agent, prompt):
            return run(agent, prompt)

        return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
"""
ALL = ("create", "create_tool", "run", "run_tool", "arun")
FAST = ("--values", "2", "--min-seconds", "1e-9")


@pytest.fixture
def write(tmp_path):
    """Write a worker, by default the good one with one thing done otherwise."""

    def write(old: str = "", new: str = "", source: str = GOOD) -> Bench:
        assert old in source
        worker, home = tmp_path / "worker.py", tmp_path / "home"
        worker.write_text(dedent(source).replace(old, new))
        home.mkdir()
        return Bench(Path(sys.executable), worker, home, here=True)

    return write


def about(answer: Answer) -> About:
    (found,) = [line.about for line in answer.lines if line.about is not None]
    return found


def test_a_worker_is_checked(write):
    answer = write().ask("check", limit=60)
    assert answer.problem == ""
    assert answer.lines[:-1] == tuple(Line(measure=name) for name in ALL)
    said = about(answer)
    assert (said.imports, said.equal, said.different) == (
        "import json",
        ("the work",),
        ("the rest",),
    )
    assert said.version != ""
    assert said.attempts == ()


def test_a_worker_is_timed(write):
    answer = write().ask("time", "create", "run_tool", "arun", *FAST, limit=60)
    assert answer.problem == ""
    assert [line.measure for line in answer.lines] == ["create", "run_tool", "arun"]
    for line in answer.lines:
        assert len(line.values) == 2
        assert 0 < min(line.values) <= max(line.values) < 1


@pytest.mark.skipif(sys.platform == "win32", reason="memray is not made for Windows")
def test_a_worker_is_counted(write):
    answer = write().ask("count", "create", "arun", limit=60)
    line, awaited = answer.lines
    assert awaited.problem == "ValueError: an awaited operation cannot be counted"
    assert (line.counts, line.operations, line.note) == (
        {"bytes": float(sys.getsizeof([])), "allocations": 1.0},
        1000,
        "",
    )


def test_without_memray_only_bytes_are_counted_and_that_is_said(write):
    hide = "import importlib.util as u; find = u.find_spec; u.find_spec = lambda name: None\n"
    answer = write("import os,", hide + "import os,").ask("count", "create", limit=60)
    (line,) = answer.lines
    assert list(line.counts) == ["bytes"]
    assert line.note == "memray is not installed there: bytes by tracemalloc, no allocations"


def test_a_wrong_answer_and_a_tool_that_is_not_called_are_found(write):
    bench = write("str(agent[0](**task.arguments))", "'5'")
    answer = bench.ask("time", "run", "create_tool", "run_tool", *FAST, limit=60)
    assert [(line.measure, line.problem) for line in answer.lines] == [
        ("run", ""),
        ("create_tool", ""),
        ("run_tool", "WorkNotDoneError: tool calls: 0 instead of 1"),
    ]


def test_a_wrong_sum_is_found(write):
    bench = write("**task.arguments", "2, 2")
    answer = bench.ask("check", limit=60)
    wrong = "WorkNotDoneError: answer: 'The sum is 4.' instead of 'The sum is 5.'"
    assert [line.problem for line in answer.lines if line.measure == "run_tool"] == [wrong]


def test_what_a_library_cannot_offer_may_be_missing(write):
    bench = write('"create_tool": create_tool, "run": run, "arun": arun', '"run": run')
    answer = bench.ask("check", limit=60)
    assert [line.measure for line in answer.lines if line.measure] == ["create", "run"]


def test_a_worker_that_hangs_is_killed_with_what_it_started(write, tmp_path):
    child = tmp_path / "child"
    hang = f"""
    import pathlib, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path({str(child)!r}).write_text(str(child.pid))
    time.sleep(60)
    """
    started = time.monotonic()
    answer = write(source=hang).ask("check", limit=2)
    assert answer == Answer((), "it did not end within 2 s")
    assert time.monotonic() - started < 20
    if sys.platform == "linux":
        assert is_gone(int(child.read_text()))


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_rubbish_on_the_streams_changes_nothing(write):
    bench = write(
        "return []", "os.write(1, b'\\xff{' * 100_000); os.write(2, b'?' * 99); return []"
    )
    answer = bench.ask("time", "create", *FAST, limit=60)
    assert answer.problem == ""
    assert [line.measure for line in answer.lines] == ["create"]


def test_a_crash_keeps_what_was_measured_before_it(write):
    crash = "if sys.argv[3] == 'time' and agent: print('out of luck', file=sys.stderr); os.abort()"
    bench = write(
        "text = task.reply(prompt, None)", f"{crash}\n        text = task.reply(prompt, None)"
    )
    answer = bench.ask("time", "create", "run", "run_tool", *FAST, limit=60)
    assert [line.measure for line in answer.lines] == ["create", "run"]
    assert answer.problem.startswith("it ended with exit code -6 and said: ")


def test_a_file_that_is_no_worker_says_so(write):
    answer = write(source="IMPORT = 'import json'").ask("check", limit=60)
    assert answer.lines == ()
    assert answer.problem == (
        "it ended with exit code 1 and said:"
        " AttributeError: module 'agno_peer_worker' has no attribute 'prepare'"
    )


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("rubbish", "it wrote what is no result: b'rubbish'"),
        ('{"measure": 3}', "it wrote what is no result: b'{\"measure\": 3}'"),
        ('{"measure": "run", "values": [0.1, NaN]}', "it wrote what is no result: "),
        ('{"measure": "run", "values": [0.1, -1.0]}', "it says that run took no time"),
    ],
)
def test_rubbish_in_the_place_of_results_is_a_problem(write, written, problem):
    source = f"""
    import os, pathlib, sys
    pathlib.Path(sys.argv[2]).write_text({written!r})
    os._exit(0)
    """
    answer = write(source=source).ask("check", limit=60)
    assert answer.lines == ()
    assert answer.problem.startswith(problem)


def test_a_worker_that_writes_nothing_says_so(write):
    answer = write(source="raise SystemExit(0)").ask("check", limit=60)
    assert answer == Answer((), "it wrote no results")


def test_a_library_reaches_no_network_and_is_named_for_trying(write):
    call = "socket.socket().connect_ex(('192.0.2.1', 80))"
    swallow = (
        f"import contextlib\n        with contextlib.suppress(OSError): {call}\n        return []"
    )
    answer = write("return []", swallow).ask("check", limit=60)
    assert about(answer).attempts == ("192.0.2.1",)
    assert answer.lines[0] == Line(measure="create")


def test_a_peer_sees_no_keys_and_none_of_the_users_folders(write, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    bench = write(
        "IMPORT", "raise SystemExit(repr(sorted(os.environ.items())) + os.getcwd())\n    IMPORT"
    )
    answer = bench.ask("check", limit=60)
    assert "sk-secret" not in answer.problem
    variables = bench.variables()
    assert "OPENAI_API_KEY" not in variables
    assert variables["HOME"] == str(bench.home)
    assert variables["CREWAI_DISABLE_TELEMETRY"] == "true"


def test_an_interpreter_that_is_not_there_is_a_problem(tmp_path):
    bench = Bench(tmp_path / "python", tmp_path / "worker.py", tmp_path, here=False)
    answer = bench.ask("check", limit=60)
    assert answer.problem == f"cannot run {tmp_path / 'python'}: No such file or directory"
