"""The scripted model: what it is told to say, when, and how it fails."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    CancelToken,
    ConfigurationError,
    Message,
    ModelError,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    ScriptedModel,
    TextDelta,
    ToolCall,
    Usage,
    say,
)
from agno_cli.models import StreamItem


def request(turn: int = 1, cancel: CancelToken | None = None) -> ModelRequest:
    return ModelRequest([Message("user", "hi")], turn=turn, cancel=cancel)


def streamed(model: ScriptedModel) -> list[StreamItem]:
    return list(model.stream(request()))


async def astreamed(model: ScriptedModel) -> list[StreamItem]:
    return [item async for item in model.astream(request())]


def test_say_writes_a_line():
    assert say("Hm.", ("f", {"a": 1}), ("g", {}), reasoning="first f", usage=Usage(3, 4)) == (
        ModelResponse(
            Message(
                "assistant",
                "Hm.",
                (ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", "{}")),
                reasoning="first f",
            ),
            Usage(3, 4),
            "tool_calls",
            "scripted",
        )
    )
    assert say("x").finish_reason == "stop"
    assert say("x", finish_reason="length").finish_reason == "length"


def test_a_list_is_followed_turn_by_turn_and_its_last_line_repeats():
    model = ScriptedModel(["one", say("two")])

    contents = [model.complete(request(turn)).message.content for turn in (1, 2, 3, 1)]

    assert contents == ["one", "two", "two", "one"]


def test_a_function_answers_the_request():
    model = ScriptedModel(lambda asked: asked.messages[-1].content + "!")

    assert model.complete(request()).message.content == "hi!"


async def test_both_ways_to_complete_give_the_same():
    model = ScriptedModel(["one"])

    assert await model.acomplete(request()) == model.complete(request()) == say("one")


def test_a_stream_gives_reasoning_then_words_then_the_whole():
    response = say("To be  or not.", reasoning="hm")

    assert streamed(ScriptedModel([response])) == [
        ReasoningDelta("hm"),
        TextDelta("To "),
        TextDelta("be "),
        TextDelta(" "),
        TextDelta("or "),
        TextDelta("not."),
        response,
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_pieces_of_a_stream_are_the_text(text):
    *pieces, whole = streamed(ScriptedModel([text]))

    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == text
    assert whole == say(text)
    assert asyncio.run(astreamed(ScriptedModel([text]))) == [*pieces, whole]


def test_each_run_raises_an_error_of_its_own():
    error = ModelError("down", provider="acme", status=503, request_id="r", retryable=True)
    model = ScriptedModel([error])
    raised = []

    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            model.complete(request())
        raised.append(caught.value)

    assert raised[0] is not raised[1]
    assert error not in raised
    assert error.__traceback__ is None
    assert str(raised[0]) == "acme: down (status 503, request id r, a retry could help)"


class Refused(Exception):
    def __init__(self, code: int, *, hint: str) -> None:
        self.code = code
        super().__init__(f"{code}: {hint}")


@pytest.mark.parametrize(
    "error",
    [
        ModelError("down", provider="acme"),
        OSError(2, "gone"),
        KeyError("x"),
        Refused(7, hint="wait"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ],
)
async def test_every_kind_of_error_can_be_scripted(error):
    model = ScriptedModel([error])

    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            model.complete(request())
        assert str(caught.value) == str(error)
        with pytest.raises(type(error)):
            await model.acomplete(request())
        with pytest.raises(type(error)):
            streamed(model)
        with pytest.raises(type(error)):
            await astreamed(model)


async def test_a_delay_is_waited_for_and_does_not_block_the_loop():
    model = ScriptedModel(["one two"], delay=0.03)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    began = time.monotonic()
    await asyncio.gather(*(model.acomplete(request()) for _ in range(50)))
    first = time.monotonic() - began
    await astreamed(model)
    ticking.cancel()

    assert 0.03 <= first < 1
    assert ticks > 5


def test_a_delay_in_a_thread():
    model = ScriptedModel(["one two"], delay=0.03)
    began = time.monotonic()

    model.complete(request())
    streamed(model)

    assert time.monotonic() - began >= 0.06


def test_a_delay_ends_with_the_cancellation_of_the_run():
    token = CancelToken()
    token.cancel()
    began = time.monotonic()

    ScriptedModel(["one"], delay=5).complete(request(cancel=token))

    assert time.monotonic() - began < 1


@pytest.mark.parametrize("script", [[], (), "Hello", "", [5], [None], 5, [["nested"]]])
def test_a_script_that_cannot_be_followed(script):
    with pytest.raises(ConfigurationError):
        ScriptedModel(script)


@pytest.mark.parametrize("answer", [None, 5])
def test_a_function_that_gives_no_answer_is_told_so(answer):
    from agno_cli import AgnoError

    with pytest.raises(AgnoError, match=str(answer)):
        Agent(ScriptedModel(lambda _: answer)).run("hi")


def test_its_name():
    assert repr(ScriptedModel()) == "<ScriptedModel scripted:scripted>"
    assert ScriptedModel(native_schema=True).native_schema


def test_a_line_that_is_no_text():
    wrong: object = 5

    with pytest.raises(ConfigurationError, match="5 is nothing to say; give a text"):
        say(wrong)  # type: ignore[arg-type]  # as a user might write
