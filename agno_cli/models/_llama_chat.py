"""Requests as llama.cpp takes them, and answers as it gives them: chunks in OpenAI's format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from agno_cli._errors import ConfigurationError
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import FinishReason, Message, ModelResponse, ToolCall, Usage
from agno_cli.models._constrained import ConstrainedAnswer, answer_schema, spoken, tool_prompt
from agno_cli.models._protocol import ModelRequest, StreamItem

# What decides how llama.cpp writes, by its server's documentation: it ignores anything else, a
# misspelt name too. Left out is what this package says itself, such as `messages` and `stream`.
# https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
OPTIONS = frozenset({
    "adaptive_decay", "adaptive_target", "cache_prompt", "chat_template_kwargs",
    "dry_allowed_length", "dry_base", "dry_multiplier", "dry_penalty_last_n",
    "dry_sequence_breakers", "dynatemp_exponent", "dynatemp_range", "frequency_penalty", "grammar",
    "id_slot", "ignore_eos", "json_schema", "logit_bias", "lora", "max_completion_tokens",
    "max_tokens", "min_keep", "min_p", "mirostat", "mirostat_eta", "mirostat_tau", "n_keep",
    "n_predict", "presence_penalty", "reasoning_budget_tokens", "reasoning_format",
    "repeat_last_n", "repeat_penalty", "response_format", "samplers", "seed", "stop",
    "t_max_predict_ms", "temperature", "top_k", "top_n_sigma", "top_p", "typical_p",
    "xtc_probability", "xtc_threshold",
})  # fmt: skip
_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


def prepare(
    request: ModelRequest, *, model: str, options: Mapping[str, Any]
) -> tuple[dict[str, Any], Reader]:
    """Write a request, and choose how its answer is to be read.

    Tools go through constrained JSON also where the chat template has a form for them: llama.cpp
    takes a template it does not see through for one without tools, and gives a call as text.

    Args:
        request: what is asked.
        model: the name for the response.
        options: the defaults of the request's own.
    """
    body: dict[str, Any] = {**options, **request.options}
    body["stream_options"] = {"include_usage": True}
    schema, system = request.output_schema, request.system
    if request.tools:
        system = tool_prompt(system, request.tools)
        schema = answer_schema(request.messages, request.tools, schema)
        reader = Reader(model, ConstrainedAnswer())
    else:
        system = system if schema is None else _with_schema(system, schema)
        reader = Reader(model, _AsItComes())
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    instructions = [{"role": "system", "content": system}] if system else []
    messages = [*instructions, *spoken(request.messages, as_json=bool(request.tools))]
    body["messages"] = [
        {**message, "content": _sendable(message["content"])} for message in messages
    ]
    return body, reader


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for an option that would change nothing."""
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is None:
        return
    from difflib import get_close_matches

    near = get_close_matches(unknown, OPTIONS)
    known = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(OPTIONS))}"
    raise ConfigurationError(f"local models have no option `{unknown}`; {known}")


def _sendable(text: str) -> str:
    """Replace lone surrogates, which a file name or an argument that is not UTF-8 leaves."""
    return text.encode("utf-8", "replace").decode()


def _with_schema(system: str, schema: Mapping[str, Any]) -> str:
    # The grammar shapes the answer; the model does better when it also knows the shape.
    text = msgspec.json.encode(schema).decode()
    return f"{system}\n\nAnswer with JSON that fits this schema: {text}".lstrip()


class _Answer(Protocol):
    """Turns the text a model writes into the text of its answer."""

    def feed(self, text: str) -> str:
        """Take a piece, and give what it adds to the answer."""

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """Give the rest of the answer, and the calls the text held."""


class _AsItComes:
    def feed(self, text: str) -> str:
        return text

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        return "", ()


class Reader:
    """Turns chunks into stream items, the ModelResponse last."""

    def __init__(self, model: str, answer: _Answer) -> None:
        self._model = model
        self._answer = answer
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._usage = Usage()
        self._finish: FinishReason = "other"
        self._id = ""

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Take a chunk, and give what it adds."""
        self._id = chunk.get("id", self._id)
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"])
        for choice in chunk.get("choices", ()):
            if choice.get("finish_reason"):
                self._finish = _FINISH.get(choice["finish_reason"], "other")
            yield from self._delta(choice.get("delta") or {})

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[StreamItem]:
        reasoning = delta.get("reasoning_content")
        if reasoning:
            self._reasoning.append(reasoning)
            yield ReasoningDelta(reasoning)
        yield from self._say(self._answer.feed(delta.get("content") or ""))

    def _say(self, text: str) -> Iterator[StreamItem]:
        if text:
            self._text.append(text)
            yield TextDelta(text)

    def finish(self) -> Iterator[StreamItem]:
        """Give what is left, and the response."""
        rest, calls = self._answer.finish()
        yield from self._say(rest)
        message = Message(
            "assistant", "".join(self._text), calls, reasoning="".join(self._reasoning)
        )
        finish = "tool_calls" if calls else self._finish
        yield ModelResponse(message, self._usage, finish, self._model, self._id)


def _usage(counts: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=counts.get("prompt_tokens", 0),
        output_tokens=counts.get("completion_tokens", 0),
        cached_tokens=(counts.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
    )
