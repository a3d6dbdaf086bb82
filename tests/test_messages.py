"""The values that flow: plain, frozen, and the same after a trip through JSON."""

from __future__ import annotations

import copy
import gc
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import Message, ModelResponse, RunOutput, Timings, ToolCall, ToolResult, Usage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
calls = st.builds(ToolCall, texts, texts, texts)
messages = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool"]),
    texts,
    st.lists(calls, max_size=3).map(tuple),
    texts,
    texts,
    st.booleans(),
    texts,
    texts,
)
usages = st.builds(Usage, *[st.integers(0, 2**40)] * 5)


@given(messages)
def test_a_message_survives_json_pickle_and_copy(message):
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message
    assert pickle.loads(pickle.dumps(message)) == message
    assert copy.deepcopy(message) == message


def test_a_message_is_written_without_what_it_does_not_say():
    assert msgspec.json.encode(Message("user", "hi")) == b'{"role":"user","content":"hi"}'


@given(usages, usages, usages)
def test_usage_adds_up_in_any_order(one, two, three):
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert (one + two).total_tokens == one.total_tokens + two.total_tokens


def test_usage_of_one_request():
    assert Usage(3, 4) + Usage(1, 1, 1, 1) == Usage(4, 5, 1, 1, requests=2)
    assert Usage(3, 4).total_tokens == 7


def test_the_frameworks_share_of_the_time_is_the_rest():
    timings = Timings(total=3.0, model=1.5, tools=0.5)

    assert timings.framework == 1.0


def test_an_output_tells_where_its_time_went():
    output = RunOutput("id", "", [], Usage(), 1, 3.0, 1.5, 0.5)

    assert output.timings == Timings(total=3.0, model=1.5, tools=0.5)


@pytest.mark.parametrize(
    "value",
    [
        Message("assistant", "x", (ToolCall("1", "f", "{}"),)),
        ModelResponse(Message("assistant")),
        ToolResult("1", "f", "x"),
        Usage(),
        Timings(1, 1, 1),
    ],
)
def test_values_are_frozen_and_never_visited_by_the_collector(value):
    name = value.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(value, name, None)
    assert not gc.is_tracked(value)
