"""`agno bench`: what is measured for real here is as little as can be."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pyperf
import pytest

from agno_cli.bench._baselines import save
from agno_cli.bench._compare import Comparison
from agno_cli.bench._environment import read_environment
from agno_cli.bench._history import remember
from agno_cli.bench._measure import FAST, Progress
from agno_cli.bench._record import Record
from agno_cli.bench._registry import BUILT_IN, select
from agno_cli.bench._results import Result, Suite, Timing
from agno_cli.bench._revision import Revision
from agno_cli.bench._targets import Target
from agno_cli.bench._verdicts import Outcome, Verdict
from agno_cli.bench.benchmarks import BENCHMARKS
from agno_cli.cli import main
from agno_cli.cli._bench import _Measured, _publish, _with_others, exit_code
from agno_cli.cli._bench_progress import in_words, with_bar
from agno_cli.cli._bench_request import Request, read_words
from agno_cli.cli._console import Console
from agno_cli.cli.bench import BenchOptions
from agno_cli.reports._document import BenchReport


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered and installed stays in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGNO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AGNO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))


def report(
    *outcomes: Outcome, problem: str = "", measured: float | None = 1.0, partial: bool = False
) -> BenchReport:
    target = Target("run", "time", "med", "<=", 1.0, "", "med<=1s")
    verdicts = tuple(Verdict(target, outcome, measured) for outcome in outcomes)
    timing = Timing(((1.0,),), 1)
    result = Result(name="run", summary="", operation="run", timing=timing, problem=problem)
    suite = Suite("2026-01-02T03:04:05+00:00", 0.0, FAST, (result,), partial)
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
    ("outcome", "ratio", "strict", "code"),
    [
        ("pass", 1.0, False, 0),
        ("fail", 1.3, False, 3),
        ("inconclusive", 1.0, False, 0),
        ("inconclusive", 1.0, True, 4),
        ("inconclusive", None, False, 4),
    ],
)
def test_a_regression_counts_when_it_is_a_gate(outcome, ratio, strict, code):
    """What is missing from the baseline is no pass; a missed target is no regression."""
    comparison = Comparison(
        benchmark="run", metric="time", outcome=outcome, change="unknown", ratio=ratio
    )
    given = msgspec.structs.replace(report("fail"), comparisons=(comparison,))
    assert exit_code(given, frozenset({"regression"}), strict=strict) == code
    assert exit_code(given, frozenset({"targets"}), strict=strict) == 3


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], ("run", [], None)),
        (["create", "run"], ("run", ["create", "run"], None)),
        (["run", "run", "list"], ("run", ["run", "list"], None)),
        (["show", "show"], ("show", ["show"], None)),
        (["mine.py", "list"], ("run", ["list"], "mine.py")),
        (["list", "mine.py"], ("list", [], "mine.py")),
    ],
)
def test_the_first_word_may_say_what_to_do(words, given):
    assert read_words(words) == given


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["creat"], 2, "there is no benchmark `creat`; did you mean `create`?"),
        (["-k", "xyzzy"], 2, "no benchmark has `xyzzy` in its name; the names are create,"),
        (
            ["--fast", "--rigorous"],
            2,
            "`--fast` and `--rigorous` contradict each other; give one of them",
        ),
        (
            ["--aa", "--vs", "agno"],
            2,
            "`--aa` and `--vs` contradict each other; give one of them",
        ),
        (
            ["-o", "taken"],
            2,
            "taken exists; give another name to `-o`, or `--force` to replace it",
        ),
        (
            ["--html", "taken"],
            2,
            "taken exists; give another name to `--html`, or `--force` to replace it",
        ),
        (["--html", "."], 2, ". is a folder; give `--html` a file in it"),
        (
            ["-o", "nowhere/new"],
            2,
            "there is no folder nowhere to write new to; make it first",
        ),
        (
            ["-o", "new", "--html", "new"],
            2,
            "`-o` and `--html` both name new; give each its own file",
        ),
        (["--save", "no/name"], 2, "a result cannot be called 'no/name'; use 1 to 64 of"),
        (["--save", "main"], 2, "there is a saved result `main`; give another name, or"),
        (["--baseline", "mian"], 2, "there is no saved result, file, git revision `mian`; did"),
        (["--baseline", "taken"], 5, "taken is damaged: "),
        (
            ["--fail-on", "regressions", "--baseline", "main"],
            2,
            "`--fail-on regressions` is unknown; did you mean `regression`?",
        ),
        (
            ["--fail-on", "regression"],
            2,
            "`--fail-on regression` needs something to compare with; give `--baseline`",
        ),
        (["--import", "taken"], 5, "taken holds no result of a Go benchmark; write it with"),
        (["--vs", "angno"], 2, "there is no peer `angno`; did you mean `agno`?"),
        (["--call-tools"], 2, "`--call-tools` is about an agent's tools; give `--agent` too"),
        (["a.py", "b.py"], 2, "a.py and b.py are two files; give one at a time"),
        (["a.py"], 2, "FILE: there is no file `a.py`"),
        (
            ["a.py", "--agent", "b:c"],
            2,
            "a.py and `--agent` are two sources of benchmarks; give one of them",
        ),
        (["--agent", "b:c"], 2, "--agent: there is no module `b`"),
        (["--targets", "no.toml"], 5, "cannot read targets no.toml: No such file or"),
        (["--targets", "taken"], 5, "in targets taken: run.time: expected a number after"),
        (["show"], 2, "`show` needs a benchmark; write `agno bench show create`"),
        (["show", "creat"], 2, "there is no benchmark `creat`; did you mean `create`?"),
    ],
)
def test_bad_input_is_refused_before_anything_is_measured(
    arguments, code, message, capsys, tmp_path
):
    (tmp_path / "taken").write_text("[targets]\nrun.time = 'med<=fast'\n")
    saved = Record(environment=read_environment(), suite=report().result)
    save(saved, "main")
    assert main(["bench", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["creat"], 2, "InputError"),
        (["show", "creat"], 2, "InputError"),
        (["--targets", "no.toml"], 5, "ConfigurationError"),
        (["--vs", "angno"], 2, "InputError"),
        (["--md"], 2, "InputError"),
    ],
)
def test_an_error_is_the_one_document_when_documents_are_asked_for(arguments, code, kind, capsys):
    assert main(["bench", *arguments, "--json"]) == code
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["schema_version"], document["command"], document["result"]) == (
        *(1, "bench", None),
    )
    assert (document["error"]["type"], document["error"]["exit_code"]) == (kind, code)
    assert captured.err == f"error: {document['error']['message']}\n"


def test_what_has_a_file_to_go_to_leaves_stdout_alone(capsys, tmp_path):
    assert main(["bench", "creat", "--json", "-o", "new.json"]) == 2
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "new.json").exists()


def test_targets_that_none_could_miss_are_refused(capsys, tmp_path):
    targets = tmp_path / "mine.toml"
    targets.write_text("[targets]\nrun.time = 'med<=1s'\narun.time = 'med<=1s'\n")
    assert main(["bench", "create", "--targets", "mine.toml", "--dry-run"]) == 2
    assert capsys.readouterr().err == (
        "error: no target of mine.toml is of a benchmark that would be measured (create); name"
        " one of run, arun\n"
    )
    targets.write_text("[targets]\n")
    assert main(["bench", "create", "--targets", "mine.toml", "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith("error: mine.toml holds no target; write one")


def test_benchmarks_are_listed(capsys):
    assert main(["bench", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "create\tdefault\tan agent with a name, a model and instructions"
    assert lines[-1].startswith("soak\t--all\t100,000 runs of one agent")
    assert main(["bench", "list", "run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [benchmark["name"] for benchmark in document["result"]] == ["run"]


def test_a_benchmark_is_explained_with_its_history(capsys):
    remember(Record(environment=read_environment(), suite=report().result))
    assert main(["bench", "show", "run"]) == 0
    assert capsys.readouterr().out == (
        "run\n"
        "  measures     a run on the scripted model, all fields of RunOutput filled\n"
        "  per          run\n"
        "  figures      time and exact counts\n"
        "  in the set   default\n"
        "  targets      time: med<=1.2us\n"
        "  Agno-Go      ~6M ops/s, documented\n"
        "  history      2026-01-02T03:04:05+00:00  1.00 s\n"
    )
    assert main(["bench", "show", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["run"]["per"] == ["run"]


def test_the_history_of_this_machine_is_listed(capsys):
    assert main(["bench", "history"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nothing was measured on this machine yet")
    here = read_environment()
    remember(Record(environment=here, suite=report().result))
    assert main(["bench", "history"]) == 0
    row = f"2026-01-02T03:04:05+00:00\t{here.commit}\t{here.python}\trun 1.00 s\n"
    assert capsys.readouterr().out == row
    assert main(["bench", "history", "create"]) == 0
    assert capsys.readouterr().out.endswith("\t1 benchmarks\n")
    assert main(["bench", "history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"][0]["medians"] == {"run": 1.0}


def test_a_dry_run_measures_nothing(capsys):
    assert main(["bench", "run", "create", "-k", "run_tool", "--dry-run", "--fast"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["create", "run_tool", "run_tools_10"]
    assert captured.err.startswith("3 benchmarks, 10 processes each, 2 values a process: about ")
    assert main(["bench", "create", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["result"]
    assert (plan["benchmarks"], plan["settings"]["values"]) == (["create"], 3)
    assert 5 < plan["seconds"] < 30


def test_peers_are_listed_by_a_bare_option(capsys):
    assert main(["bench", "--vs", "--fast"]) == 0
    names = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:2] == ["agno-cli", "agno"]
    assert main(["bench", "--vs", "--json"]) == 0
    ours, agno, *_ = json.loads(capsys.readouterr().out)["result"]
    assert ours["name"] == "agno-cli"
    assert (agno["name"], agno["state"]) == ("agno", "not installed yet")


def test_a_benchmark_is_measured_judged_and_written(capsys, tmp_path):
    """With the base of its ratio, through pyperf and memray; a target of a second is met."""
    targets = tmp_path / "mine.toml"
    targets.write_text("[targets.create_tools]\ntime = ['med<=1s', 'ratio(create)<=1000']\n")
    output, page = tmp_path / "result.json", tmp_path / "report.html"
    arguments = ["bench", "create_tools", "--fast", "--targets", str(targets), "--json"]
    arguments += ["-o", str(output), "--md", "--html", str(page), "--save", "main"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    document = json.loads(output.read_text())
    assert [result["name"] for result in document["result"]["results"]] == [
        "create",
        "create_tools",
    ]
    assert [verdict["outcome"] for verdict in document["verdicts"]] == ["pass", "pass"]
    assert captured.out.startswith("| benchmark | time |")
    assert page.read_text().startswith("<!DOCTYPE html>")
    timing = document["result"]["results"][0]["timing"]
    assert [len(timing[part]) for part in ("processes", "cpu", "relative")] == [10, 10, 10]
    suite = pyperf.BenchmarkSuite.load(str(output))
    assert "create_tools.bytes" in suite.get_benchmark_names()
    lines = captured.err.splitlines()
    assert [line.split(" (")[0] for line in lines if line.startswith("[")] == [
        "[1/6] create: counting",
        "[2/6] create_tools: counting",
        "[3/6] create: timing, round 1 of 2",
        "[4/6] create_tools: timing, round 1 of 2",
        "[5/6] create: timing, round 2 of 2",
        "[6/6] create_tools: timing, round 2 of 2",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "data",
        "mine.toml",
        "report.html",
        "result.json",
    ]
    assert main(["bench", "create", "--fast", "--baseline", "main", "-q"]) in (0, 3)
    table = capsys.readouterr().out
    assert "Changes against main" in table
    assert re.search(r"create +bytes +112 B +112 B +\+0\.0 % +- +pass +same", table)


def test_a_file_that_cannot_be_written_does_not_lose_the_results(capsys):
    measured = _Measured(report("pass"), frozenset({"targets"}))
    options = BenchOptions(output="nowhere/result.json", md=True)
    assert _publish(measured, options, Console()) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("| benchmark |")
    assert captured.err.startswith("error: [Errno 2] No such file or directory: 'nowhere/")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.slow
def test_an_interrupt_at_any_moment_leaves_one_document_and_no_child(tmp_path):
    """From the end of the first step to the report; before that there is nothing to keep."""
    for number in range(8):
        command = [sys.executable, "-P", "-m", "agno_cli", "bench", "memory_append", "--json"]
        with subprocess.Popen(
            [*command, "--targets", str(tmp_path / f"{number}.toml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            (tmp_path / f"{number}.toml").write_text("targets.memory_append.time = 'med<=1s'")
            assert process.stderr is not None
            while "timing" not in process.stderr.readline():
                pass
            time.sleep(number * 0.11)
            process.send_signal(signal.SIGTERM if number == 3 else signal.SIGINT)
            out, err = process.communicate(timeout=20)
        document = json.loads(out)
        assert (process.returncode, document["result"]["partial"]) == (130, True), err
        assert document["result"]["results"][0]["counts"]["allocations"]["value"] == 2.0
        assert b"agno_cli.bench._worker\0" not in b"".join(_command_lines())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_interrupt_shows_what_was_measured_and_stops_the_children():
    command = [sys.executable, "-P", "-m", "agno_cli", "bench", "memory_append", "--fast"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[1/3] memory_append: counting")
        assert process.stderr.readline().startswith("[2/3] memory_append: timing")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out.startswith("agno bench (partial)\n")
    assert "interrupted: these are partial results" in out
    assert all(line.startswith("warning: ") for line in err.splitlines())
    assert b"_worker\0--benchmark\0memory_append" not in b"".join(_command_lines())


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended by now
            yield path.read_bytes()


def test_progress_is_shown_with_an_estimate(capsys):
    progress = Progress(2, 9, "run", "counting", 41.6)
    assert in_words(progress) == "[2/9] run: counting (about 42 s left)"
    suite = Suite("", 0.0, FAST, ())

    def work(show: Callable[[Progress], None]) -> Suite:
        show(progress)
        return suite

    assert with_bar(work) is suite
    assert capsys.readouterr().out == ""


def request_for(before: Record | Revision) -> Request:
    return Request(
        source=BUILT_IN,
        known=(),
        chosen=select(BENCHMARKS, ["run"]),
        settings=FAST,
        targets=(),
        imported=(),
        before=before,
        noise=None,
        peers=(),
        gates=frozenset(),
    )


def test_a_revision_that_cannot_be_checked_out_does_not_lose_the_report(tmp_path):
    nowhere = request_for(Revision("old", "0" * 40, tmp_path))
    options = BenchOptions(baseline="old")
    given = _with_others(report("pass"), options, nowhere, Console(quiet=True))
    (comparison,) = given.comparisons
    assert (comparison.benchmark, comparison.metric, comparison.outcome) == (
        "run",
        "all",
        "inconclusive",
    )
    assert "check out" in comparison.reason
    assert exit_code(given, frozenset({"regression"}), strict=False) == 4


def test_an_interrupt_while_comparing_keeps_what_was_measured(tmp_path):
    class Interrupted(Console):
        def note(self, text: str) -> None:
            raise KeyboardInterrupt

    request = request_for(Revision("old", "0" * 40, tmp_path))
    given = _with_others(report("pass"), BenchOptions(baseline="old"), request, Interrupted())
    assert given.result.partial
    assert given.result.results == report().result.results
    assert exit_code(given, strict=False) == 130


def test_a_users_file_and_agent_are_sources(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from agno_cli import Agent\n"
        "from agno_cli.bench import benchmark\n"
        "@benchmark(expected=3)\ndef add():\n    '''Add.'''\n    return 3\n"
        "clerk = Agent('openai:none')\n"
    )
    assert main(["bench", "list", "mine.py"]) == 0
    assert capsys.readouterr().out == "add\tdefault\tAdd\n"
    assert main(["bench", "--agent", "mine:clerk", "--dry-run", "-q"]) == 0
    names = ["clerk.create", "clerk.first_run", "clerk.run", "clerk.arun"]
    assert capsys.readouterr().out.splitlines() == names
    assert main(["bench", "show", "add", "mine.py"]) == 0
    assert "  measures     Add\n" in capsys.readouterr().out
    arguments = ["bench", "mine.py", "add", "--fast", "--json", "-q"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["verdicts"], document["result"]["results"][0]["problem"]) == ([], "")
