"""Tool calls on models that know no tools: answers constrained to one JSON object.

The system prompt lists the tools; a grammar lets the model write nothing but a call of one of
them, `{"tool": name, "arguments": {...}}`, or an answer, `{"answer": text}`. Results go back as
the user's words, a form that every chat template has.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli._messages import Message, ToolCall
from agno_cli._tools import Tool

_RULES = """\
To call a tool, write {"tool": name, "arguments": {...}}. \
To answer the user, write {"answer": text}."""
# Of a dozen wordings tried, SmolLM2-135M goes from a result to an answer with this one most.
_AFTER_RESULTS = 'Now answer the user with {"answer": text}.'


def tool_prompt(system: str, tools: Iterable[Tool]) -> str:
    """Append the tools, and how to call them, to the instructions."""
    lines = [f"- {tool.name}: {tool.description} Arguments: {_arguments(tool)}" for tool in tools]
    return "\n".join([*([system, ""] if system else []), "You have tools:", *lines, _RULES])


def _arguments(tool: Tool) -> str:
    described = {
        key: tool.parameters[key]
        for key in ("properties", "$defs", "required")
        if tool.parameters.get(key)
    }
    return msgspec.json.encode(described).decode()


def answer_schema(
    messages: Sequence[Message], tools: Sequence[Tool], output_schema: dict[str, Any] | None
) -> dict[str, Any]:
    """Give the schema of the object a model must write: a call of one of the tools, or an answer.

    A model that has made the same call twice in a row is stuck: then it may only answer.
    """
    definitions: dict[str, Any] = {}
    answer = {"type": "string", "minLength": 1}
    if output_schema is not None:
        answer = _embedded(output_schema, "answer", definitions)
    variants = [_object(answer=answer)]
    if not _repeats_itself(messages):
        variants += [
            _object(
                tool={"const": tool.name},
                arguments=_embedded(tool.parameters, f"arguments{number}", definitions),
            )
            for number, tool in enumerate(tools)
        ]
    return {"anyOf": variants, "$defs": definitions}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _embedded(schema: dict[str, Any], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Make a schema part of a larger one: its references start at `#`, so they move along."""
    moved = _moved(schema, f"#/$defs/{name}")
    if moved == schema:
        return schema
    definitions[name] = moved
    return {"$ref": f"#/$defs/{name}"}


def _moved(node: Any, root: str) -> Any:
    if isinstance(node, list):
        return [_moved(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: root + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _moved(value, root)
        for key, value in node.items()
    }


def _repeats_itself(messages: Sequence[Message]) -> bool:
    calls: list[list[tuple[str, str]]] = []
    for message in reversed(messages):
        if message.role == "user" or len(calls) == 2:  # noqa: PLR2004 - "twice in a row"
            break
        if message.role == "assistant":
            calls.append([(call.name, call.arguments) for call in message.tool_calls])
    return len(calls) == 2 and calls[0] == calls[1]  # noqa: PLR2004 - as above


def spoken(messages: Iterable[Message], *, as_json: bool) -> list[dict[str, str]]:
    """Write a conversation with the roles user and assistant only, taking turns.

    Args:
        messages: the conversation, tool calls and their results included.
        as_json: write the assistant's answers in the form that it must keep to.
    """
    lines = _lines(messages, as_json=as_json)
    return [
        {"role": role, "content": "\n".join(content for _, content in group)}
        for role, group in groupby(lines, key=itemgetter(0))
    ]


def _lines(messages: Iterable[Message], *, as_json: bool) -> Iterator[tuple[str, str]]:
    for is_result, group in groupby(messages, key=lambda message: message.role == "tool"):
        if not is_result:
            for message in group:
                yield message.role, _said(message, as_json=as_json)
            continue
        for message in group:
            verb = (
                "The call of `{}` failed: {}" if message.is_error else "The result of `{}` is: {}"
            )
            yield "user", verb.format(message.name, message.content)
        if as_json:
            yield "user", _AFTER_RESULTS


def _said(message: Message, *, as_json: bool) -> str:
    if message.tool_calls:
        return "\n".join(map(_call_text, message.tool_calls))
    if as_json and message.role == "assistant":
        return json.dumps({"answer": message.content}, ensure_ascii=False)
    return message.content


def _call_text(call: ToolCall) -> str:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:  # another model's; this one cannot write such
        arguments = call.arguments
    return json.dumps({"tool": call.name, "arguments": arguments}, ensure_ascii=False)


class _Spoken(Struct):
    tool: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    answer: msgspec.Raw = msgspec.Raw()


_OPENING = re.compile(r'\s*\{\s*"answer"\s*:\s*"')
# The characters of a JSON string whose meaning is settled: an escape may still be incomplete,
# and the first half of a surrogate pair waits for its second.
_SETTLED = re.compile(
    r"""(?: [^"\\]+
      | \\ ["\\/bfnrt]
      | \\u [dD][89abAB][0-9a-fA-F]{2} \\u [dD][c-fC-F][0-9a-fA-F]{2}
      | \\u [dD][89abAB][0-9a-fA-F]{2} (?= [^\\] | \\[^u] | \\u[^dD] | \\u[dD][^c-fC-F] )
      | \\u (?![dD][89abAB]) [0-9a-fA-F]{4}
    )*""",
    re.VERBOSE,
)


class ConstrainedAnswer:
    """Reads the object piece by piece, and gives the answer's text as it comes."""

    def __init__(self) -> None:
        self._whole = ""
        self._unsettled = ""
        self._streaming = False

    def feed(self, text: str) -> str:
        """Take a piece of the JSON text, and give what it adds to the answer's text."""
        self._whole += text
        self._unsettled += text
        if not self._streaming:
            opening = _OPENING.match(self._whole)
            if opening is None:
                return ""
            self._streaming = True
            self._unsettled = self._whole[opening.end() :]
        settled = _SETTLED.match(self._unsettled)
        assert settled is not None  # it matches nothing at all, too
        self._unsettled = self._unsettled[settled.end() :]
        return _unescaped(settled[0])

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """Give the rest of the text, and the call if it was one.

        What was cut off before its end is given as it stands.
        """
        if self._streaming:
            return "", ()
        try:
            said = msgspec.json.decode(self._whole, type=_Spoken)
        except msgspec.DecodeError:
            return self._whole, ()
        if said.tool is None:
            return bytes(said.answer).decode(), ()
        call_id = f"call_{os.urandom(6).hex()}"
        return "", (ToolCall(call_id, said.tool, bytes(said.arguments).decode()),)


def _unescaped(text: str) -> str:
    plain: str = json.loads(f'"{text}"', strict=False)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
