"""Any conversation that a run may leave behind, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from agno_cli import Message, ToolCall

TEXTS = st.one_of(
    st.sampled_from(["", " ", "hi", "{", "[1]"]), st.text(st.characters(codec="utf-8"))
)
IDS = st.sampled_from(["call_1", "call_1", "functions.add:0", "é", "toolu_1", "x" * 70])
CALLS = st.lists(
    st.builds(ToolCall, IDS, TEXTS, st.one_of(TEXTS, st.just('{"a": 1}'))),
    max_size=3,
    unique_by=lambda call: call.id,
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Draw turns: the user's message, calls with their results, an answer."""
    messages: list[Message] = []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(TEXTS.filter(str.strip))))
        for calls in draw(st.lists(CALLS.filter(bool), max_size=2)):
            reasoning, signature = draw(TEXTS), draw(st.sampled_from(["", "sig", "[", "[]"]))
            said = Message(
                "assistant", draw(TEXTS), tuple(calls), reasoning=reasoning, signature=signature
            )
            messages.append(said)
            messages += [
                Message("tool", draw(TEXTS), (), call.id, call.name, draw(st.booleans()))
                for call in calls
            ]
        messages.append(Message("assistant", draw(TEXTS)))
    return messages
