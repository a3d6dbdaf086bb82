"""The openai provider: what it sends, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    ConfigurationError,
    CredentialsError,
    Message,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Usage,
    tool,
)
from agno_cli.models._links import Post
from agno_cli.models._openai_wire import wire_messages
from agno_cli.models._wire import arguments_object, wire_name
from agno_cli.models.openai import PRESETS, OpenAIModel, for_provider
from tests.models.asking import KEY, Ask, openai_at, question, server, streamed
from tests.models.conversations import conversations
from tests.models.fault_server import FaultServer, completion, delta, events, usage_chunk

__all__ = ["server"]  # the fixture


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def recording(sent: list[httpx.Request], *answers: object) -> httpx.Client:
    """A client of the user's own that answers by itself."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=left.pop(0) if len(left) > 1 else left[0])

    return httpx.Client(transport=httpx.MockTransport(handle))


def asked(
    request: ModelRequest, answer: object | None = None, **given: Any
) -> tuple[dict[str, Any], ModelResponse]:
    """Ask once; give the body that was sent and the response."""
    sent: list[httpx.Request] = []
    client = recording(sent, completion() if answer is None else answer)
    response = OpenAIModel("gpt-x", api_key=KEY, client=client, **given).complete(request)
    return msgspec.json.decode(sent[0].content), response


def read(**fields: Any) -> Message:
    """Give the message of a whole answer with these fields."""
    return asked(question(), completion(**fields))[1].message


def test_a_plain_question() -> None:
    sent: list[httpx.Request] = []
    model = OpenAIModel("gpt-x", api_key=KEY, client=recording(sent, completion("Paris.")))
    response = model.complete(question("Capital of France?", system="Be brief."))
    assert response == ModelResponse(
        Message("assistant", "Paris."), Usage(3, 2), "stop", model="m-1", id="c1"
    )
    assert str(sent[0].url) == "https://api.openai.com/v1/chat/completions"
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"
    assert sent[0].headers["user-agent"].startswith("agno-cli/")
    assert msgspec.json.decode(sent[0].content) == {
        "model": "gpt-x",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Capital of France?"},
        ],
    }


def test_tools_and_their_results() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "nope", "arguments": "{"}},
    ]
    sent: list[httpx.Request] = []
    client = recording(sent, completion(None, tool_calls=calls), completion("2"))
    output = Agent(OpenAIModel("m", api_key=KEY, client=client), tools=[add]).run("1 + 1?")
    assert output.content == "2"
    bodies = [msgspec.json.decode(request.content) for request in sent]
    assert bodies[0]["tools"] == bodies[1]["tools"]
    assert bodies[0]["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Add two numbers.",
                "parameters": add.parameters,
            },
        }
    ]
    function = {"name": "add", "arguments": '{"a": 1}'}
    invalid = {"name": "nope", "arguments": '{"invalid_arguments":"{"}'}
    assert bodies[1]["messages"][1:3] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": invalid},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]
    assert bodies[1]["messages"][3]["tool_call_id"] == "c2"


def test_a_shared_model_keeps_the_tools_of_its_agents_apart() -> None:
    @tool
    def subtract(a: int) -> int:
        return a

    sent: list[httpx.Request] = []
    model = OpenAIModel("m", api_key=KEY, client=recording(sent, completion()))
    for tools in ([add], [subtract], [], [add]):
        Agent(model, tools=tools).run("hi")
    names = [
        [item["function"]["name"] for item in msgspec.json.decode(request.content).get("tools", [])]
        for request in sent
    ]
    assert names == [["add"], ["subtract"], [], ["add"]]


def test_options_are_sent_as_they_are() -> None:
    options = {"temperature": 0.1, "max_tokens": 7, "model": "other", "stream": True}
    body, _ = asked(question(options=options))
    assert body["temperature"] == 0.1
    assert (body["model"], body["max_completion_tokens"]) == ("gpt-x", 7)
    assert "max_tokens" not in body
    body, _ = asked(question(options=options), provider="vllm")
    assert body["max_tokens"] == 7


def test_an_option_that_is_no_json() -> None:
    with pytest.raises(ConfigurationError, match="check the model's `options`"):
        asked(question(options={"stop": object()}))


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_an_output_schema_is_strict_where_it_can_be() -> None:
    body, _ = asked(question(output_schema=SCHEMA))
    strict = {**SCHEMA, "required": ["city"], "additionalProperties": False}
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": strict},
    }
    free = {"type": "object", "additionalProperties": {"type": "integer"}}
    body, _ = asked(question(output_schema=free))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": free},
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"content": None}, Message("assistant")),
        ({"content": "a", "reasoning_content": "b"}, Message("assistant", "a", reasoning="b")),
        ({"content": "a", "reasoning": "b"}, Message("assistant", "a", reasoning="b")),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]},
                    {"type": "thinking", "thinking": "c"},
                    {"type": "text", "text": "a"},
                ]
            },
            Message("assistant", "a", reasoning="bc"),
        ),
        ({"content": None, "refusal": "No."}, Message("assistant", "No.")),
        ({"content": "", "tool_calls": None, "audio": {"x": 1}}, Message("assistant")),
        (
            {"content": "", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            Message("assistant", "", (ToolCall("c", "f", ""),)),
        ),
        (
            {
                "content": None,
                "tool_calls": [
                    {"id": "c", "function": {"name": "f", "arguments": {"a": [1]}}},
                    {"id": "d", "function": {"name": "f", "arguments": "{}"}},
                ],
            },
            Message("assistant", "", (ToolCall("c", "f", '{"a":[1]}'), ToolCall("d", "f", "{}"))),
        ),
    ],
)
def test_answers_of_many_servers(fields: dict[str, Any], expected: Message) -> None:
    assert read(**fields) == expected


def test_calls_without_ids_are_given_some() -> None:
    calls = [{"function": {"name": "f", "arguments": "{}"}}, {"id": "", "function": {"name": "g"}}]
    first, second = read(content=None, tool_calls=calls).tool_calls
    assert (first.name, second.name) == ("f", "g")
    assert first.id.startswith("call_")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("reason", "fields", "expected"),
    [
        ("stop", {}, "stop"),
        (None, {}, "stop"),
        ("eos", {}, "stop"),
        ("length", {}, "length"),
        ("content_filter", {}, "content_filter"),
        ("stop", {"refusal": "No."}, "content_filter"),
        ("insufficient_system_resource", {}, "other"),
        ("stop", {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "tool_calls"),
        ("length", {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "length"),
    ],
)
def test_why_an_answer_ended(reason: str | None, fields: dict[str, Any], expected: str) -> None:
    answer = completion(**fields)
    answer["choices"][0]["finish_reason"] = reason
    assert asked(question(), answer)[1].finish_reason == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ({"prompt_tokens": 9, "completion_tokens": None}, Usage(9, 0)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(9, 5, 4, 3),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 8}, Usage(9, 0, 8)),
        ({"prompt_tokens_details": None, "completion_tokens_details": {}}, Usage(0, 0)),
    ],
)
def test_usage(usage: object, expected: Usage) -> None:
    assert asked(question(), {**completion(), "usage": usage})[1].usage == expected


def test_reasoning_goes_back_to_those_who_want_it_within_a_turn() -> None:
    call = ToolCall("c", "f", "{}")
    conversation = [
        Message("user", "a"),
        Message("assistant", "b", reasoning="old"),
        Message("user", "c"),
        Message("assistant", "", (call,), reasoning="new"),
        Message("tool", "d", (), "c", "f"),
    ]
    for provider, expected in [
        ("openai", [None, None]),
        ("deepseek", [None, "new"]),
        ("vllm", [None, None]),
    ]:
        body, _ = asked(ModelRequest(conversation), provider=provider)
        said = [item for item in body["messages"] if item["role"] == "assistant"]
        assert [item.get("reasoning_content") for item in said] == expected


def test_text_that_is_no_unicode_is_sent_with_a_mark() -> None:
    options = {"user": "\udcff", "stop": ["\ud800", 7]}
    body, _ = asked(question("caf\udce9", options=options, tools=(add,)))
    assert body["messages"][0]["content"] == "caf?"
    assert (body["user"], body["stop"]) == ("?", ["?", 7])


def parts(*chunks: object) -> Callable[[FaultServer], list[object]]:
    def ask(server: FaultServer) -> list[object]:
        server.reply(events(*chunks))
        return list(openai_at(server).stream(question()))

    return ask


def test_a_stream(server: FaultServer) -> None:
    ask = parts(
        delta(role="assistant", content=""),
        delta(reasoning_content="Hm."),
        delta(content="Par"),
        delta(content="is."),
        delta("stop"),
        usage_chunk(),
    )
    message = Message("assistant", "Paris.", reasoning="Hm.")
    assert ask(server) == [
        ReasoningDelta("Hm."),
        TextDelta("Par"),
        TextDelta("is."),
        ModelResponse(message, Usage(3, 2), "stop", "m-1", "c1"),
    ]
    assert server.requests[0].body["stream"] is True
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


@streamed
def test_stream_options_are_the_user_s_or_left_out(server: FaultServer, ask: Ask) -> None:
    server.reply(events(delta("stop", content="a")))
    ask(openai_at(server), question(options={"stream_options": {"include_obfuscation": False}}))
    ask(openai_at(server, provider="mistral"), question())
    first, second = (request.body for request in server.requests)
    assert first["stream_options"] == {"include_obfuscation": False}
    assert "stream_options" not in second


def fragment(index: int | None, arguments: str, **fields: Any) -> dict[str, Any]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    call = {"index": index, "function": {**name, "arguments": arguments}, **fields}
    return delta(tool_calls=[call])


@pytest.mark.parametrize(
    "chunks",
    [
        [
            fragment(0, "", id="c", name="f"),
            fragment(0, '{"a"'),
            fragment(1, "", id="d", name="g"),
            fragment(0, ":1}"),
            fragment(1, "{}"),
        ],
        [fragment(0, '{"a":1}', id="c", name="f"), fragment(0, "{}", id="d", name="g")],
        [
            fragment(None, '{"a"', id="c", name="f"),
            fragment(None, ":1}"),
            fragment(None, "{}", id="d", name="g"),
        ],
        [fragment(0, '{"a"', id="c", name="f"), fragment(0, ":1}", id="c", name="f"),
         fragment(1, "{}", id="d", name="g")],
    ],
    ids=["interleaved", "all of index 0", "without index", "id and name repeated"],
)  # fmt: skip
def test_calls_in_fragments(server: FaultServer, chunks: list[object]) -> None:
    *_, response = parts(*chunks, delta("tool_calls"))(server)
    assert isinstance(response, ModelResponse)
    assert response.finish_reason == "tool_calls"
    assert response.message.tool_calls == (ToolCall("c", "f", '{"a":1}'), ToolCall("d", "g", "{}"))


def test_a_refusal_is_streamed(server: FaultServer) -> None:
    first, response = parts(delta(refusal="No."), delta("stop"))(server)
    assert first == TextDelta("No.")
    assert isinstance(response, ModelResponse)
    assert response.finish_reason == "content_filter"


def test_streamed_tools_run(server: FaultServer) -> None:
    first = events(fragment(0, '{"a": 4}', id="c", name="add"), delta("tool_calls"))
    server.reply(first, events(delta(content="5"), delta("stop"), usage_chunk()))
    *_, finished = Agent(openai_at(server), tools=[add]).stream("4 + 1?")
    assert finished.output.content == "5"  # type: ignore[union-attr]  # a RunFinished
    assert server.requests[1].body["messages"][-1]["content"] == "5"


def test_keys_and_urls_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", f" {KEY}\n")
    sent: list[httpx.Request] = []
    OpenAIModel("m", provider="groq", client=recording(sent, completion())).complete(question())
    assert str(sent[0].url) == "https://api.groq.com/openai/v1/chat/completions"
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    OpenAIModel("m", client=recording(sent, completion())).complete(question())
    assert str(sent[1].url) == "http://127.0.0.1:9/v1/chat/completions"
    assert "authorization" not in sent[1].headers


@pytest.mark.parametrize("provider", sorted(PRESETS))
def test_every_short_name(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, variable = PRESETS[provider]
    if variable is not None:
        with pytest.raises(CredentialsError, match=f"{provider} needs a key: set `{variable}`"):
            for_provider(provider, "m")
        monkeypatch.setenv(variable, KEY)
    assert repr(for_provider(provider, "m")) == f"<OpenAIModel {provider}:m>"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "a model of openai needs a name, as in `openai:NAME`"),
        ({"provider": "acme"}, "no base URL is known for provider `acme`; give `base_url`"),
        ({"base_url": "api.example.com"}, "`api.example.com` is not a base URL"),
        ({"base_url": "http://a b"}, "`http://a b` is not a base URL"),
        ({"base_url": "http://"}, "`http://` is not a base URL"),
        ({"base_url": "http://a:b:c"}, "`http://a:b:c` is not a base URL"),
        ({"api_key": "sk-\u00e9"}, "the key in `api_key` holds spaces, control or non-ASCII"),
        ({"api_key": "two words"}, "the key in `api_key` holds spaces"),
    ],
)
def test_what_cannot_work_is_said_at_once(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIModel(**{"name": "m", "api_key": KEY, **given})
    assert str(caught.value).startswith(message)


def test_a_password_in_the_base_url_is_not_shown() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    url = "http://user:secret@127.0.0.1:9/v1"
    model = OpenAIModel("m", base_url=url, client=client)
    with pytest.raises(Exception, match=r"http://127\.0\.0\.1:9/v1/chat/completions: no route"):
        model.complete(question(timeout=0.2))


@given(conversations())
def test_any_conversation_has_a_valid_form(conversation: list[Message]) -> None:
    wire = msgspec.json.decode(msgspec.json.encode(wire_messages("", conversation, "reasoning")))
    assert [item["role"] for item in wire] == [message.role for message in conversation]
    for item, message in zip(wire, conversation, strict=True):
        assert item["content"] == message.content
        for call, written in zip(message.tool_calls, item.get("tool_calls", ()), strict=True):
            assert written["id"] == call.id
            assert wire_name(written["function"]["name"]) == written["function"]["name"]
            assert isinstance(msgspec.json.decode(written["function"]["arguments"]), dict)


@given(st.text())
def test_any_arguments_become_an_object(text: str) -> None:
    assert isinstance(msgspec.json.decode(arguments_object(text)), dict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", b"{}"),
        (" \n", b"{}"),
        ('{"a": 1}', b'{"a": 1}'),
        ("[1]", b'{"invalid_arguments":"[1]"}'),
        ('{"a": \udcff}', b'{"invalid_arguments":"{\\"a\\": ?}"}'),
    ],
)
def test_arguments(text: str, expected: bytes) -> None:
    assert arguments_object(text) == expected


def test_names_that_any_provider_accepts() -> None:
    assert wire_name("get.weather:0 é") == "get_weather_0__"
    assert wire_name("") == "_"
    assert wire_name("x" * 100) == "x" * 64


def test_no_repr_shows_the_key() -> None:
    model = OpenAIModel("m", api_key=KEY)
    post = Post("http://user:secret@host/v1", {"authorization": KEY}, b"{}", 1, 1)
    assert repr(model) == "<OpenAIModel openai:m>"
    assert repr(model._peer) == "Peer('openai', 'https://api.openai.com/v1/chat/completions')"
    assert repr(post) == "Post(2 bytes)"
