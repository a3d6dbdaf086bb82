"""Structured output: the schema an answer must fit and how it is decoded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from ._messages import Message
from ._tools import Tool, not_run

OUTPUT_TOOL = "final_answer"
_FENCE = re.compile(r"```(?:\w+\s)?\s*(.*?)\s*```", re.DOTALL)


class JsonSchema(Struct, frozen=True):
    """An output type given as a JSON schema instead of a Python type.

    The answer is checked with the `jsonschema` package and left as plain Python values.
    """

    schema: dict[str, Any]


class OutputSpec(Struct, frozen=True):
    """A JSON schema whose root is an object, and a decoder of answers that fit it.

    `decode` raises ValueError (msgspec's errors are) when the text does not fit.
    """

    schema: dict[str, Any]
    decode: Callable[[str], Any]


def output_spec(output_type: Any) -> OutputSpec:
    """Prepare an output type; one that is no object is wrapped, as providers demand objects.

    Raises:
        ConfigurationError: the type or the schema cannot be used.
    """
    if isinstance(output_type, JsonSchema):
        schema = output_type.schema
        check = _checker(schema)
        target: Any = Any
    else:
        schema = _schema_of(output_type)
        check = _unchanged
        target = output_type
    if schema.get("type") == "object":
        decode = msgspec.json.Decoder(target).decode
        return OutputSpec(schema, lambda text: check(decode(_unfenced(text))))
    wrapper: Any = msgspec.defstruct("Wrapper", [("value", target)], forbid_unknown_fields=True)
    unwrap = msgspec.json.Decoder(wrapper).decode
    return OutputSpec(_wrapped(schema), lambda text: check(unwrap(_unfenced(text)).value))


def _schema_of(output_type: Any) -> dict[str, Any]:
    from ._signatures import json_schema

    return json_schema(output_type, "`output_type`")


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in shared}
    wrapper: dict[str, Any] = {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
    }
    return wrapper | shared


def _unchanged(value: Any) -> Any:
    return value


def _unfenced(text: str) -> str:
    """Take the Markdown fence away that many models put round JSON."""
    text = text.strip()
    fenced = None if text.startswith(("{", "[", '"')) else _FENCE.search(text)
    return text if fenced is None else fenced[1]


def _checker(schema: dict[str, Any]) -> Callable[[Any], Any]:
    from ._json_schema import make_validator

    validator = make_validator(schema)

    def check(value: Any) -> Any:
        for error in validator.iter_errors(value):
            raise ValueError(f"{error.message} - at `{error.json_path}`")
        return value

    return check


class Answer(Struct, frozen=True):
    """What became of an answer; `replies` are to be appended to the conversation.

    `content` is set when the answer came through the output tool, not as the message's text.
    """

    accepted: bool
    data: Any = None
    content: str = ""
    problem: str = ""
    replies: tuple[Message, ...] = ()


PLAIN_ANSWER = Answer(accepted=True)


def read_answer(spec: OutputSpec | None, message: Message) -> Answer | None:
    """Judge a model's message: None when it only asks for tools.

    An answer that does not fit comes back with a reply that tells the model why. Where the
    output tool was called, every call of the message gets its reply.
    """
    calls = message.tool_calls
    if spec is None:
        return None if calls else PLAIN_ANSWER
    final = next((call for call in calls if call.name == OUTPUT_TOOL), None)
    if calls and final is None:
        return None
    try:
        data = spec.decode(message.content if final is None else final.arguments)
        content = "" if final is None else final.arguments
    except Exception as error:  # also what a type's `__post_init__` raises
        problem = str(error)
    else:
        replies = _replies(message, "Accepted.")
        return Answer(accepted=True, data=data, content=content, replies=replies)
    if final is None:
        reply = f"The answer does not fit: {problem}. Answer again with JSON that fits the schema."
        return Answer(accepted=False, problem=problem, replies=(Message("user", reply),))
    reply = f"The answer does not fit: {problem}. Call `{OUTPUT_TOOL}` again."
    return Answer(accepted=False, problem=problem, replies=_replies(message, reply))


def _replies(message: Message, reply: str) -> tuple[Message, ...]:
    """Answer each call of a message: the output tool's with `reply`, the others as not run."""
    return tuple(
        Message("tool", reply, (), call.id, call.name)
        if call.name == OUTPUT_TOOL
        else not_run(call, f"`{OUTPUT_TOOL}` was called with it")
        for call in message.tool_calls
    )


def output_tool(spec: OutputSpec) -> Tool:
    """Describe the tool by which a model without native schemas gives its answer."""
    return Tool(
        name=OUTPUT_TOOL,
        description="Give the final answer. Call this once, when you know the answer.",
        parameters=spec.schema,
        function=spec.decode,
        call=spec.decode,
        decode=spec.decode,
    )
