"""Equal questions have one key, and no others have it."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agno_cli import (
    CancelToken,
    ConfigurationError,
    Message,
    ModelRequest,
    ScriptedModel,
    ToolCall,
    tool,
)
from agno_cli.models._request_key import RequestKeys
from tests.models.conversations import conversations

key = RequestKeys(ScriptedModel())


def asked(*messages: Message, **fields: Any) -> ModelRequest:
    return ModelRequest(list(messages) or [Message("user", "hi")], **fields)


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def add_or_more(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


ADD = (tool(add),)
DIFFERENT = [
    asked(),
    asked(Message("user", "ho")),
    asked(Message("assistant", "hi")),
    asked(Message("user", "h"), Message("user", "i")),
    asked(Message("user", "hi"), Message("user", "")),
    asked(Message("assistant", "hi", (ToolCall("1", "f", "{}"),))),
    asked(Message("assistant", "hi", (ToolCall("1", "f", '{"a":1}'),))),
    asked(Message("assistant", "hi", (ToolCall("2", "f", "{}"),))),
    asked(Message("tool", "hi", (), "1", "f")),
    asked(Message("tool", "hi", (), "1", "f", is_error=True)),
    asked(Message("assistant", "hi", reasoning="so")),
    asked(Message("assistant", "hi", signature="so")),
    asked(system="hi"),
    asked(tools=ADD),
    asked(tools=(tool(name="f")(add),)),
    asked(tools=(tool(description="Sum up.")(add),)),
    asked(tools=(tool(name="add")(add_or_more),)),
    asked(tools=(*ADD, tool(name="f")(add))),
    asked(tools=(tool(name="f")(add), *ADD)),
    asked(options={"n": 1}),
    asked(options={"n": 1.0}),
    asked(options={"n": True}),
    asked(options={"n": "1"}),
    asked(options={"n": None}),
    asked(options={"n": float("nan")}),
    asked(options={"n": [1]}),
    asked(options={"n": {"1": 1}}),
    asked(options={"n": {1: 1}}),
    asked(options={"n": [["1", 1]]}),
    asked(options={"n": 2**70}),
    asked(options={"n": str(2**70)}),
    asked(options={"m": 1}),
    asked(options={"n": 1, "m": 1}),
    asked(output_schema={"type": "string"}),
    asked(output_schema={}),
    asked(Message("user", "\udc80")),
    asked(Message("user", "\\udc80")),
    asked(Message("user", "\udc80"), options={"n": [["1", 1]]}),
    asked(Message("user", "\udc80"), options={"n": {"1": 1}}),
]


def test_different_questions():
    assert len({key(request) for request in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asked(), asked(turn=3, timeout=5.0, cancel=CancelToken(), streamed="x")),
        (asked(), asked(options=MappingProxyType({}))),
        (asked(options={"a": {"c": 2, "d": 3}}), asked(options={"a": {"d": 3, "c": 2}})),
        (asked(options={"a": 1, "b": 2}), asked(options={"b": 2, "a": 1})),
        (asked(options={1: 2, 3: 4}), asked(options={3: 4, 1: 2})),
        (asked(options={"stop": ("a", "b")}), asked(options={"stop": ["a", "b"]})),
        (asked(options={1: {"stop": ("a",)}}), asked(options={1: {"stop": ["a"]}})),
        (asked(tools=ADD), asked(tools=(tool(add),))),
        (asked(options={"n": 2**70, "m": "\udc80"}), asked(options={"m": "\udc80", "n": 2**70})),
        (asked(output_schema={"a": 1, "b": 2}), asked(output_schema={"b": 2, "a": 1})),
    ],
)  # fmt: skip
def test_equal_questions(one, other):
    assert key(one) == key(other)


def test_models_of_another_name_have_keys_of_their_own():
    other = ScriptedModel()
    other.name = "other"
    provider = ScriptedModel()
    provider.provider = "other"
    elsewhere = ScriptedModel()
    elsewhere.address = "http://127.0.0.1:1/v1"
    keys = [RequestKeys(model) for model in (ScriptedModel(), other, provider, elsewhere)]
    assert len({make(asked()) for make in keys}) == 4
    assert len({make(asked(tools=ADD)) for make in keys}) == 4


def test_the_key_is_the_same_in_another_process():
    assert pickle.loads(pickle.dumps(RequestKeys(ScriptedNamed())))(asked()) == (
        RequestKeys(ScriptedNamed())(asked())
    )
    assert key(asked()).hex()[:32] == "73bcd0f0303f19a24867dcbafba5836e"


class ScriptedNamed(ScriptedModel):
    def __init__(self) -> None:
        """Have nothing that cannot be pickled."""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (object(), "Encoding objects of type object is unsupported"),
        ({1: 2, "a": 3}, "Only dicts with str keys"),
        ({"a": object(), "b": "\udc80"}, "object"),
    ],
)
def test_what_cannot_be_written_has_no_key(value, problem):
    with pytest.raises(ConfigurationError, match="cannot be cached, as it holds something") as err:
        key(asked(options={"n": value}))
    assert "check the agent's `options`, or ask the model without a cache" in str(err.value)
    assert problem in str(err.value) or "a object" in str(err.value)


def test_options_without_an_end_have_no_key():
    endless: dict[str, Any] = {}
    endless["n"] = endless
    with pytest.raises(ConfigurationError, match="recursion"):
        key(asked(options=endless))


def test_values_that_json_writes_alike_are_alike():
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert key(asked(options={"t": moment})) == key(asked(options={"t": moment}))


def test_the_keys_of_tools_are_kept_for_some_agents_only():
    make = RequestKeys(ScriptedModel())
    first = make(asked(tools=ADD))
    others = [(tool(name=f"t{number}")(add),) for number in range(200)]
    assert len({make(asked(tools=tools)) for tools in others}) == 200
    assert make(asked(tools=ADD)) == first == key(asked(tools=ADD))
    assert len(make._tools) <= 64


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "a", "1", "\udc80"])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "1"]) | st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
REQUESTS = st.builds(
    ModelRequest,
    conversations(),
    system=st.sampled_from(["", "Be brief."]),
    tools=st.sampled_from([(), ADD, (tool(add_or_more),)]),
    options=st.dictionaries(st.text(max_size=2), JSON, max_size=3),
    output_schema=st.none() | st.dictionaries(st.text(max_size=2), JSON, max_size=2),
)


def written(request: ModelRequest) -> str:
    """Write a question in another way than the key does: with types, and dicts in order."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return "dict", sorted((name, plain(item)) for name, item in value.items())
        if isinstance(value, list):
            return [plain(item) for item in value]
        return type(value).__name__, repr(value)

    tools = [(t.name, t.description, plain(t.parameters)) for t in request.tools]
    rest = plain(dict(request.options)), plain(request.output_schema)
    return repr((request.messages, request.system, tools, rest))


@given(REQUESTS, REQUESTS, st.data())
def test_keys_are_equal_where_the_questions_are(one, other, data):
    assert (key(one) == key(other)) == (written(one) == written(other))

    shuffled = dict(data.draw(st.permutations(list(one.options.items()))))
    assert key(replace(one, options=shuffled, turn=2)) == key(one)

    changed = data.draw(
        st.sampled_from(
            [
                replace(one, system=one.system + " "),
                replace(one, messages=[*one.messages, Message("user", "")]),
                replace(one, messages=[*one.messages[:-1], Message("assistant", "else" * 9)]),
                replace(one, options={**one.options, "new name": None}),
                replace(one, tools=(*one.tools, tool(name="another")(add))),
            ]
        )
    )
    assert key(changed) != key(one)
