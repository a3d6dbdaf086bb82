"""What a team gives: the answer, and what each member did for it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from agno_cli._messages import RunOutput, Timings

Outcome: TypeAlias = Literal["", "agreed", "round limit"]


class MemberResult(Struct, frozen=True):
    """What became of one member's run.

    `error` is empty unless it failed, `output` is then the work it had done, if any. `task` is
    what a leader asked it for, `round` counts the rounds of a consensus.
    """

    name: str
    output: RunOutput | None
    error: str = ""
    task: str = ""
    round: int = 1

    @property
    def seconds(self) -> float:
        """Wall time of its run; 0 where it failed and left no work."""
        return 0.0 if self.output is None else self.output.total_seconds


class Subtask(Struct, frozen=True):
    """One part of a leader's plan; `after` are the numbers, from 1, of those it builds on."""

    member: str
    task: str
    after: tuple[int, ...] = ()


class TeamOutput(RunOutput, frozen=True):
    """What a team gives: a RunOutput that knows who did what.

    `messages` are the prompt and the answer. `usage`, `turns`, `model_seconds` and `tool_seconds`
    are summed over everything that was run, so the seconds of members that ran at once may exceed
    `total_seconds`, which is wall time. `data` is that of the member whose answer it is; of
    parallel members with an `output_type`, a dict by name.

    Attributes:
        members: the results, in the order of the members whatever the order they came in. A
            leader may have given a member several subtasks; a consensus has rounds.
        own: what the team had to ask on its own behalf: plans, choices and votes, and the answer
            that a leader wrote.
        outcome: how a consensus ended: `agreed` or `round limit`.
        rounds: how many rounds it took.
        subtasks: the leader's plan.
    """

    members: tuple[MemberResult, ...] = ()
    own: tuple[MemberResult, ...] = ()
    outcome: Outcome = ""
    rounds: int = 0
    subtasks: tuple[Subtask, ...] = ()

    @property
    def timings(self) -> Timings:
        """Where the time went; of members that ran at once, no more than the wall time."""
        model = min(self.model_seconds, self.total_seconds)
        tools = min(self.tool_seconds, self.total_seconds - model)
        return Timings(self.total_seconds, model, tools)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the members that failed, where `on_error="collect"` went on without."""
        return tuple(result.name for result in self.members if result.error)

    def __getitem__(self, name: str) -> MemberResult:
        """Give the newest result of a member by its name."""
        for result in reversed(self.members):
            if result.name == name:
                return result
        raise KeyError(f"no member `{name}` ran; those who did: {self._names()}")

    def _names(self) -> str:
        return ", ".join(dict.fromkeys(result.name for result in self.members)) or "none"


class Answer(Struct, frozen=True):
    """The answer that a mode came to."""

    content: str
    data: Any = None
    source: RunOutput | None = None
    outcome: Outcome = ""
    rounds: int = 0
