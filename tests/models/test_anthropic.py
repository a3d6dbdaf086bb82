"""The anthropic provider: what it sends, and what it makes of the answers."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given

from agno_cli import (
    Agent,
    ConfigurationError,
    CredentialsError,
    Message,
    ModelError,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Usage,
    tool,
)
from agno_cli.models._anthropic_wire import wire_messages
from agno_cli.models.anthropic import AnthropicModel
from tests.models.asking import KEY, Ask, anthropic_at, every_way, question, server, streamed
from tests.models.conversations import conversations
from tests.models.fault_server import (
    HANG_UP,
    FaultServer,
    Reply,
    answer,
    chunk,
    event,
    head,
)

__all__ = ["server"]  # the fixture


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def message(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-1",
        "content": list(blocks),
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
        **fields,
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(call_id: str = "toolu_1", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "add", "input": arguments}


def thinking(words: str, signature: str = "c2ln") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def asked(
    request: ModelRequest, answered: object | None = None
) -> tuple[dict[str, Any], ModelResponse]:
    """Ask once; give the body that was sent and the response."""
    sent: list[httpx.Request] = []

    def handle(got: httpx.Request) -> httpx.Response:
        sent.append(got)
        return httpx.Response(200, json=answered or message(text("Paris.")))

    client = httpx.Client(transport=httpx.MockTransport(handle))
    response = AnthropicModel("claude", api_key=KEY, client=client).complete(request)
    return msgspec.json.decode(sent[0].content), response


def test_a_plain_question(server: FaultServer) -> None:
    server.reply(answer(message(text("Paris."))))
    response = anthropic_at(server).complete(question("Capital?", system="Be brief."))
    assert response == ModelResponse(
        Message("assistant", "Paris."), Usage(3, 2), "stop", model="claude-1", id="msg_1"
    )
    request = server.requests[0]
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == {
        "max_tokens": 8192,
        "model": "m",
        "messages": [{"role": "user", "content": [text("Capital?")]}],
        "system": "Be brief.",
    }


def test_options_are_sent_as_they_are() -> None:
    options = {"max_tokens": 7, "thinking": {"type": "adaptive"}, "model": "other"}
    body, _ = asked(question(options=options, system=" "))
    assert body == {
        "max_tokens": 7,
        "thinking": {"type": "adaptive"},
        "model": "claude",
        "messages": [{"role": "user", "content": [text("hi")]}],
    }


def test_tools_and_their_results(server: FaultServer) -> None:
    first = message(text("Sure."), call("t1", a=1), call("t2", b=2), stop_reason="tool_use")
    server.reply(answer(first), answer(message(text("2"))))
    output = Agent(anthropic_at(server), tools=[add]).run("1 + 1?")
    assert output.content == "2"
    bodies = [request.body for request in server.requests]
    assert bodies[0]["tools"] == [
        {"name": "add", "description": "Add two numbers.", "input_schema": add.parameters}
    ]
    assert bodies[1]["messages"] == [
        {"role": "user", "content": [text("1 + 1?")]},
        {"role": "assistant", "content": [text("Sure."), call("t1", a=1), call("t2", b=2)]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "2"},
                {
                    "type": "tool_result",
                    "tool_use_id": "t2",
                    "content": bodies[1]["messages"][2]["content"][1]["content"],
                    "is_error": True,
                },
            ],
        },
    ]


SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}}


def test_an_output_schema_is_closed() -> None:
    body, _ = asked(question(output_schema=SCHEMA, options={"output_config": {"effort": "low"}}))
    assert body["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "{minLength: 1}"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_an_open_output_schema_is_asked_for_in_words(system: str) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    body, _ = asked(question(output_schema=schema, system=system))
    wish = (
        "Answer with nothing but JSON that fits this schema:\n"
        '{"type":"object","additionalProperties":{"type":"integer"}}'
    )
    assert body["system"] == (f"{system}\n\n{wish}" if system else wish)
    assert "output_config" not in body


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "other"),
        (None, "stop"),
    ],
)
def test_why_an_answer_ended(reason: str | None, expected: str) -> None:
    assert asked(question(), message(stop_reason=reason))[1].finish_reason == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ({"input_tokens": 1, "output_tokens": None}, Usage(1, 0)),
        (
            {
                "input_tokens": 1,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 100,
                "output_tokens": 5,
                "output_tokens_details": {"thinking_tokens": 3},
            },
            Usage(111, 5, 100, 3),
        ),
        ({"output_tokens_details": {}}, Usage()),
    ],
)
def test_usage(usage: object, expected: Usage) -> None:
    assert asked(question(), message(usage=usage))[1].usage == expected


REDACTED = {"type": "redacted_thinking", "data": "b3BhcXVl"}
SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": "x"}}


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([], Message("assistant")),
        ([text("a"), text("b")], Message("assistant", "ab")),
        (
            [thinking("Hm."), text("a")],
            Message("assistant", "a", reasoning="Hm.", signature="c2ln"),
        ),
        (
            [thinking("", "c2ln"), call(a=1)],
            Message("assistant", "", (ToolCall("toolu_1", "add", '{"a":1}'),), signature="c2ln"),
        ),
        ([{"type": "text", "text": None}, {"type": "tool_use"}],
         Message("assistant", "", (ToolCall("", "", "{}"),))),
    ],
)  # fmt: skip
def test_blocks(blocks: list[dict[str, Any]], expected: Message) -> None:
    assert asked(question(), message(*blocks))[1].message == expected


@pytest.mark.parametrize(
    "blocks",
    [
        [thinking("Hm."), text("a"), call(a=1)],
        [thinking(""), call(a=1)],
        [REDACTED, thinking("Hm."), text("a")],
        [thinking("one"), text("a"), thinking("two"), call(a=1)],
        [text("Let me see."), SEARCH, text("Done.")],
        [text("a"), call("t1", a=1), call("t2", a=2)],
    ],
)
def test_what_the_model_said_goes_back_as_it_came(blocks: list[dict[str, Any]]) -> None:
    said = asked(question(), message(*blocks))[1].message
    body, _ = asked(ModelRequest([Message("user", "q"), said]))
    assert body["messages"][1] == {"role": "assistant", "content": blocks}


def test_blocks_are_not_kept_once_a_hook_has_changed_the_message() -> None:
    said = asked(question(), message(REDACTED, text("a secret")))[1].message
    changed = msgspec.structs.replace(said, content="***")
    body, _ = asked(ModelRequest([Message("user", "q"), changed]))
    assert body["messages"][1]["content"] == [text("***")]


def test_a_foreign_signature_is_left_out() -> None:
    said = Message("assistant", "a", reasoning="b", signature="[1")
    body, _ = asked(ModelRequest([Message("user", "q"), said, Message("user", "r")]))
    assert body["messages"][1]["content"] == [text("a")]


def test_reasoning_of_other_providers_is_left_out() -> None:
    said = Message("assistant", "a", reasoning="b")
    body, _ = asked(ModelRequest([Message("user", "q"), said]))
    assert body["messages"][1]["content"] == [text("a")]


def stream_of(*told: dict[str, Any], stop: bool = True) -> Reply:
    start = {"type": "message_start", "message": message(stop_reason=None)}
    ending: list[dict[str, Any]] = [{"type": "message_stop"}] if stop else []
    items: list[dict[str, Any]] = [start, {"type": "ping"}, *told, *ending]
    reply: Reply = [head(200, "text/event-stream", transfer_encoding="chunked")]
    return [*reply, *(chunk(event(item, item["type"])) for item in items), b"0\r\n\r\n"]


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def test_a_stream(server: FaultServer) -> None:
    told = [
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm"},
            {"type": "thinking_delta", "thinking": "."},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        *block(
            1,
            text(""),
            {"type": "text_delta", "text": "Par"},
            {"type": "text_delta", "text": "is."},
        ),
        *block(
            2,
            call(),
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": " 1}"},
        ),
        {"type": "something_new", "index": 9},
        ended("tool_use", output_tokens=17),
    ]
    server.reply(stream_of(*told))
    calls = (ToolCall("toolu_1", "add", '{"a":1}'),)
    whole = Message("assistant", "Paris.", calls, reasoning="Hm.", signature="c2ln")
    assert list(anthropic_at(server).stream(question())) == [
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        TextDelta("Par"),
        TextDelta("is."),
        ModelResponse(whole, Usage(3, 17), "tool_calls", "claude-1", "msg_1"),
    ]
    assert server.requests[0].body["stream"] is True


@streamed
def test_blocks_may_say_something_from_their_start(server: FaultServer, ask: Ask) -> None:
    told = [
        *block(0, thinking("Hm.")),
        *block(1, text("a")),
        {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "b"}},
        {"type": "content_block_delta", "index": 3},
        {"type": "message_delta"},
        {"type": "message_start"},
    ]
    server.reply(stream_of(*told))
    response = ask(anthropic_at(server), question())
    assert response.message == Message("assistant", "ab", reasoning="Hm.", signature="c2ln")


@streamed
def test_a_call_that_was_cut_keeps_what_there_is(server: FaultServer, ask: Ask) -> None:
    deltas = {"type": "input_json_delta", "partial_json": '{"a": 1, "b'}
    told = [*block(0, REDACTED), *block(1, call(), deltas), ended("max_tokens")]
    server.reply(stream_of(*told))
    response = ask(anthropic_at(server), question())
    assert response.finish_reason == "length"
    assert response.message.tool_calls == (ToolCall("toolu_1", "add", '{"a": 1, "b'),)
    assert response.message.signature == ""


@streamed
def test_a_message_without_a_start_has_no_usage(server: FaultServer, ask: Ask) -> None:
    start = {"type": "message_start", "message": {"usage": None}}
    reply: Reply = [head(200, "text/event-stream"), event(start), event(ended()), HANG_UP]
    server.reply(reply)
    assert ask(anthropic_at(server), question()) == ModelResponse(Message("assistant"))


@streamed
def test_a_stream_cut_in_the_middle_fails(server: FaultServer, ask: Ask) -> None:
    told = block(0, text(""), {"type": "text_delta", "text": "Pa"})
    server.reply(stream_of(*told, stop=False))
    with pytest.raises(ModelError, match="the stream ended before its answer did"):
        ask(anthropic_at(server), question())
    assert len(server.requests) == 1


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@streamed
def test_an_error_in_the_middle_of_a_stream(server: FaultServer, ask: Ask) -> None:
    told = block(0, text(""), {"type": "text_delta", "text": "Pa"})
    cut = stream_of(*told, stop=False)[:-1]
    server.reply([*cut, 0.05, chunk(event(OVERLOADED, "error")), HANG_UP])
    with pytest.raises(ModelError) as caught:
        ask(anthropic_at(server), question())
    assert str(caught.value) == "anthropic: Overloaded (status 529, a retry could help)"


@every_way
def test_an_overloaded_provider_is_asked_again(server: FaultServer, ask: Ask) -> None:
    is_stream = "stream" in ask.__name__
    good = (
        stream_of(*block(0, text("Paris.")), ended())
        if is_stream
        else answer(message(text("Paris.")))
    )
    server.reply(answer(OVERLOADED, 529), good)
    assert ask(anthropic_at(server), question()).message.content == "Paris."


def test_an_error_inside_a_fine_answer(server: FaultServer) -> None:
    error = {"type": "invalid_request_error", "message": "too long"}
    server.reply(answer({"type": "error", "error": error}, request_id="req_1"))
    with pytest.raises(ModelError) as caught:
        anthropic_at(server).complete(question())
    assert str(caught.value) == (
        "anthropic: too long (status 400, request id req_1, a retry would not help)"
    )


def test_an_answer_of_another_api(server: FaultServer) -> None:
    server.reply(answer({"choices": []}))
    with pytest.raises(ModelError, match="missing required field `type`"):
        anthropic_at(server).complete(question())


def test_a_key_that_was_refused(server: FaultServer) -> None:
    error = {"type": "authentication_error", "message": "invalid x-api-key"}
    server.reply(answer({"type": "error", "error": error}, 401, request_id="req_1"))
    with pytest.raises(CredentialsError) as caught:
        anthropic_at(server).complete(question())
    assert str(caught.value) == (
        "anthropic refused the key (status 401, request id req_1): invalid x-api-key;"
        " check `ANTHROPIC_API_KEY` or `api_key`"
    )


def test_keys_and_urls_come_from_the_environment(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(answer(message(text("a"))))
    with pytest.raises(CredentialsError, match="anthropic needs a key: set `ANTHROPIC_API_KEY`"):
        AnthropicModel("m")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{server.url}/v1/")
    AnthropicModel("m").complete(question())
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    AnthropicModel("m").complete(question())
    first, second = server.requests
    assert (first.path, "x-api-key" in first.headers) == ("/v1/messages", False)
    assert second.headers["x-api-key"] == KEY
    assert KEY not in repr(AnthropicModel("m"))


def test_a_model_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match="needs a name, as in `anthropic:NAME`"):
        AnthropicModel("", api_key=KEY)


ID = re.compile(r"[a-zA-Z0-9_-]{1,68}")


@given(conversations())
def test_any_conversation_has_a_valid_form(conversation: list[Message]) -> None:
    wire = msgspec.json.decode(msgspec.json.encode(wire_messages(conversation)))
    roles = [item["role"] for item in wire]
    assert roles == ["user" if at % 2 == 0 else "assistant" for at in range(len(wire))]
    ids: list[str] = []
    for at, item in enumerate(wire):
        blocks = item["content"]
        assert blocks
        assert all(each["text"].strip() for each in blocks if each["type"] == "text")
        uses = [each for each in blocks if each["type"] == "tool_use"]
        results = (
            [each for each in wire[at + 1]["content"] if each["type"] == "tool_result"]
            if uses
            else []
        )
        assert [each["id"] for each in uses] == [each["tool_use_id"] for each in results]
        assert all(isinstance(each["input"], dict) for each in uses)
        assert all(ID.fullmatch(each["name"]) for each in uses)
        ids += [each["id"] for each in uses]
    assert len(set(ids)) == len(ids)
    assert all(ID.fullmatch(each) for each in ids)
    written = sum(len(item.tool_calls) for item in conversation)
    assert len(ids) == written


def test_a_result_without_its_call_is_sent_all_the_same() -> None:
    body, _ = asked(ModelRequest([Message("tool", "a", (), "x.1", "f")]))
    block = {"type": "tool_result", "tool_use_id": "x_1", "content": "a"}
    assert body["messages"] == [{"role": "user", "content": [block]}]
