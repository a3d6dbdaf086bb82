"""The ways to run a workflow in one form, and what came of a run as lines of text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from agno_cli import AgnoError, Event, RunFinished, StepInput, Workflow, WorkflowOutput

Face = Callable[..., WorkflowOutput]


def last_of(events: Iterator[Event]) -> WorkflowOutput:
    *_, last = events
    assert isinstance(last, RunFinished)
    assert isinstance(last.output, WorkflowOutput)
    return last.output


async def last_of_async(events: AsyncIterator[Event]) -> WorkflowOutput:
    return last_of(iter([event async for event in events]))


def by_run(workflow: Workflow, prompt: str = "hi", **given: Any) -> WorkflowOutput:
    return workflow.run(prompt, **given)


def by_arun(workflow: Workflow, prompt: str = "hi", **given: Any) -> WorkflowOutput:
    return asyncio.run(workflow.arun(prompt, **given))


def by_stream(workflow: Workflow, prompt: str = "hi", **given: Any) -> WorkflowOutput:
    return last_of(workflow.stream(prompt, **given))


def by_astream(workflow: Workflow, prompt: str = "hi", **given: Any) -> WorkflowOutput:
    return asyncio.run(last_of_async(workflow.astream(prompt, **given)))


def again_by_resume(workflow: Workflow, run_id: str, **given: Any) -> WorkflowOutput:
    return workflow.resume(run_id, **given)


def again_by_aresume(workflow: Workflow, run_id: str, **given: Any) -> WorkflowOutput:
    return asyncio.run(workflow.aresume(run_id, **given))


def again_by_stream(workflow: Workflow, run_id: str, **given: Any) -> WorkflowOutput:
    return last_of(workflow.resume_stream(run_id, **given))


def again_by_astream(workflow: Workflow, run_id: str, **given: Any) -> WorkflowOutput:
    return asyncio.run(last_of_async(workflow.aresume_stream(run_id, **given)))


FACES: list[Face] = [by_run, by_arun, by_stream, by_astream]
AGAIN: list[Face] = [again_by_resume, again_by_aresume, again_by_stream, again_by_astream]

every_face = pytest.mark.parametrize("face", FACES)
every_pair = pytest.mark.parametrize(
    ("face", "again"), list(zip(FACES, AGAIN, strict=True)), ids=[face.__name__ for face in FACES]
)


def outcome(face: Face, workflow: Workflow, **given: Any) -> list[str]:
    """Run, and write down what came of it: a line for each step, then how it ended."""
    try:
        output = face(workflow, **given)
    except AgnoError as error:
        return [*stopped_at(error), f"{type(error).__name__}: {error}"]
    return [*_steps(output), f"[{output.status}] {output.content}"]


def stopped_at(error: AgnoError) -> list[str]:
    """Write down what was done before a run was stopped, and where it was."""
    output = error.output
    if output is None:
        return []
    assert isinstance(output, WorkflowOutput)
    return [*_steps(output), f"[{output.status} at {output.stopped_at}]"]


def _steps(output: WorkflowOutput) -> list[str]:
    return [f"{step.path}: {step.content}{' *' * step.restored}" for step in output.steps]


def add(letter: str) -> Callable[[StepInput], str]:
    """Make a function that appends a letter to the output before; the first begins afresh."""

    def append(given: StepInput) -> str:
        return (given.previous or "") + letter

    append.__name__ = letter
    return append
