"""`agno run --workflow`: a workflow from a file, its answer on stdout, its steps on stderr."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Agno

EXAMPLES = Path(__file__).parents[2] / "examples"

FILE = """
checkpoints = "runs.db"
steps = ["drafter", "code.py:flaky", { run = "editor", retry = { attempts = 2, backoff = 0 } }]

[agents.drafter]
model = "scripted:A draft."

[agents.editor]
"""

CODE = """
import time
from pathlib import Path

def flaky(given):
    if Path("hang").exists():
        Path("hangs").touch()
        time.sleep(60)
    if Path("broken").exists():
        raise OSError("no network")
    return given.text
"""

ANSWERS = {
    "article": (
        "Bees dance to tell the others where flowers are: a dance is a map, read in 1927.\n"
    ),
    "support": "We have sent the second payment back.\n",
}


@pytest.fixture(autouse=True)
def file(folder: Path) -> Path:
    (folder / "code.py").write_text(CODE)
    path = folder / "flow.toml"
    path.write_text(FILE)
    return path


def run(agno: Agno, *options: str) -> tuple[int, str, str]:
    return agno("run", "--workflow", "flow.toml", "-m", "scripted:Better words.", *options)


def run_id(err: str) -> str:
    found = re.match(r"run (\w+): `--resume \1` goes on with it when it is stopped\n", err)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_examples(agno: Agno, name: str) -> None:
    file = str(EXAMPLES / f"workflow_{name}.toml")
    assert agno("run", "--workflow", file, "Question?") == (0, ANSWERS[name], "")


def test_every_example_is_tested() -> None:
    names = {path.stem.removeprefix("workflow_") for path in EXAMPLES.glob("workflow_*.toml")}
    assert names == {*ANSWERS, "local"}


@pytest.mark.local
def test_the_example_on_a_local_model(agno: Agno, smollm2_in_cache: Path) -> None:
    file = EXAMPLES / "workflow_local.toml"
    code, out, err = agno("run", "--workflow", str(file), "What is the capital of France?")
    assert (code, err) == (0, "")
    assert out.endswith(" words)\n")


def test_steps_are_told_on_stderr(agno: Agno) -> None:
    code, out, err = run(agno, "-v", "Write.")
    assert (code, out) == (0, "Better words.\n")
    told = re.sub(r"\([\d.]+ \w+\)", "(time)", err).splitlines()[1:]
    assert told == [
        "step 1.drafter begins",
        "step 1.drafter gave A draft. (time)",
        "step 2.flaky begins",
        "step 2.flaky gave A draft. (time)",
        "step 3.editor begins",
        "step 3.editor gave Better words. (time)",
    ]


def test_a_failed_run_goes_on_where_it_was(agno: Agno, folder: Path) -> None:
    (folder / "broken").touch()
    code, out, err = run(agno, "Write.")
    assert code == 1
    assert "error: step `flaky` at `2.flaky`: OSError: no network, at " in err
    (folder / "broken").unlink()
    code, out, err = run(agno, "--resume", run_id(err), "-v")
    assert (code, out) == (0, "Better words.\n")
    assert err.splitlines()[:2] == [
        "step 1.drafter gave A draft. (before)",
        "step 2.flaky begins",
    ]
    code, out, err = run(agno, "--resume", "nothing")
    assert (code, out) == (2, "")
    assert re.search(r"error: there is no run `nothing` in `.*runs\.db`; it cannot be", err)


def test_a_killed_run_goes_on_where_it_was(agno: Agno, folder: Path) -> None:
    (folder / "hang").touch()
    command = [sys.executable, "-m", "agno_cli", "run", "--workflow", "flow.toml", "Write."]
    process = subprocess.Popen(
        [*command, "-m", "scripted:Better words."], stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not (folder / "hangs").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.stderr is not None
    resumed = run_id(process.stderr.readline())
    code, out, err = run(agno, "--resume", resumed)
    assert (code, out) == (2, "")
    assert f"is being carried out by process {process.pid} on" in err
    assert "resume with `--take-over`" in err
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    (folder / "hang").unlink()
    assert run(agno, "--resume", resumed) == (0, "Better words.\n", "")


def test_the_document_holds_state_and_steps(agno: Agno) -> None:
    code, out, _ = run(agno, "--json", "--no-stream", "Write.")
    document = json.loads(out)
    assert code == 0
    assert [step["path"] for step in document["result"]["steps"]] == [
        "1.drafter",
        "2.flaky",
        "3.editor",
    ]
    assert (document["result"]["state"], document["result"]["content"]) == ({}, "Better words.")
    code, out, _ = run(agno, "--json", "--no-stream", "--resume", document["result"]["run_id"])
    assert [step["restored"] for step in json.loads(out)["result"]["steps"]] == [True] * 3


def test_a_failed_run_is_a_document_too(agno: Agno, folder: Path) -> None:
    (folder / "broken").touch()
    code, out, _ = run(agno, "--json", "Write.")
    document = json.loads(out)
    assert (code, document["result"]["stopped_at"]) == (1, "2.flaky")
    code, out, _ = run(agno, "--jsonl", "Write.")
    kinds = [json.loads(line)["event"] for line in out.splitlines()]
    assert (kinds[0], kinds[1], kinds[-1]) == ("run_started", "step_started", "run_failed")


def test_checkpoints_may_be_kept_elsewhere(agno: Agno, folder: Path) -> None:
    code, _, err = run(agno, "--checkpoints", "other.db", "Write.")
    assert code == 0
    assert (folder / "other.db").exists()
    assert not (folder / "runs.db").exists()
    assert run(agno, "--checkpoints", "other.db", "--resume", run_id(err))[0] == 0


def test_a_picture_of_what_would_be_done(agno: Agno) -> None:
    code, out, err = run(agno, "--dry-run", "Write.")
    assert (code, err) == (0, "")
    assert out.startswith('flowchart TD\nstart(["flow"])\nn1["drafter"]\nn2[["flaky"]]\n')
    _, document, _ = run(agno, "--dry-run", "--json", "Write.")
    assert json.loads(document)["result"] == {"mermaid": out}


def test_limits_of_the_whole_run(agno: Agno) -> None:
    code, _, err = run(agno, "--max-tokens", "1", "Write.")
    assert code == 7
    assert "limit of 1 tokens reached, 2 used after step `drafter` at `1.drafter`" in err
    assert "`--max-tokens`" in err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["-s", "Be brief."], "-s changes one agent, not a workflow; write it in the workflow's"),
        (["--max-turns", "3"], "--max-turns changes one agent, not a workflow"),
        (["--team", "x.toml"], "--team and --workflow exclude each other; leave one out"),
        (["--resume", "x", "Again."], "--resume goes on with the prompt that the run began with"),
    ],
)
def test_options_that_are_not_for_workflows(agno: Agno, options: list[str], problem: str) -> None:
    prompt = [] if "--resume" in options else ["Write."]
    code, out, err = run(agno, *options, *prompt)
    assert (code, out) == (2, "")
    assert problem in err


@pytest.mark.parametrize("option", [["--resume", "x"], ["--checkpoints", "x"], ["--take-over"]])
def test_options_that_are_for_workflows(agno: Agno, option: list[str]) -> None:
    code, _, err = agno("run", "-m", "scripted:x", *option, "Write.")
    assert (code, err) == (
        2,
        f"error: {option[0]} is for workflows; name one with --workflow FILE\n",
    )


def test_a_workflow_that_keeps_nothing_cannot_be_resumed(agno: Agno, file: Path) -> None:
    file.write_text(FILE.replace('checkpoints = "runs.db"', ""))
    code, _, err = run(agno, "--resume", "x")
    assert code == 2
    assert "name the file that they are kept in: `--checkpoints FILE`" in err


def test_mistakes_in_the_file_are_named(agno: Agno, file: Path) -> None:
    file.write_text("steps = [{ runs = 'a' }]")
    code, _, err = run(agno, "Write.")
    assert (code, "`steps.1`: a node has one of `run`" in err) == (5, True)
