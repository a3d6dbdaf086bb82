"""`agno scenario`: what is run for real here takes a second or two."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli.bench._environment import read_environment
from agno_cli.cli import main
from agno_cli.cli._console import Console
from agno_cli.cli._scenario import exit_code
from agno_cli.cli._scenario_progress import in_words, with_progress
from agno_cli.scenarios import load
from agno_cli.scenarios._result import (
    Conclusion,
    Outcome,
    Progress,
    Row,
    RunResult,
    ScenarioResult,
    Verdict,
)
from agno_cli.scenarios._thresholds import parse_threshold

SMALL = """
workload = "api"
summary = "a small one"
thresholds = ["response:p(50)<9s", "lag:p(50)<9s", "errors:count<=0"]
[load]
rate = "100/s"
duration = "400ms"
warmup = "100ms"
connections = 2
"""


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "small.toml").write_text(SMALL)


def result(
    *conclusions: Conclusion, outcome: Outcome = "pass", **changes: object
) -> ScenarioResult:
    threshold = parse_threshold("x", "lag:max<1s")
    row = Row("lag:max", "time", 0.0, verdicts=(Verdict(threshold, outcome),))
    runs = tuple(
        RunResult(name="", conditions="", conclusion=conclusion, rows=(row,))
        for conclusion in conclusions
    )
    made = ScenarioResult(
        scenario=load("api-10k"), started="", seconds=1.0, environment=read_environment(), runs=runs
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (result("pass", "pass"), 0),
        (result("pass", "too slow"), 3),
        (result("pass", outcome="fail"), 3),
        (result("errors", "generator"), 3),
        (result("pass", "generator"), 4),
        (result("generator", "too slow"), 4),
        (result("problem"), 4),
        (result("pass", outcome="inconclusive"), 4),
        (result("interrupted", interrupted=True), 130),
        (result("too slow", trials=True), 3),
        (result("too slow", trials=True, summary_rows=(Row("rate", "rate", 5.0),)), 0),
        (
            result(
                "pass",
                summary_rows=result("pass", outcome="fail").runs[0].rows,
            ),
            3,
        ),
    ],
)
def test_the_exit_code_says_how_it_went(given, code):
    assert exit_code(given) == code


def test_scenarios_are_listed(capsys):
    assert main(["scenario"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:2] == ["api-10k", "api"]
    assert main(["scenario", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["result"][0]["runs"] == ["no model time", "model takes 300 ms"]
    assert document["command"] == "scenario list"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["api-1k"], 2, "there is no scenario `api-1k`, and no file without `.toml`; did you"),
        (["mine.toml"], 2, "there is no file `mine.toml`; `agno scenario list` names scenarios"),
        (["bad.toml"], 5, "in scenario bad.toml, line 2: load.rat: there is no such key; did you"),
        (["api-10k", "--rate", "fast"], 2, "--rate: expected a number at the beginning, not"),
        (["api-10k", "--rate", "0"], 2, "--rate: `0` is nothing; give more than 0"),
        (["api-10k", "--rate", "5/m"], 2, "--rate: expected a unit (/s, k/s, M/s) after `5`"),
        (["api-10k", "--rate", "9M/s"], 5, "297,000,000 requests are more than the 10,000,000"),
        (["api-10k", "--duration", "5"], 2, "--duration: expected a unit (ns, us, µs, μs, ms, s,"),
        (["api-10k", "--threshold", "lag"], 2, "--threshold: expected `:` and an aggregation"),
        (["api-10k", "--latency", "gauss(1s)"], 2, "--latency: expected a time or a distribution"),
        (
            ["api-10k", "--transport", "htp"],
            2,
            "`--transport htp` is unknown; did you mean `http`?",
        ),
        (["api-10k", "--engine", "rai"], 2, "`--engine rai` is unknown; did you mean `ray`?"),
        (["batch-1000", "--rate", "5"], 2, "`--rate` is for the workload api; `batch-1000` is of"),
        (["api-10k", "--workers", "2"], 2, "`--workers` is for the workload batch or multi-agent"),
        (["api-10k", "--run", "x"], 2, "no run of `api-10k` has `x` in its name; they are `no mo"),
        (["api-10k", "--url", "http://192.0.2.1/"], 2, "`--url http://192.0.2.1/` is on another"),
        (["small.toml", "-o", "small.toml"], 2, "small.toml exists; give another name to `-o`, or"),
        (["small.toml", "--html", "."], 2, ". is a folder; give `--html` a file in it"),
        (["small.toml", "--hdr", "no/x"], 2, "there is no folder no to write x to; make it first"),
        (["small.toml", "-o", "x", "--hdr", "x"], 2, "`-o` and `--hdr` both name x; give each its"),
    ],
)
def test_bad_input_is_refused_before_anything_is_started(arguments, code, message, capsys):
    Path("bad.toml").write_text('workload = "api"\nload.rat = "1/s"\n')
    assert main(["scenario", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1


def test_an_error_is_a_document_where_one_was_asked_for(capsys):
    assert main(["scenario", "api-1k", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["result"], document["error"]["exit_code"]) == (None, 2)


@pytest.mark.slow
def test_a_scenario_is_run_judged_and_written(capsys, tmp_path):
    files = ["--json", "-o", "r.json", "--html", "r.html", "--hdr", "r.hgrm"]
    assert main(["scenario", "small.toml", *files]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("agno scenario small\na small one\n\nsmall\nHTTP on loopback, ")
    assert "all thresholds met\n\n3 thresholds: 3 pass (" in captured.out
    assert captured.err.startswith("[1/1] small: warm-up, ")
    document = json.loads(Path("r.json").read_text())
    (run,) = document["result"]["runs"]
    assert run["metrics"]["requests"]["count"] == 40
    assert Path("r.html").read_text().startswith("<!DOCTYPE html>")
    assert Path("r.hgrm").read_text().startswith("#[small, small: response in ms]")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("r.hgrm", "r.html", "r.json", "small.toml")
    }


@pytest.mark.slow
def test_json_is_the_one_document_on_stdout(capsys):
    arguments = ["small.toml", "--json", "--transport", "inproc", "-q"]
    missed = ["--threshold", "response:p(50)<1ns"]
    assert main(["scenario", *arguments, *missed]) == 3
    captured = capsys.readouterr()
    (run,) = json.loads(captured.out)["result"]["runs"]
    assert (run["conclusion"], run["reason"]) == ("too slow", "missed response:p(50)<1ns")
    assert captured.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.slow
def test_an_interrupt_shows_what_was_measured_and_stops_the_children():
    command = [sys.executable, "-P", "-m", "agno_cli", "scenario", "small.toml"]
    with subprocess.Popen(
        [*command, "--duration", "55555ms"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if " of 55.6 s" in line:
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.startswith("agno scenario small (partial)\n")
    assert "\ninterrupted: these are partial results\n" in out
    assert b"55.555" not in b"".join(_command_lines())


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended by now
            yield path.read_bytes()


def test_progress_is_in_words():
    progress = Progress(
        run="one", step=1, steps=2, done=3.14, total=30, rate=998.0, p99=2e-3, in_flight=1200
    )
    assert in_words(progress) == "[1/2] one: 3.1 of 30 s, 998/s, p(99) 2.00 ms, 1,200 in flight"
    early = Progress(run="one", step=1, steps=1, done=0, total=1, what="warm-up", errors=3)
    assert in_words(early) == "[1/1] one: warm-up, 3 errors"


def test_a_log_gets_few_lines(capsys):
    def work(report):
        for done in range(100):
            report(Progress(run="one", step=1, steps=1, done=done, total=100))
        report(Progress(run="two", step=1, steps=1, done=0, total=100))
        return 7

    assert with_progress(Console(), work) == 7
    assert capsys.readouterr().err == "[1/1] one: 0 of 100 s\n[1/1] two: 0 of 100 s\n"
    assert with_progress(Console(quiet=True), work) == 7
    assert capsys.readouterr().err == ""
