"""What `stream` and `astream` yield, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct, field

from ._messages import ModelResponse, RunOutput, ToolCall, ToolResult, Usage
from ._step_output import StepOutput


class RunStarted(Struct, frozen=True, tag_field="event", tag="run_started"):
    """A run began."""

    run_id: str
    agent: str
    model: str


class TextDelta(Struct, frozen=True, gc=False, tag_field="event", tag="text_delta"):
    """A piece of the answer."""

    text: str


class ReasoningDelta(Struct, frozen=True, gc=False, tag_field="event", tag="reasoning_delta"):
    """A piece of the model's reasoning."""

    text: str


class ToolCallStarted(Struct, frozen=True, gc=False, tag_field="event", tag="tool_call_started"):
    """A tool is about to be called; its arguments are complete."""

    call: ToolCall


class ToolCallFinished(Struct, frozen=True, gc=False, tag_field="event", tag="tool_call_finished"):
    """A tool answered; parallel calls finish in any order."""

    result: ToolResult


class TurnFinished(Struct, frozen=True, gc=False, tag_field="event", tag="turn_finished"):
    """A model call and the tool calls it asked for are done; `usage` is this turn's."""

    turn: int
    usage: Usage


class RunFinished(Struct, frozen=True, tag_field="event", tag="run_finished"):
    """A run ended with its answer; one that fails raises instead."""

    output: RunOutput


class MemberEvent(Struct, frozen=True, tag_field="event", tag="member_event"):
    """Something happened in a member of a team, or in a step of a workflow.

    What members of members do comes wrapped once for each level.
    """

    member: str
    event: Event = field(name="inner")  # `event` is what the JSON of every event calls its kind


class StepStarted(Struct, frozen=True, gc=False, tag_field="event", tag="step_started"):
    """A step of a workflow began."""

    path: str
    name: str


class StepFailed(Struct, frozen=True, gc=False, tag_field="event", tag="step_failed"):
    """An attempt of a step failed; after `wait` seconds there is another one."""

    path: str
    name: str
    attempt: int
    error: str
    wait: float


class StepFinished(Struct, frozen=True, tag_field="event", tag="step_finished"):
    """A step of a workflow ended; of one that was `restored`, nothing was done now."""

    output: StepOutput


Event: TypeAlias = (
    RunStarted
    | TextDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolCallFinished
    | TurnFinished
    | RunFinished
    | MemberEvent
    | StepStarted
    | StepFailed
    | StepFinished
)


class Turns:
    """Counts the turns of a stream and says when one is finished.

    A turn ends after its tool calls or, where it has none, after its model call, so a driver
    asks for `finished` before whatever follows.
    """

    def __init__(self) -> None:
        self._count = 0
        self._open: TurnFinished | None = None

    def begin(self, response: object) -> None:
        """Note that a model call has ended; one without a proper answer is no turn."""
        if isinstance(response, ModelResponse):
            self._count += 1
            self._open = TurnFinished(self._count, response.usage)

    def finished(self) -> Iterator[TurnFinished]:
        """Give the event of the turn that has ended, if it has not been given."""
        ended, self._open = self._open, None
        if ended is not None:
            yield ended
