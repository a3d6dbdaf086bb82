"""From the options of `agno run --workflow` to the workflow that runs, or goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from agno_cli import _context
from agno_cli._context import CancelToken, RunContext
from agno_cli._errors import InputError
from agno_cli._events import Event
from agno_cli._limits import Limits
from agno_cli._memory import MemoryProtocol
from agno_cli._step_output import WorkflowOutput
from agno_cli.cli._agent import limits_of
from agno_cli.cli._console import Console
from agno_cli.cli._model import prepare_local
from agno_cli.cli._team import models_of
from agno_cli.cli.run import RunOptions
from agno_cli.workflows._file import workflow_from_file
from agno_cli.workflows._nodes import Condition, Loop, Parallel, Router, Step
from agno_cli.workflows._workflow import Workflow

_OF_AN_AGENT = {
    "agent": "--agent",
    "system": "-s",
    "tool": "-T",
    "option": "-o",
    "schema": "--schema",
    "record": "--record",
    "replay": "--replay",
    "max_turns": "--max-turns",
}


class WorkflowCall(Struct, eq=False):
    """A workflow with what this call of it needs, in the form of an agent."""

    workflow: Workflow
    run_id: str
    resumes: bool
    take_over: bool

    def run(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None,
        context: RunContext,
        cancel: CancelToken,
    ) -> WorkflowOutput:
        """Run it or go on with it."""
        given: dict[str, Any] = {"memory": memory, "context": context, "cancel": cancel}
        if self.resumes:
            return self.workflow.resume(self.run_id, take_over=self.take_over, **given)
        return self.workflow.run(prompt, run_id=self.run_id, **given)

    def stream(
        self,
        prompt: str,
        *,
        memory: MemoryProtocol | None,
        context: RunContext,
        cancel: CancelToken,
    ) -> Generator[Event, None, None]:
        """Run it or go on with it, and yield what happens."""
        given: dict[str, Any] = {"memory": memory, "context": context, "cancel": cancel}
        if self.resumes:
            return self.workflow.resume_stream(self.run_id, take_over=self.take_over, **given)
        return self.workflow.stream(prompt, run_id=self.run_id, **given)


def make_workflow(options: RunOptions, console: Console) -> WorkflowCall:
    """Read the workflow, with what options change; fetch its local models.

    Raises:
        InputError: an option is not for workflows, or a file is not there.
        ConfigurationError: the file cannot be used.
    """
    for field, flag in _OF_AN_AGENT.items():
        if getattr(options, field):
            raise InputError(
                f"{flag} changes one agent, not a workflow; write it in the workflow's file"
            )
    assert options.workflow is not None
    workflow = workflow_from_file(options.workflow, model=options.model)
    changes: dict[str, Any] = {}
    limits = limits_of(options)
    if limits:
        changes["limits"] = replace(workflow.limits or Limits(), **limits)
    if options.checkpoints is not None:
        from agno_cli.storage import SqliteCheckpoints

        changes["checkpoints"] = SqliteCheckpoints(options.checkpoints)
    workflow = workflow.replace(**changes)
    _check_resume(options, workflow)
    for spec in sorted({spec for node in workflow.steps for spec in _models_within(node)}):
        prepare_local(spec, console)
    workflow.check()
    resumes = options.resume is not None
    run_id = next(_context.run_ids) if options.resume is None else options.resume
    if workflow.checkpoints is not None and not resumes and not options.dry_run:
        console.note(f"run {run_id}: `--resume {run_id}` goes on with it when it is stopped")
    return WorkflowCall(workflow, run_id, resumes, options.take_over)


def _check_resume(options: RunOptions, workflow: Workflow) -> None:
    if options.resume is None:
        return
    if options.prompt:
        raise InputError("--resume goes on with the prompt that the run began with; leave it out")
    if workflow.checkpoints is None:
        raise InputError(
            "--resume: nothing is kept of this workflow's runs; name the file that they are kept"
            " in: `--checkpoints FILE`, or `checkpoints = ...` in the workflow's file"
        )


def _models_within(node: Any) -> Iterator[str]:
    """Yield the models that are known by name, of a node and all within."""
    if isinstance(node, list | tuple):
        parts: Any = node
    elif isinstance(node, Workflow):
        parts = node.steps
    elif isinstance(node, Step):
        parts = [node.run]
    elif isinstance(node, Parallel):
        parts = node.branches.values() if isinstance(node.branches, Mapping) else node.branches
    elif isinstance(node, Condition):
        parts = [node.then, node.otherwise]
    elif isinstance(node, Loop):
        parts = [node.body]
    elif isinstance(node, Router):
        parts = [node.choose, *node.routes.values()]
    else:
        yield from models_of(node)
        return
    for part in parts:
        yield from _models_within(part)
