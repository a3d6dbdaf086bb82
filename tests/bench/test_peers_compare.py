"""Peers are measured side by side, and one that fails is a row that says so."""

from pathlib import Path
from textwrap import dedent

import pytest

from agno_cli.bench._measure import Progress
from agno_cli.bench._results import Settings
from agno_cli.bench.peers._compare import TimeLimits, compare
from agno_cli.bench.peers._registry import Peer
from agno_cli.bench.peers._results import Figure, figures

SMALLEST = Settings(rounds=2, processes=1, values=1, min_seconds=1e-9)
WORKER = """
    import os, sys
    IMPORT = "import json"
    DISTRIBUTION = ""
    EQUAL = ("the work",)
    DIFFERENT = ("the rest",)

    def prepare(task):
        def run(agent, prompt):
            return task.reply(prompt, None)

        return {"create": list, "run": run}
"""


@pytest.fixture
def worker(tmp_path):
    """Write a worker, with one thing done otherwise."""

    def write(name: str, old: str = "", new: str = "") -> Peer:
        assert old in WORKER
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(WORKER).replace(old, new))
        return Peer(name, path)

    return write


@pytest.mark.slow
def test_peers_are_measured_in_turns_and_those_that_fail_say_so(worker, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    crash = "if sys.argv[3] == 'time': os._exit(7)\n        return task"
    once = "return 'no' if sys.argv[3] == 'time' else task"
    reach = "import socket; socket.socket().connect_ex(('192.0.2.1', 80))"
    reaching = f"try: {reach}\n        except OSError: pass\n        return task"
    peers = [
        worker("good"),
        worker("flaky", "return task", once),
        worker("nosy", "return task", reaching),
        worker("wrong", "task.reply(prompt, None)", "'no idea'"),
        worker("broken", "import os, sys", "import nothing_of_that_name"),
        worker("crashing", "return task", crash),
        Peer("unpinned", Path("unused.py"), "agno-no-peer"),
    ]
    seen: list[Progress] = []
    comparison = compare(peers, SMALLEST, seen.append, pins={"memray": "1.20.0"})
    ours, good, flaky, nosy, wrong, broken, crashing, unpinned = comparison.peers
    assert not comparison.partial
    assert (ours.name, ours.problem, ours.problems) == ("agno-cli", "", {})
    assert list(figures(ours)) == [
        *("import", "create", "create_tool", "run", "run_tool", "arun"),
        *("bytes", "allocations"),
    ]
    assert (good.equal, good.different, good.problem) == (("the work",), ("the rest",), "")
    assert [len(timing.processes) for timing in good.timings.values()] == [2, 2, 2]
    assert figures(good)["bytes"] == Figure(56.0, "byte")
    assert flaky.problems["run"] == (
        "WorkNotDoneError: answer: 'no' instead of 'The capital of France is Paris.'"
    )
    assert list(flaky.timings) == ["import"]
    assert nosy.notes == ("it tried to reach 192.0.2.1, and was not let",)
    answer = "WorkNotDoneError: answer: 'no idea' instead of 'The capital of France is Paris.'"
    assert wrong.problems == {"create": answer, "run": answer}
    assert list(wrong.timings) == ["import"]
    assert broken.problem == (
        "checking failed: it ended with exit code 1 and said:"
        " ModuleNotFoundError: No module named 'nothing_of_that_name'"
    )
    assert crashing.problem == (
        "timing failed: it ended with exit code 7 and said: nothing (at create)"
    )
    assert list(crashing.timings) == ["import"]
    assert unpinned.problem == (
        "installing failed: no version of 'agno-no-peer' is pinned; update the pins"
    )
    timed = ["agno-cli", "good", "flaky", "nosy", "wrong"]
    assert [(progress.benchmark, progress.what) for progress in seen[-11:]] == [
        *((name, "timing, round 1 of 2") for name in [*timed, "crashing"]),
        *((name, "timing, round 2 of 2") for name in timed),
    ]


def test_an_interrupt_keeps_what_was_measured(worker):
    def interrupt(progress: Progress) -> None:
        if progress.what == "counting":
            raise KeyboardInterrupt

    comparison = compare([worker("good")], SMALLEST, interrupt, pins={})
    assert comparison.partial
    ours, good = comparison.peers
    assert (ours.name, ours.version != "", ours.timings) == ("agno-cli", True, {})
    assert (good.name, good.version) == ("good", "")


def test_a_time_limit_holds_for_each_process(worker):
    limits = TimeLimits(check=0.01)
    ours, good = compare([worker("good")], SMALLEST, limits=limits, pins={}).peers
    assert ours.problem == good.problem == "checking failed: it did not end within 0.01 s"
