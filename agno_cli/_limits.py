"""How far a run may go, and how long a tool may take."""

from __future__ import annotations

import threading

from msgspec import Struct

from ._errors import ConfigurationError, LimitReached, OutputInvalid
from ._messages import Usage


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of one run. None means unbounded; whatever stops a run, its work is kept.

    Args:
        turns: model calls.
        tool_calls: tool calls over the whole run.
        tokens: input and output tokens over the whole run. Each call may write what is left.
        seconds: wall time of the run.
        tool_seconds: wall time of one tool call, unless the tool has a timeout of its own.
            The model is told, the run goes on.
        parallel_tools: tool calls of one turn that are under way at once.
        output_retries: how often an answer that does not fit `output_type` is asked for again.

    Raises:
        ConfigurationError: a bound that is no positive number.
    """

    turns: int = 10
    tool_calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    tool_seconds: float | None = None
    parallel_tools: int = 16
    output_retries: int = 2

    def __post_init__(self) -> None:
        for name, least in _LEAST_COUNT.items():
            value = getattr(self, name)
            if value is None and name in {"tool_calls", "tokens"}:
                continue
            if type(value) is not int or value < least:
                raise ConfigurationError(
                    f"limit `{name}` is {value!r}; give a whole number from {least} up"
                )
        for name in ("seconds", "tool_seconds"):
            if getattr(self, name) is not None:
                check_seconds(f"limit `{name}`", getattr(self, name))


_LEAST_COUNT = {"turns": 1, "tool_calls": 0, "tokens": 1, "parallel_tools": 1, "output_retries": 0}


def check_seconds(what: str, seconds: float) -> None:
    """Raise ConfigurationError unless these are seconds a thread can wait."""
    if not isinstance(seconds, int | float) or not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ConfigurationError(
            f"{what} is {seconds!r}; give seconds above 0, up to {threading.TIMEOUT_MAX:g},"
            " or None for no bound"
        )


DEFAULT_LIMITS = Limits()


def check_turns(limits: Limits, turns: int) -> None:
    """Raise LimitReached when no further model call is allowed after `turns`."""
    if turns >= limits.turns:
        raise LimitReached(
            "turns", f"limit of {limits.turns} turns reached; raise it with `Limits(turns=...)`"
        )


def check_tool_calls(limits: Limits, calls: int) -> None:
    """Raise LimitReached when the run would come to more tool calls than allowed."""
    if limits.tool_calls is not None and calls > limits.tool_calls:
        raise LimitReached(
            "tool_calls",
            f"limit of {limits.tool_calls} tool calls reached, the model asked for {calls};"
            " raise it with `Limits(tool_calls=...)`",
        )


def check_tokens(limits: Limits, usage: Usage) -> None:
    """Raise LimitReached when the run has used more tokens than allowed."""
    if limits.tokens is not None and usage.total_tokens > limits.tokens:
        raise LimitReached(
            "tokens",
            f"limit of {limits.tokens} tokens reached, {usage.total_tokens} used;"
            " raise it with `Limits(tokens=...)`",
        )


def check_reask(limits: Limits, misfits: int, turns: int, problem: str) -> None:
    """Raise unless an answer that did not fit may be asked for again."""
    if misfits > limits.output_retries:
        raise OutputInvalid(f"no answer of {misfits} fitted the output type: {problem}")
    check_turns(limits, turns)
