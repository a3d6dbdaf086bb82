"""A run shown as it happens: its text on stdout, its reasoning and its tools on stderr."""

from __future__ import annotations

import shutil
from time import monotonic
from typing import Protocol

from agno_cli._events import (
    Event,
    MemberEvent,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
)
from agno_cli._json import to_json
from agno_cli._messages import RunOutput
from agno_cli.cli._answer import Answer
from agno_cli.cli._console import Console
from agno_cli.cli._errors import one_line
from agno_cli.cli._measures import duration


class Sink(Protocol):
    """Where the events of a run go."""

    def show(self, event: Event) -> None:
        """Take the next event."""

    def finish(self, output: RunOutput) -> None:
        """Take the output of a run that reached its end."""

    def stop(self) -> None:
        """Leave the streams fit for an error: the run did not reach its end."""


class JsonLines:
    """Writes each event as a line of JSON."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, event: Event) -> None:
        """Write a line."""
        self._console.write(to_json(event) + "\n")

    def finish(self, output: RunOutput) -> None:
        """Do nothing: the last event holds the output."""

    def stop(self) -> None:
        """Do nothing: every line is complete."""


class Display:
    """Writes the answer to stdout and tells on stderr what else happens.

    Args:
        answer: where text goes.
        narrate: whether reasoning and, on a terminal, tool calls are told.
    """

    def __init__(self, console: Console, answer: Answer, *, narrate: bool) -> None:
        self._console = console
        self._answer = answer
        self._narrate = narrate
        self._tells_tools = narrate and (console.err_is_terminal or console.verbose)
        self._reasoning = False  # whether stderr is in the middle of reasoning
        self._new_turn = False
        self._heard = False  # whether the answer has been written since a member began
        self._steps: set[str] = set()  # paths of a workflow's steps

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, TextDelta):
            self._text(event.text)
        elif isinstance(event, ReasoningDelta):
            self._reason(event.text)
        elif isinstance(event, ToolCallStarted):
            self._tell(f"tool {event.call.name} {event.call.arguments}")
        elif isinstance(event, ToolCallFinished):
            result = event.result
            became = "failed:" if result.is_error else "gave"
            self._tell(f"tool {result.name} {became} {result.content} ({duration(result.seconds)})")
        elif isinstance(event, TurnFinished):
            self._new_turn = True
        elif isinstance(event, MemberEvent):
            self._member(event)
        else:
            self._step(event)

    def _step(self, event: Event) -> None:
        """Tell what a step of a workflow does; what its agent tells of itself is left out."""
        if isinstance(event, StepStarted):
            self._heard = False
            self._steps.add(event.path)
            self._tell(f"step {event.path} begins")
        elif isinstance(event, StepFailed):
            again = f"tried again in {duration(event.wait)}"
            self._tell(f"step {event.path} failed: {event.error}; {again}")
        elif isinstance(event, StepFinished):
            step = event.output
            gave = "is done" if self._heard and not step.restored else f"gave {step.content}"
            when = "before" if step.restored else duration(step.seconds)
            self._tell(f"step {step.path} {gave} ({when})")

    def _member(self, event: MemberEvent) -> None:
        """Tell what a member does; the text of one whose answer it is comes by itself."""
        names, happened = [event.member], event.event
        while isinstance(happened, MemberEvent):
            names.append(happened.member)
            happened = happened.event
        who = " > ".join(names)
        if who in self._steps and isinstance(happened, RunStarted | RunFinished):
            return
        if isinstance(happened, RunStarted):
            self._heard = False
            self._tell(f"member {who} begins")
        elif isinstance(happened, RunFinished):
            output = happened.output
            gave = "is done" if self._heard else f"gave {output.content}"
            self._tell(f"member {who} {gave} ({duration(output.total_seconds)})")
        elif isinstance(happened, ToolCallStarted):
            self._tell(f"member {who}: tool {happened.call.name} {happened.call.arguments}")
        elif isinstance(happened, TurnFinished):
            self._new_turn = True

    def finish(self, output: RunOutput) -> None:
        """End the answer."""
        self._end_reasoning()
        self._answer.finish(output)

    def stop(self) -> None:
        """End the line that was begun; what has been written stays."""
        self._end_reasoning()
        self._answer.pause()

    def _text(self, text: str) -> None:
        self._end_reasoning()
        if self._new_turn:
            self._answer.pause()
            self._new_turn = False
        self._heard = True
        self._answer.write(text)

    def _reason(self, text: str) -> None:
        if self._narrate and text:
            if not self._reasoning:
                self._make_room()
            self._reasoning = True
            self._console.remark(text)

    def _end_reasoning(self) -> None:
        if self._reasoning:
            self._console.remark("\n")
            self._reasoning = False

    def _tell(self, text: str) -> None:
        if self._tells_tools:
            self._end_reasoning()
            self._make_room()
            width = shutil.get_terminal_size().columns - 1
            text = one_line(text)
            if self._console.err_is_terminal and len(text) > width:
                text = f"{text[: width - 3]}..."
            self._console.note(text)

    def _make_room(self) -> None:
        """Let stderr begin a line of its own where both streams are one screen."""
        if self._console.out_is_terminal:
            self._answer.pause()


class Clock:
    """Measures when the first token came, in seconds from the start of the run."""

    def __init__(self) -> None:
        self._started = 0.0
        self.first_token: float | None = None

    def note(self, event: Event) -> None:
        """Look at an event as it comes."""
        if isinstance(event, RunStarted):
            self._started = monotonic()
        elif self.first_token is None and isinstance(event, TextDelta | ReasoningDelta):
            self.first_token = monotonic() - self._started
