"""JSON of any text, with or without lone surrogates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import Message, ToolCall
from agno_cli._json import from_json, sorted_json, to_json

any_text = st.text(st.characters())  # with lone surrogates


@given(any_text, any_text)
def test_every_text_comes_back(content, arguments):
    messages = [Message("assistant", content, (ToolCall("1", "add", arguments),))]
    text = to_json(messages)
    assert from_json(text, list[Message]) == messages
    assert "\n" not in text
    text.encode()


@pytest.mark.parametrize("lone", ["", "\ud800"])
def test_equal_values_give_one_sorted_text(lone):
    first = {"b": 1.5, "a": {lone, "x"}, "c": complex(1, 2), 20: None, 3: True}
    second = {3: True, 20: None, "c": complex(1, 2), "a": {"x", lone}, "b": 1.5}
    text = sorted_json(first)
    assert text == sorted_json(second)
    assert list(from_json(text, dict[str, object]).items()) == [
        ("20", None),
        ("3", True),
        ("a", [lone, "x"] if lone < "x" else ["x", lone]),
        ("b", 1.5),
        ("c", "(1+2j)"),
    ]


@pytest.mark.parametrize("text", ["", "{", '{"role": "user"}', '[{"role": "nobody"}]', b"\xff"])
def test_what_does_not_fit_is_a_value_error(text):
    with pytest.raises(ValueError, match=r".+"):
        from_json(text, list[Message])
