"""What a workflow gives, and what each of its steps gave."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ._messages import RunOutput, Usage

NO_USAGE = Usage(requests=0)


class StepOutput(Struct, frozen=True, gc=False):
    """What one step of a workflow gave.

    `path` says where it stands: `2.parallel.1.draft` is the step `draft`, the first branch of
    the second node; inside loops `#3` counts the rounds. `seconds` is wall time with all
    attempts, `usage` and `turns` are summed over them. A `restored` step was finished by an
    earlier process: nothing of it was done again.
    """

    path: str
    name: str
    content: str
    usage: Usage = NO_USAGE
    turns: int = 0
    seconds: float = 0.0
    model_seconds: float = 0.0
    tool_seconds: float = 0.0
    attempts: int = 1
    restored: bool = False


class WorkflowOutput(RunOutput, frozen=True):
    """What a workflow gives: a RunOutput with its state and its steps.

    `content` is the last step's text and `data` its value where that is no text. `messages` are
    the prompt and the content. Usage, turns and the seconds of models and tools are summed over
    the steps, also over those that were restored; `total_seconds` is the wall time of this call.
    `stopped_at` is the path of the step where a run that did not complete was stopped.
    """

    state: Any = None
    steps: tuple[StepOutput, ...] = ()
    stopped_at: str = ""
