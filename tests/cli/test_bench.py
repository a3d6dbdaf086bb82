"""`agno bench`: what is measured for real here is as little as can be."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agno_cli.bench._environment import read_environment
from agno_cli.bench._measure import FAST, Progress
from agno_cli.bench._results import Result, Suite, Timing
from agno_cli.bench._targets import Target
from agno_cli.bench._verdicts import Outcome, Verdict
from agno_cli.cli import main
from agno_cli.cli._bench import _in_words, _with_bar, exit_code
from agno_cli.reports._document import BenchReport


def report(
    *outcomes: Outcome, problem: str = "", measured: float | None = 1.0, partial: bool = False
) -> BenchReport:
    target = Target("run", "time", "med", "<=", 1.0, "", "med<=1s")
    verdicts = tuple(Verdict(target, outcome, measured) for outcome in outcomes)
    timing = Timing(((1.0,),), 1)
    result = Result(name="run", summary="", operation="run", timing=timing, problem=problem)
    suite = Suite("", 0.0, FAST, (result,), partial)
    return BenchReport(environment=read_environment(), result=suite, verdicts=verdicts)


@pytest.mark.parametrize(
    ("given", "strict", "code"),
    [
        (report("pass", "pass"), True, 0),
        (report("pass", "fail", "inconclusive"), True, 3),
        (report("pass", "inconclusive"), False, 0),
        (report("pass", "inconclusive"), True, 4),
        (report("inconclusive", measured=None), False, 4),
        (report(problem="it broke"), False, 4),
        (report("fail", problem="it broke"), False, 3),
        (report("fail", partial=True), False, 130),
        (report(), False, 0),
    ],
)
def test_the_exit_code_says_how_it_went(given, strict, code):
    assert exit_code(given, strict=strict) == code


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["creat"], 2, "error: there is no benchmark `creat`; did you mean `create`?\n"),
        (
            ["--fast", "--rigorous"],
            2,
            "error: `--fast` and `--rigorous` contradict each other; give one of them\n",
        ),
        (
            ["--json", "--md"],
            2,
            "error: `--json` and `--md` both want standard output; use `-o FILE` for JSON\n",
        ),
        (
            ["-o", "taken"],
            2,
            "error: taken exists; give another name to `-o`, or `--force` to replace it\n",
        ),
        (
            ["-o", "nowhere/new"],
            2,
            "error: there is no folder nowhere to write new to; make it first\n",
        ),
        (["--targets", "no.toml"], 5, "error: cannot read targets no.toml: No such file or"),
        (["--targets", "taken"], 5, "error: in targets taken: run.time: expected a number after"),
    ],
)
def test_bad_input_is_refused_before_anything_is_measured(
    arguments, code, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("[targets]\nrun.time = 'med<=fast'\n")
    if "--targets" not in arguments:
        arguments = ["soak", *arguments]
    assert main(["bench", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert captured.err.count("\n") == 1


def test_benchmarks_are_listed(capsys):
    assert main(["bench", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "create           an agent with a name, a model and instructions"
    assert lines[-1].startswith("soak             (--all) 100,000 runs of one agent")


def test_a_benchmark_is_measured_judged_and_written(capsys, tmp_path):
    """With the base of its ratio, through pyperf and memray; a target of a second is met."""
    targets = tmp_path / "mine.toml"
    targets.write_text("[targets.create_tools]\ntime = ['med<=1s', 'ratio(create)<=1000']\n")
    output = tmp_path / "result.json"
    arguments = ["bench", "create_tools", "--fast", "--targets", str(targets), "-o", str(output)]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [result["name"] for result in document["result"]["results"]] == [
        "create",
        "create_tools",
    ]
    assert [verdict["outcome"] for verdict in document["verdicts"]] == ["pass", "pass"]
    assert json.loads(output.read_text()) == document
    assert [line.split(" (")[0] for line in captured.err.splitlines()] == [
        "[1/4] create: counting",
        "[2/4] create_tools: counting",
        "[3/4] create: timing, round 1 of 1",
        "[4/4] create_tools: timing, round 1 of 1",
    ]
    assert list(tmp_path.iterdir()) in ([targets, output], [output, targets])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_interrupt_shows_what_was_measured_and_stops_the_children():
    command = [sys.executable, "-P", "-m", "agno_cli", "bench", "memory_append", "--fast"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[1/2] memory_append: counting")
        assert process.stderr.readline().startswith("[2/2] memory_append: timing")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.startswith("agno bench (partial)\n")
    assert "interrupted: these are partial results" in out
    assert err == ""
    assert b"_worker\0--benchmark\0memory_append" not in b"".join(_command_lines())


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended by now
            yield path.read_bytes()


def test_progress_is_shown_with_an_estimate(capsys):
    progress = Progress(2, 9, "run", "counting", 41.6)
    assert _in_words(progress) == "[2/9] run: counting (about 42 s left)"
    suite = Suite("", 0.0, FAST, ())

    def work(show: Callable[[Progress], None]) -> Suite:
        show(progress)
        return suite

    assert _with_bar(work) is suite
    assert capsys.readouterr().out == ""
