"""The values that flow between an agent, its model, its tools and its memory.

Plain data: no behaviour beyond sums and derived figures, no I/O. They hold only strings,
numbers and tuples of each other, so they can never be part of a reference cycle: `gc=False`
is safe, and saves a third of their cost and all of the collector's visits.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
FinishReason: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter", "other"]
Status: TypeAlias = Literal["completed", "failed", "cancelled", "rejected", "limited", "invalid"]


class ToolCall(Struct, frozen=True, gc=False):
    """A model's wish to have a tool called.

    `arguments` is the JSON text as the model wrote it: it may be anything.
    """

    id: str
    name: str
    arguments: str


class ToolResult(Struct, frozen=True, gc=False):
    """What became of one tool call; `seconds` is wall time including its hooks."""

    call_id: str
    name: str
    content: str
    is_error: bool = False
    seconds: float = 0.0


class Message(Struct, frozen=True, gc=False, omit_defaults=True):
    """One entry of a conversation.

    `tool_calls` belongs to the assistant; `tool_call_id`, `name` and `is_error` to a tool's
    answer. `signature` is opaque: some providers want it back with the `reasoning` it covers.
    """

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    is_error: bool = False
    reasoning: str = ""
    signature: str = ""


class Usage(Struct, frozen=True, gc=False):
    """Tokens of one model call or, summed, of a run.

    `input_tokens` includes `cached_tokens`; `output_tokens` includes `reasoning_tokens`.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    requests: int = 1

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.requests + other.requests,
        )


class ModelResponse(Struct, frozen=True, gc=False):
    """One answer of a model: the message to append, what it cost, why it ended."""

    message: Message
    usage: Usage = Usage()
    finish_reason: FinishReason = "stop"
    model: str = ""
    id: str = ""


class Timings(Struct, frozen=True, gc=False):
    """Wall seconds of a run; `tools` counts a batch of parallel calls once."""

    total: float
    model: float
    tools: float

    @property
    def framework(self) -> float:
        """Seconds that were neither the model's nor the tools'."""
        return self.total - self.model - self.tools


class RunOutput(Struct, frozen=True):
    """What a run gives.

    `messages` are those of this run, from the user's prompt to the last answer, without
    instructions and earlier conversation. `data` is the decoded answer when the agent has an
    `output_type`. `usage` is summed over all turns. Seconds are wall time.
    """

    run_id: str
    content: str
    messages: list[Message]
    usage: Usage
    turns: int
    total_seconds: float
    model_seconds: float
    tool_seconds: float
    finish_reason: FinishReason = "stop"
    model: str = ""
    data: Any = None
    status: Status = "completed"

    @property
    def timings(self) -> Timings:
        """Where the time went."""
        return Timings(self.total_seconds, self.model_seconds, self.tool_seconds)
