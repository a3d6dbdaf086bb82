"""Chat Completions on the wire: requests out of messages, responses out of answers.

The answers are read as tolerantly as the many servers of this format demand: null and missing
fields, reasoning under two names, arguments as text or object. Fields in use by:
OpenAI (`refusal`), DeepSeek (`reasoning_content`, `prompt_cache_hit_tokens`), vLLM, Groq and
OpenRouter (`reasoning`), Mistral (content in parts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli import _context
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import FinishReason, Message, ModelResponse, ToolCall, Usage
from agno_cli._tools import Tool
from agno_cli.models._failures import Reported
from agno_cli.models._protocol import StreamItem
from agno_cli.models._sse import ServerEvent
from agno_cli.models._wire import arguments_object, wire_name

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def wire_messages(
    system: str, messages: list[Message], reasoning_field: str | None
) -> list[dict[str, Any]]:
    """Write a conversation.

    Reasoning goes back only to providers that want it, and only that of the newest turn: the
    older is ignored, or paid for.
    """
    wire: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    newest = max((at for at, said in enumerate(messages) if said.role == "user"), default=0)
    for at, message in enumerate(messages):
        if message.role == "tool":
            content = message.content
            call_id = message.tool_call_id
            wire.append({"role": "tool", "tool_call_id": call_id, "content": content})
        elif message.role == "assistant":
            said: dict[str, Any] = {"role": "assistant", "content": message.content}
            if message.tool_calls:
                said["tool_calls"] = [_wire_call(call) for call in message.tool_calls]
            if reasoning_field and message.reasoning and at > newest:
                said[reasoning_field] = message.reasoning
            wire.append(said)
        else:
            wire.append({"role": message.role, "content": message.content})
    return wire


def _wire_call(call: ToolCall) -> dict[str, Any]:
    arguments = arguments_object(call.arguments).decode()
    function = {"name": wire_name(call.name), "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def wire_tool(tool: Tool) -> dict[str, Any]:
    """Describe a tool."""
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


class _Function(Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Call(Struct):
    id: str | None = None
    index: int | None = None
    function: _Function | None = None


class _Part(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | list[_Part] | None = None


class _Said(Struct):
    """A whole message or, in a stream, what is added to one."""

    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _InputDetails(Struct):
    cached_tokens: int | None = None


class _OutputDetails(Struct):
    reasoning_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Completion(Struct):
    """A whole answer or one chunk of a stream."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_completion = msgspec.json.Decoder(_Completion)


class CompletionReader:
    """Puts an answer together out of the chunks of a stream, or out of one whole completion."""

    __slots__ = (
        "_calls", "_finish", "_id", "_model", "_reasoning", "_refusal", "_text", "_usage",
        "complete", "has_choice",
    )  # fmt: skip

    def __init__(self) -> None:
        self.complete = False
        self.has_choice = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_OpenCall] = []
        self._finish: str | None = None
        self._usage = Usage()
        self._model = ""
        self._id = ""

    @property
    def may_end(self) -> bool:
        """Whether a stream that ends here was not cut: some servers leave `[DONE]` out."""
        return self.complete or self._finish is not None

    def feed(self, event: ServerEvent) -> list[StreamItem]:
        """Take the next event and give what it adds."""
        if event.data.strip() == b"[DONE]":
            self.complete = True
            return []
        return list(self.take(event.data))

    def take(self, data: bytes) -> Iterator[StreamItem]:
        """Take a chunk or a whole completion, and yield what it adds.

        Raises:
            Reported: it holds an error.
            ValueError: it is neither.
        """
        completion = _completion.decode(data)
        if completion.error:
            raise Reported(completion.error)
        self._model = completion.model or self._model
        self._id = completion.id or self._id
        if completion.usage is not None:
            self._usage = _usage(completion.usage)
        for choice in (completion.choices or ())[:1]:
            self.has_choice = True
            self._finish = choice.finish_reason or self._finish
            yield from self._add(choice.delta or choice.message or _Said())

    def _add(self, said: _Said) -> Iterator[StreamItem]:
        text, thought = _split(said.content)
        thought = said.reasoning_content or said.reasoning or thought
        if thought:
            self._reasoning.append(thought)
            yield ReasoningDelta(thought)
        if text:
            self._text.append(text)
            yield TextDelta(text)
        if said.refusal:
            self._refusal.append(said.refusal)
            yield TextDelta(said.refusal)
        for call in said.tool_calls or ():
            self._add_call(call)

    def _add_call(self, call: _Call) -> None:
        function = call.function or _Function()
        found = self._find(call, function)
        if found is None:
            found = _OpenCall(call.index, call.id or "", "", [])
            self._calls.append(found)
        found.name = found.name or function.name or ""
        if isinstance(function.arguments, str):
            found.arguments.append(function.arguments)
        elif function.arguments is not None:
            found.arguments.append(msgspec.json.encode(function.arguments).decode())

    def _find(self, call: _Call, function: _Function) -> _OpenCall | None:
        """Find the call that a fragment continues.

        The index decides; but Gemini gives all calls index 0, each with an id and whole, and a
        server without indices sends whole calls or fragments of its last one.
        """
        for found in reversed(self._calls):
            if found.index == call.index:
                is_other = bool(call.id and call.id != found.id and function.name)
                is_whole = call.index is None and bool(function.name)
                return None if is_other or is_whole else found
        return None

    def response(self) -> ModelResponse:
        """Give the whole answer."""
        calls = tuple(
            ToolCall(
                call.id or f"call_{next(_context.run_ids)}", call.name, "".join(call.arguments)
            )
            for call in self._calls
        )
        content = "".join(self._text) + "".join(self._refusal)
        message = Message("assistant", content, calls, reasoning="".join(self._reasoning))
        reason = _FINISH.get(self._finish or "stop", "other")
        if calls:  # several servers end with `stop` all the same
            reason = "tool_calls" if reason == "stop" else reason
        elif self._refusal:
            reason = "content_filter"
        return ModelResponse(message, self._usage, reason, self._model, self._id)


class _OpenCall(Struct):
    index: int | None
    id: str
    name: str
    arguments: list[str]


def read_completion(body: bytes) -> ModelResponse:
    """Read a whole answer.

    Raises:
        Reported: it holds an error.
        ValueError: it is not a completion.
    """
    reader = CompletionReader()
    for _ in reader.take(body):
        pass
    if not reader.has_choice:
        raise ValueError("it has no `choices`")
    return reader.response()


def _split(content: str | Iterable[_Part] | None) -> tuple[str, str]:
    """Split content into its text and its reasoning."""
    if content is None or isinstance(content, str):
        return content or "", ""
    text, thought = "", ""
    for part in content:
        text += part.text or ""
        inner = _split(part.thinking)
        thought += inner[0] + inner[1]
    return text, thought


def _usage(usage: _Usage) -> Usage:
    cached = usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens
    reasoning = usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens
    return Usage(
        usage.prompt_tokens or 0,
        usage.completion_tokens or 0,
        cached or usage.prompt_cache_hit_tokens or 0,
        reasoning or 0,
    )
