"""Workflows on the scripted model, and what their checkpoints cost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agno_cli import (
    Agent,
    Condition,
    Loop,
    MemoryCheckpoints,
    Parallel,
    Router,
    ScriptedModel,
    Step,
    StepInput,
    Usage,
    Workflow,
    WorkflowOutput,
)
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import PROMPT

_STEPS = 10
_NAMES = ("research", "draft", "polish")


def agents() -> Operation:
    """Run a workflow of three agents."""
    steps = [Agent(ScriptedModel([f"{name} done"]), name=name) for name in _NAMES]

    def check(output: WorkflowOutput) -> None:
        expect((output.content, output.usage), ("polish done", Usage(3, 3, requests=3)))
        expect([step.content for step in output.steps], [f"{name} done" for name in _NAMES])

    return Operation(
        statement="result = workflow.run(prompt)",
        names={"workflow": Workflow(steps), "prompt": PROMPT},
        check=check,
    )


def functions() -> Operation:
    """Run a workflow of three functions."""
    workflow = Workflow([Step(_longer, name, quick=True) for name in _NAMES])

    def check(output: WorkflowOutput) -> None:
        expect(output.content, f"{PROMPT}...")
        expect([step.name for step in output.steps], list(_NAMES))

    return Operation(
        statement="result = workflow.run(prompt)",
        names={"workflow": workflow, "prompt": PROMPT},
        check=check,
    )


def nodes() -> Operation:
    """Run a workflow that has each kind of node once, around quick functions."""
    quick = Step(_longer, "longer", quick=True)
    workflow = Workflow(
        [
            quick,
            Parallel({"a": quick, "b": quick}),
            Condition(_holds, quick),
            Loop(quick, max_rounds=2),
            Router(_first, {"first": quick, "second": quick}),
            Workflow([quick], name="inner"),
        ]
    )

    def check(output: WorkflowOutput) -> None:
        expect(len(output.steps), 8)
        expect(output.content, f"a:\n{PROMPT}..\n\nb:\n{PROMPT}.......")

    return Operation(
        statement="result = workflow.run(prompt)",
        names={"workflow": workflow, "prompt": PROMPT},
        check=check,
    )


def checkpoints_in_memory() -> Operation:
    """Run a workflow of ten steps, each kept in this process."""
    return _kept(MemoryCheckpoints(max_runs=100), None)


def checkpoints_in_sqlite() -> Operation:
    """Run a workflow of ten steps, each kept in a SQLite file."""
    from agno_cli.storage import SqliteCheckpoints

    folder = TemporaryDirectory()
    return _kept(SqliteCheckpoints(Path(folder.name, "runs.db")), folder)


def _kept(store: Any, folder: TemporaryDirectory[str] | None) -> Operation:
    steps = [Step(_longer, f"step{number}", quick=True) for number in range(_STEPS)]
    workflow = Workflow(steps, checkpoints=store)

    def check(output: WorkflowOutput) -> None:
        again = workflow.resume(output.run_id)
        expect([step.restored for step in again.steps], [True] * _STEPS)
        expect(again.content, PROMPT + "." * _STEPS)

    def close() -> None:
        if folder is not None:
            store.close()
            folder.cleanup()

    return Operation(
        statement="result = workflow.run(prompt)",
        names={"workflow": workflow, "prompt": PROMPT},
        check=check,
        per_statement=_STEPS,
        close=close,
    )


def _longer(given: StepInput) -> str:
    return f"{given.text}."


def _holds(given: StepInput) -> bool:  # noqa: ARG001 - what a question is given
    return True


def _first(given: StepInput) -> str:  # noqa: ARG001 - what a question is given
    return "first"
