"""The Messages API on the wire: requests out of messages, responses out of content blocks.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import FinishReason, Message, ModelResponse, ToolCall, Usage
from agno_cli._tools import Tool
from agno_cli.models._failures import Reported
from agno_cli.models._protocol import StreamItem
from agno_cli.models._sse import ServerEvent
from agno_cli.models._wire import arguments_object, wire_name

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def wire_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Write a conversation: user and assistant in turn, results of tools as the user's.

    The API refuses empty texts, ids with foreign characters and ids that occur twice, all of
    which a conversation with another provider may hold.
    """
    writer = _Writer()
    for message in messages:
        if message.role == "assistant":
            writer.add("assistant", writer.assistant_blocks(message))
        elif message.role == "tool":
            writer.add("user", [writer.result_block(message)])
        else:
            writer.add("user", _text_blocks(message.content))
    return writer.wire


class _Writer:
    __slots__ = ("_ids", "_used", "wire")

    def __init__(self) -> None:
        self.wire: list[dict[str, Any]] = []
        self._ids: dict[str, str] = {}  # of the calls that wait for a result
        self._used: set[str] = set()

    def add(self, role: str, blocks: list[Any]) -> None:
        """Append blocks; consecutive messages of one role become one."""
        if not blocks:
            return
        if self.wire and self.wire[-1]["role"] == role:
            self.wire[-1]["content"] += blocks
        else:
            self.wire.append({"role": role, "content": blocks})

    def assistant_blocks(self, message: Message) -> list[Any]:
        """Write what the model said: reasoning, text, calls; or the blocks as they came."""
        kept = _kept_blocks(message)
        if kept is not None:
            self._ids = {call.id: call.id for call in message.tool_calls}
            self._used.update(self._ids)
            return kept
        self._ids = {call.id: self._unused(wire_name(call.id)) for call in message.tool_calls}
        blocks: list[Any] = []
        if message.signature and not message.signature.startswith("["):
            thinking = {"thinking": message.reasoning, "signature": message.signature}
            blocks.append({"type": "thinking", **thinking})
        blocks += _text_blocks(message.content)
        for call in message.tool_calls:
            blocks.append({
                "type": "tool_use",
                "id": self._ids[call.id],
                "name": wire_name(call.name),
                "input": msgspec.Raw(arguments_object(call.arguments)),
            })  # fmt: skip
        return blocks

    def _unused(self, call_id: str) -> str:
        number, candidate = 1, call_id
        while candidate in self._used:
            number += 1
            candidate = f"{call_id}_{number}"
        self._used.add(candidate)
        return candidate

    def result_block(self, message: Message) -> dict[str, Any]:
        """Write the result of a call."""
        call_id = message.tool_call_id
        block: dict[str, Any] = {
            "type": "tool_result",
            "tool_use_id": self._ids.get(call_id) or wire_name(call_id),
            "content": message.content,
        }
        if message.is_error:
            block["is_error"] = True
        return block


def _text_blocks(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []


def _kept_blocks(message: Message) -> list[Any] | None:
    """Give the blocks kept in the signature, unless a hook has changed the message since."""
    if not message.signature.startswith("["):
        return None
    try:
        blocks: list[dict[str, Any]] = msgspec.json.decode(
            message.signature, type=list[dict[str, Any]]
        )
    except ValueError:
        return None
    again = message_of(blocks)
    same = again.content == message.content and again.tool_calls == message.tool_calls
    return blocks if same else None


def wire_tool(tool: Tool) -> dict[str, Any]:
    """Describe a tool."""
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }


class _OutputDetails(Struct):
    thinking_tokens: int | None = None


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Delta(Struct):
    """What is added to a block, or, in `message_delta`, to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(Struct):
    content: list[dict[str, Any]] = []
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Answer(_Message, kw_only=True):
    """A whole message, or the report of an error."""

    type: str
    error: Any = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: dict[str, Any] | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: Any = None


_event = msgspec.json.Decoder(_Event)
_answer = msgspec.json.Decoder(_Answer)


class MessageReader:
    """Puts an answer together out of the events of a stream."""

    __slots__ = ("_blocks", "_inputs", "_message", "_stop_reason", "_tokens", "complete")

    def __init__(self) -> None:
        self.complete = False
        self._message = _Message()
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, list[str]] = {}
        self._stop_reason: str | None = None
        self._tokens: dict[str, Any] = {}

    @property
    def may_end(self) -> bool:
        """Whether a stream that ends here was not cut."""
        return self.complete or self._stop_reason is not None

    def feed(self, event: ServerEvent) -> list[StreamItem]:
        """Take the next event and give what it adds."""
        told = _event.decode(event.data)
        if told.error or told.type == "error":
            raise Reported(told.error)
        if told.usage is not None:
            self._count(told.usage)
        if told.type == "message_start" and told.message is not None:
            self._message = told.message
            if told.message.usage is not None:
                self._count(told.message.usage)
        elif told.type == "content_block_start" and told.content_block is not None:
            self._blocks[told.index] = told.content_block
            return _said_by(told.content_block)
        elif told.type == "content_block_delta" and told.delta is not None:
            return self._add(told.index, told.delta)
        elif told.type == "message_delta" and told.delta is not None:
            self._stop_reason = told.delta.stop_reason or self._stop_reason
        elif told.type == "message_stop":
            self.complete = True
        return []

    def _count(self, usage: _Usage) -> None:
        """Take over the counts; those of an event are totals, and may leave some out."""
        for field, value in msgspec.structs.asdict(usage).items():
            if value is not None:
                self._tokens[field] = value

    def _add(self, index: int, delta: _Delta) -> list[StreamItem]:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        if delta.partial_json is not None:
            self._inputs.setdefault(index, []).append(delta.partial_json)
        for field in ("text", "thinking", "signature"):
            piece = getattr(delta, field)
            if piece:
                block[field] = (block.get(field) or "") + piece
        if delta.text:
            return [TextDelta(delta.text)]
        return [ReasoningDelta(delta.thinking)] if delta.thinking else []

    def response(self) -> ModelResponse:
        """Give the whole answer."""
        for index, pieces in self._inputs.items():
            self._blocks[index]["input"] = _parsed_input("".join(pieces))
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        return _response(
            blocks,
            _Usage(**self._tokens),
            self._stop_reason,
            self._message,
        )


def _parsed_input(text: str) -> dict[str, Any] | str:
    """Read the input of a call; one that is no object, such as a cut one, stays text."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (ValueError, RecursionError):
        return text


def _said_by(block: dict[str, Any]) -> list[StreamItem]:
    """Give what a block says from its start: nothing, with the provider's own servers."""
    if block.get("type") == "text" and block.get("text"):
        return [TextDelta(block["text"])]
    if block.get("type") == "thinking" and block.get("thinking"):
        return [ReasoningDelta(block["thinking"])]
    return []


def read_message(body: bytes) -> ModelResponse:
    """Read a whole answer.

    Raises:
        Reported: it holds an error.
        ValueError: it is not a message.
    """
    answer = _answer.decode(body)
    if answer.error or answer.type == "error":
        raise Reported(answer.error)
    return _response(answer.content, answer.usage or _Usage(), answer.stop_reason, answer)


def _response(
    blocks: list[dict[str, Any]], usage: _Usage, stop_reason: str | None, message: _Message
) -> ModelResponse:
    return ModelResponse(
        message_of(blocks),
        _usage(usage),
        _FINISH.get(stop_reason or "end_turn", "other"),
        message.model or "",
        message.id or "",
    )


def message_of(blocks: list[dict[str, Any]]) -> Message:
    """Turn content blocks into a message.

    Reasoning must go back as it came. One thinking block that comes first fits into the
    message's fields; any other arrangement - several, encrypted ones, blocks of the provider's
    own tools - is kept whole in `signature`, as a JSON array, which no signature looks like.
    """
    kinds = [block.get("type") for block in blocks]
    thoughts = [block for block in blocks if block.get("type") == "thinking"]
    signature = str(thoughts[0].get("signature") or "") if thoughts else ""
    others = set(kinds) - {"text", "tool_use", "thinking"}
    readable = not any(isinstance(block.get("input"), str) for block in blocks)
    if readable and (others or len(thoughts) > 1 or "thinking" in kinds[1:]):
        signature = msgspec.json.encode(blocks).decode()
    return Message(
        "assistant",
        "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text"),
        tuple(_tool_call(block) for block in blocks if block.get("type") == "tool_use"),
        reasoning="".join(str(block.get("thinking") or "") for block in thoughts),
        signature=signature,
    )


def _tool_call(block: dict[str, Any]) -> ToolCall:
    arguments = block.get("input") or {}
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    return ToolCall(str(block.get("id") or ""), str(block.get("name") or ""), arguments)


def _usage(usage: _Usage) -> Usage:
    """Sum the input up: the API counts cached tokens apart from the others."""
    cached = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    return Usage(
        (usage.input_tokens or 0) + written + cached,
        usage.output_tokens or 0,
        cached,
        (details.thinking_tokens if details is not None else None) or 0,
    )
