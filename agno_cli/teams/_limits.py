"""How far a team may go, over all of its members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from agno_cli._errors import ConfigurationError, LimitReached
from agno_cli._limits import check_seconds
from agno_cli._messages import RunOutput
from agno_cli._output import OUTPUT_TOOL


class TeamLimits(Struct, frozen=True, kw_only=True):
    """Bounds of one run of a team, over all of its members. None means unbounded.

    Each member has limits of its own besides. What stops a run keeps the work done. Turns, tool
    calls and tokens are added up whenever a member has ended, so members that run at once may
    together go beyond the bound; time is exact.

    Args:
        turns: model calls.
        tool_calls: tool calls.
        tokens: input and output tokens.
        seconds: wall time.
        parallel_members: members that are under way at once.
        output_retries: how often a plan, a choice or a vote that cannot be used is asked for
            again.

    Raises:
        ConfigurationError: a bound that is no positive number.
    """

    turns: int | None = None
    tool_calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    parallel_members: int = 100
    output_retries: int = 2

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in _SUMMED:
                continue
            if type(value) is not int or value < least:
                raise ConfigurationError(
                    f"team limit `{name}` is {value!r}; give a whole number from {least} up"
                )
        if self.seconds is not None:
            check_seconds("team limit `seconds`", self.seconds)

    @property
    def adds_up(self) -> bool:
        """Whether what members use must be added up."""
        return not (self.turns is None and self.tool_calls is None and self.tokens is None)

    def check(self, outputs: Iterable[RunOutput], *, further: bool = False) -> None:
        """Raise LimitReached when the outputs together have used more than allowed.

        Args:
            outputs: what was run.
            further: whether there is to be a further run, of a turn and a token at least.
        """
        outputs = list(outputs)
        used = {
            "turns": further + sum(output.turns for output in outputs),
            "tool_calls": sum(map(tool_calls_of, outputs)),
            "tokens": further + sum(output.usage.total_tokens for output in outputs),
        }
        for kind in _SUMMED:
            bound = getattr(self, kind)
            if bound is not None and used[kind] > bound:
                raise LimitReached(
                    kind,  # type: ignore[arg-type]  # they are the fields' names
                    f"limit of {bound} {kind.replace('_', ' ')} for the whole team reached;"
                    f" raise it with `TeamLimits({kind}=...)`",
                )


_SUMMED = ("turns", "tool_calls", "tokens")
_LEAST = {"turns": 1, "tool_calls": 0, "tokens": 1, "parallel_members": 1, "output_retries": 0}
DEFAULT_TEAM_LIMITS = TeamLimits()


def tool_calls_of(output: RunOutput) -> int:
    """Count the tool calls of a run and, where it was a team's, of its members."""
    inner: Any = (*getattr(output, "members", ()), *getattr(output, "own", ()))
    answered = [message.name for message in output.messages if message.role == "tool"]
    made = len(answered) - answered.count(OUTPUT_TOOL)
    return made + sum(tool_calls_of(result.output) for result in inner if result.output)
