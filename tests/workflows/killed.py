"""A workflow for a process that is killed: it writes down each call, and hangs in one of them."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from agno_cli import (
    Checkpoints,
    Condition,
    InputError,
    Loop,
    Parallel,
    Step,
    StepInput,
    StorageError,
    Workflow,
)
from agno_cli.storage import SqliteCheckpoints

TAKEN_OVER = 7


def workflow(folder: Path, hang_at: int, store: Checkpoints) -> Workflow:
    """Make a workflow of each kind of node, whose call number `hang_at` does not return."""

    one_by_one = threading.Lock()

    def work(given: StepInput) -> str:
        with one_by_one:
            with (folder / "calls").open("a") as file:
                file.write(given.path + "\n")
            number = sum(calls(folder).values())
        if number == hang_at + 1:
            (folder / "hangs").touch()
            while not (folder / "goes on").exists():
                time.sleep(0.01)
        given.state["log"] = [*given.state.get("log", []), given.path]
        return f"{given.previous or ''}{given.path[-1]}"

    step = Step(work, "work", quick=True)
    return Workflow(
        [
            step,
            Parallel({"a": [step, step], "b": step, "c": Loop(step, max_rounds=2)}, merge="add"),
            Condition(lambda given: given.previous is not None, [step, step]),
            Workflow([step], name="inner"),
            Loop(Parallel({"x": step, "y": Step(_plain, quick=True)}), max_rounds=2),
            step,
            step,
        ],
        checkpoints=store,
    )


def _plain(given: StepInput) -> dict[str, Any]:
    return {"round": given.round}


def calls(folder: Path) -> Counter[str]:
    """Count the calls that were made, by path."""
    file = folder / "calls"
    return Counter(file.read_text().split()) if file.exists() else Counter()


def main(folder: str, hang_at: str) -> None:
    """Begin the run `it`, or go on with it."""
    place = Path(folder)
    made = workflow(place, int(hang_at), SqliteCheckpoints(place / "runs.db"))
    try:
        try:
            made.run("hi", run_id="it")
        except InputError:
            made.resume("it")
    except StorageError:
        sys.exit(TAKEN_OVER)
