"""Tool calls through constrained JSON: what the model is told, and how its answer is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    ConfigurationError,
    Message,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Usage,
    tool,
)
from agno_cli._messages import ModelResponse
from agno_cli.models._constrained import ConstrainedAnswer, answer_schema, spoken, tool_prompt
from agno_cli.models._llama_chat import OPTIONS, check_options, prepare
from agno_cli.models.local import LocalModel


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@tool
def now() -> str:
    """Tell the time."""
    return "noon"


class Place(msgspec.Struct):
    """A place."""

    city: str


@tool
def weather(place: Place) -> str:
    """Tell the weather."""
    return place.city


def test_the_model_is_told_of_its_tools_after_its_instructions() -> None:
    assert tool_prompt("Be brief.", [add, now]) == (
        "Be brief.\n"
        "\n"
        "You have tools:\n"
        '- add: Add two numbers. Arguments: {"properties":{"a":{"type":"integer"},'
        '"b":{"type":"integer","default":1}},"required":["a"]}\n'
        "- now: Tell the time. Arguments: {}\n"
        'To call a tool, write {"tool": name, "arguments": {...}}.'
        ' To answer the user, write {"answer": text}.'
    )
    assert tool_prompt("", [now]).startswith("You have tools:\n- now:")


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"answer": "Hi"}, True),
        ({"answer": ""}, False),
        ({"tool": "add", "arguments": {"a": 1}}, True),
        ({"tool": "add", "arguments": {"a": "x"}}, False),
        ({"tool": "now", "arguments": {}}, True),
        ({"tool": "weather", "arguments": {"place": {"city": "Paris"}}}, True),
        ({"tool": "weather", "arguments": {"place": {"town": "Paris"}}}, False),
        ({"tool": "else", "arguments": {}}, False),
        ({"tool": "now", "arguments": {}, "answer": "Hi"}, False),
    ],
)
def test_the_schema_allows_a_call_or_an_answer(said: Any, fits: bool) -> None:
    schema = answer_schema([Message("user", "Hi")], [add, now, weather], None)

    assert jsonschema.Draft202012Validator(schema).is_valid(said) is fits


def test_references_in_an_embedded_schema_still_lead_to_their_goal() -> None:
    output = {"type": "object", "properties": {"at": {"$ref": "#/definitions/at"}},
              "definitions": {"at": {"enum": [1, {"$ref": 2}]}}}  # fmt: skip

    schema = answer_schema([], [], output)

    assert schema == {
        "anyOf": [
            {
                "type": "object",
                "properties": {"answer": {"$ref": "#/$defs/answer"}},
                "required": ["answer"],
                "additionalProperties": False,
            }
        ],
        "$defs": {
            "answer": {
                "type": "object",
                "properties": {"at": {"$ref": "#/$defs/answer/definitions/at"}},
                "definitions": {"at": {"enum": [1, {"$ref": 2}]}},
            }
        },
    }


def called(name: str, arguments: str = "{}") -> Message:
    return Message("assistant", tool_calls=(ToolCall("1", name, arguments),))


RESULT = Message("tool", "noon", (), "1", "now")


@pytest.mark.parametrize(
    ("messages", "may_call"),
    [
        ([Message("user", "Hi")], True),
        ([Message("user", "Hi"), called("now"), RESULT], True),
        ([Message("user", "Hi"), called("now"), RESULT, called("now"), RESULT], False),
        ([Message("user", "Hi"), called("now"), RESULT, called("add"), RESULT], True),
        ([called("now"), RESULT, Message("user", "Again"), called("now"), RESULT], True),
    ],
)
def test_a_model_that_repeats_its_call_may_only_answer(
    messages: list[Message], may_call: bool
) -> None:
    variants = answer_schema(messages, [now], None)["anyOf"]

    assert [*variants[0]["properties"]] == ["answer"]
    assert (len(variants) == 2) is may_call


CONVERSATION = [
    Message("user", "What time is it?"),
    Message("assistant", tool_calls=(ToolCall("1", "now", ""), ToolCall("2", "add", '{"a":'))),
    RESULT,
    Message("tool", "Invalid arguments", (), "2", "add", is_error=True),
    Message("assistant", 'It is "noon".'),
    Message("user", "Thanks."),
]


def test_results_go_back_as_words_of_the_user() -> None:
    assert spoken(CONVERSATION, as_json=True) == [
        {"role": "user", "content": "What time is it?"},
        {
            "role": "assistant",
            "content": '{"tool": "now", "arguments": {}}\n'
            '{"tool": "add", "arguments": "{\\"a\\":"}',
        },
        {
            "role": "user",
            "content": "The result of `now` is: noon\n"
            "The call of `add` failed: Invalid arguments\n"
            'Now answer the user with {"answer": text}.',
        },
        {"role": "assistant", "content": '{"answer": "It is \\"noon\\"."}'},
        {"role": "user", "content": "Thanks."},
    ]


def test_a_model_without_tools_speaks_freely_of_earlier_calls() -> None:
    assert spoken(CONVERSATION, as_json=False)[2:4] == [
        {
            "role": "user",
            "content": "The result of `now` is: noon\nThe call of `add` failed: Invalid arguments",
        },
        {"role": "assistant", "content": 'It is "noon".'},
    ]


def read(*pieces: str) -> tuple[list[str], str, tuple[ToolCall, ...]]:
    answer = ConstrainedAnswer()
    texts = [answer.feed(piece) for piece in pieces]
    return texts, *answer.finish()


def test_the_answer_is_read_as_it_is_written() -> None:
    assert read('{ "ans', 'wer":', ' "Par', "is\\", 'n\\"', 'x"', "}") == (
        ["", "", "Par", "is", '\n"', "x", ""],
        "",
        (),
    )


def test_half_a_surrogate_pair_waits_for_the_other() -> None:
    assert read('{"answer": "', "\\ud83d", "\\ude0", '0"}')[0] == ["", "", "", "😀"]


def test_half_a_surrogate_pair_that_stays_alone_is_replaced() -> None:
    assert "".join(read('{"answer": "\\ud83dx \\ude00\\ud83d\\n"}')[0]) == "\ufffdx \ufffd\ufffd\n"


def test_what_is_cut_off_is_given_as_far_as_it_came() -> None:
    assert read('{"answer": "Par\\') == (["Par"], "", ())
    assert read('{"tool": "no') == ([""], '{"tool": "no', ())


def test_an_object_as_the_answer_comes_at_the_end() -> None:
    assert read('{"answer": {"city"', ': "Paris"}}') == (["", ""], '{"city": "Paris"}', ())
    assert read("{}") == ([""], "", ())


def test_a_call_is_no_text() -> None:
    texts, rest, calls = read('{"tool": "add", "argu', 'ments": {"a": 1}}')

    assert (texts, rest) == (["", ""], "")
    assert [(call.name, call.arguments) for call in calls] == [("add", '{"a": 1}')]
    assert read('{"tool": "now"}')[2][0].arguments == "{}"


@given(st.text(), st.booleans(), st.lists(st.integers(min_value=1, max_value=5)))
def test_any_text_survives_in_any_pieces(text: str, ascii_only: bool, sizes: list[int]) -> None:
    whole = json.dumps({"answer": text}, ensure_ascii=ascii_only)
    pieces = []
    for size in [*sizes, len(whole)]:
        pieces.append(whole[:size])
        whole = whole[size:]

    texts, rest, calls = read(*pieces)

    assert ("".join(texts), rest, calls) == (text, "", ())


def test_a_request_without_tools_is_sent_as_it_is() -> None:
    request = ModelRequest(
        [Message("user", "Hi \udcff")], system="Be brief.", options={"seed": 1, "stop": ["x"]}
    )

    body, _ = prepare(request, model="m", options={"max_tokens": 9, "seed": 2})

    assert body == {
        "max_tokens": 9,
        "seed": 1,
        "stop": ["x"],
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi ?"},
        ],
    }


def test_a_model_is_told_the_schema_that_binds_it() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}

    body, _ = prepare(
        ModelRequest([Message("user", "Hi")], output_schema=schema), model="m", options={}
    )

    assert body["response_format"] == {"type": "json_schema", "json_schema": {"schema": schema}}
    assert body["messages"][0]["content"] == (
        'Answer with JSON that fits this schema: {"type":"object",'
        '"properties":{"city":{"type":"string"}}}'
    )


def test_a_request_with_tools_and_a_schema_asks_for_a_call_or_an_object() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    request = ModelRequest([Message("user", "Hi")], tools=(now,), output_schema=schema)

    body, _ = prepare(request, model="m", options={})

    variants = body["response_format"]["json_schema"]["schema"]["anyOf"]
    assert [variant["properties"] for variant in variants] == [
        {"answer": schema},
        {"tool": {"const": "now"}, "arguments": now.parameters},
    ]


def test_chunks_become_deltas_and_a_response() -> None:
    _, reader = prepare(ModelRequest([Message("user", "Hi")]), model="m", options={})
    chunks: list[dict[str, Any]] = [
        {"id": "chat-1", "choices": [{"delta": {"role": "assistant", "content": None}}]},
        {"prompt_progress": {"total": 3, "processed": 3}, "choices": []},
        {"choices": [{"delta": {"reasoning_content": "Hm."}}]},
        {"choices": [{"delta": {"content": "No"}}]},
        {"choices": [{"delta": {"content": "on"}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {
            "id": "chat-1",
            "choices": [],
            "usage": {
                "prompt_tokens": 5,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        },
    ]

    items = [item for chunk in chunks for item in reader.feed(chunk)]

    assert [*items, *reader.finish()] == [
        ReasoningDelta("Hm."),
        TextDelta("No"),
        TextDelta("on"),
        ModelResponse(
            Message("assistant", "Noon", reasoning="Hm."), Usage(5, 3, 4), "stop", "m", "chat-1"
        ),
    ]


def test_options_that_llama_cpp_would_ignore_are_errors(tmp_path: Path) -> None:
    check_options({"temperature": 0, "grammar": "root ::= [a-z]+"})
    model = LocalModel(str(tmp_path / "never-loaded.gguf"))
    request = ModelRequest([Message("user", "Hi")], options={"temperatur": 0})
    with pytest.raises(ConfigurationError) as caught:
        model.complete(request)
    assert str(caught.value) == (
        "local models have no option `temperatur`; did you mean `temperature`?"
    )
    with pytest.raises(ConfigurationError, match=f"; there are: {', '.join(sorted(OPTIONS))}$"):
        check_options({"seed": 1, "qqq": 2})
