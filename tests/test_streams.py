"""What streams yield, and what they release when they are closed early."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from msgspec.structs import replace

from agno_cli import (
    Agent,
    AgnoError,
    CancelToken,
    Event,
    Limits,
    Memory,
    Model,
    ModelError,
    ModelRequest,
    OutputInvalid,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    ScriptedModel,
    TextDelta,
    ToolCall,
    ToolCallFinished,
    ToolCallStarted,
    ToolResult,
    TurnFinished,
    Usage,
    say,
)


def stream(agent: Agent, **given: Any) -> list[Event]:
    return list(agent.stream("hi", **given))


def astream(agent: Agent, **given: Any) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in agent.astream("hi", **given)]

    return asyncio.run(collect())


both = pytest.mark.parametrize("events_of", [stream, astream])


def add(a: int, b: int = 1) -> int:
    return a + b


@both
def test_events_in_the_order_in_which_things_happen(events_of):
    model = ScriptedModel(
        [
            say("Let me see.", ("add", {"a": 1}), reasoning="sums", usage=Usage(3, 2)),
            say("It is 2.", usage=Usage(5, 4)),
        ]
    )
    agent = Agent(model, name="clerk", tools=[add])

    *events, last = events_of(agent)

    assert isinstance(last, RunFinished)
    call = ToolCall("call_1", "add", '{"a":1}')
    assert [untimed(event) for event in events] == [
        RunStarted(last.output.run_id, "clerk", "scripted:scripted"),
        ReasoningDelta("sums"),
        TextDelta("Let "),
        TextDelta("me "),
        TextDelta("see."),
        ToolCallStarted(call),
        ToolCallFinished(ToolResult("call_1", "add", "2")),
        TurnFinished(1, Usage(3, 2)),
        TextDelta("It "),
        TextDelta("is "),
        TextDelta("2."),
        TurnFinished(2, Usage(5, 4)),
    ]
    assert last.output.content == "It is 2."


def untimed(event: Event) -> Event:
    if isinstance(event, ToolCallFinished):
        return ToolCallFinished(replace(event.result, seconds=0.0))
    return event


@both
def test_every_turn_finishes_also_those_of_the_output_tool(events_of):
    """A turn's usage is told whatever the turn ended in, so that the sum is the run's."""
    script = [
        say("", ("final_answer", {"value": "seven"}), usage=Usage(1, 10)),
        say("", ("add", {"a": 1}), usage=Usage(1, 20)),
        say("", ("final_answer", {"value": 7}), usage=Usage(1, 30)),
    ]
    agent = Agent(ScriptedModel(script), tools=[add], output_type=int)

    assert [event for event in events_of(agent) if isinstance(event, TurnFinished)] == [
        TurnFinished(1, Usage(1, 10)),
        TurnFinished(2, Usage(1, 20)),
        TurnFinished(3, Usage(1, 30)),
    ]


class Twice(Model):
    """Streams two responses, and a `complete` that is never wanted."""

    def stream(self, request: Any) -> Any:
        yield TextDelta("first")
        yield say("first")
        yield say("second")

    async def astream(self, request: Any) -> Any:
        for item in self.stream(request):
            yield item


class Wordless(Model):
    """Streams pieces, and never the whole."""

    def stream(self, request: Any) -> Any:
        yield TextDelta("half a sen")

    async def astream(self, request: Any) -> Any:
        for item in self.stream(request):
            yield item


@both
def test_the_last_of_two_responses_counts(events_of):
    last = events_of(Agent(Twice()))[-1]

    assert isinstance(last, RunFinished)
    assert last.output.content == "second"


@both
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
def test_a_stream_without_a_response(events_of, limits):
    with pytest.raises(ModelError, match="gave nothing, not a ModelResponse"):
        events_of(Agent(Wordless(), limits=limits))


class Listed(Model):
    """Streams from iterators that are no generators and cannot be closed."""

    def stream(self, request: ModelRequest) -> Iterator[Any]:
        return iter([TextDelta("x"), say("x")])

    def astream(self, request: ModelRequest) -> AsyncIterator[Any]:
        return Pieces([TextDelta("x"), say("x")])


class Pieces:
    def __init__(self, left: list[Any]) -> None:
        self.left = left

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> Any:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


@both
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
def test_a_model_may_stream_from_any_iterator(events_of, limits):
    *_, last = events_of(Agent(Listed(), limits=limits))

    assert isinstance(last, RunFinished)
    assert last.output.content == "x"


class Endless(Model):
    """Streams words for ever, and tells when it is made to end."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def stream(self, request: ModelRequest) -> Iterator[Any]:
        try:
            while True:
                yield TextDelta("word ")
                time.sleep(0.001)
        finally:
            self.closed.set()

    async def astream(self, request: ModelRequest) -> AsyncIterator[Any]:
        try:
            while True:
                yield TextDelta("word ")
                await asyncio.sleep(0.001)
        finally:
            await asyncio.sleep(0)  # closing may need the loop, as that of a connection does
            self.closed.set()


def test_closing_a_stream_closes_the_model_and_leaves_memory():
    model, memory = Endless(), Memory()

    with closing(Agent(model, memory=memory).stream("hi")) as events:
        seen = [next(events) for _ in range(3)]

    assert [type(event) for event in seen] == [RunStarted, TextDelta, TextDelta]
    assert model.closed.is_set()
    assert memory.load() == []


@pytest.mark.parametrize("given", [{"cancel": CancelToken()}, {}])
def test_closing_a_stream_that_may_be_stopped_closes_the_model_soon(given):
    """Its model is read in a thread, which looks up at the next piece."""
    model = Endless()
    limits = Limits() if given else Limits(seconds=60)

    with closing(Agent(model, limits=limits).stream("hi", **given)) as events:
        for event in events:
            if isinstance(event, TextDelta):
                break

    assert model.closed.wait(5)


def test_a_stream_that_is_dropped_is_closed():
    model = Endless()
    for event in Agent(model).stream("hi"):
        if isinstance(event, TextDelta):
            break
    del event

    gc.collect()

    assert model.closed.is_set()


@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
async def test_closing_an_asynchronous_stream_closes_the_model_first(limits):
    model, memory = Endless(), Memory()

    async with aclosing(Agent(model, memory=memory, limits=limits).astream("hi")) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break

    assert model.closed.is_set()
    assert memory.load() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_closing_an_asynchronous_stream_ends_its_tools_first():
    ended = []

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    def quick() -> str:
        return "done"

    model = ScriptedModel(
        [say("", ("wait", {"name": "a"}), ("quick", {}), ("wait", {"name": "b"}))]
    )

    async with aclosing(Agent(model, tools=[wait, quick]).astream("hi")) as events:
        async for event in events:
            if isinstance(event, ToolCallFinished):
                break

    assert sorted(ended) == ["a", "b"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_the_task_that_reads_a_stream_closes_everything():
    model = Endless()

    async def read() -> None:
        async for _ in Agent(model).astream("hi"):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert model.closed.is_set()


async def test_a_stream_that_is_never_read_does_nothing():
    calls: list[ModelRequest] = []

    def answer(request: ModelRequest) -> str:
        calls.append(request)
        return "ok"

    agent = Agent(ScriptedModel(answer))
    agent.stream("hi")
    events = agent.astream("hi")
    await events.aclose()

    assert calls == []


def test_a_text_is_read_as_it_comes():
    """Not at the end: the second piece has not been made when the first one is seen."""
    made: list[str] = []

    class Slow(Model):
        def stream(self, request: ModelRequest) -> Iterator[Any]:
            for word in ("one ", "two"):
                made.append(word)
                yield TextDelta(word)
            yield say("one two")

    events = Agent(Slow()).stream("hi")
    assert isinstance(next(events), RunStarted)
    assert next(events) == TextDelta("one ")
    assert made == ["one "]
    events.close()


class Cut(Model):
    """Breaks, hangs or is stopped after half a sentence."""

    def __init__(self, then: str) -> None:
        self.then = then

    def stream(self, request: ModelRequest) -> Iterator[Any]:
        yield TextDelta("half a ")
        yield TextDelta("sentence")
        if self.then == "breaks":
            raise ModelError("cut off", provider="acme")
        assert request.cancel is not None
        while not request.cancel.cancelled:
            time.sleep(0.005)

    async def astream(self, request: ModelRequest) -> AsyncIterator[Any]:
        yield TextDelta("half a ")
        yield TextDelta("sentence")
        if self.then == "breaks":
            raise ModelError("cut off", provider="acme")
        await asyncio.sleep(5)


@both
@pytest.mark.parametrize("then", ["breaks", "hangs"])
def test_words_of_a_stream_that_breaks_are_in_the_error(events_of, then):
    """The user has seen them; as a message they would be half a one, so they are none."""
    limits = Limits(seconds=0.1) if then == "hangs" else Limits()

    with pytest.raises(AgnoError) as caught:
        events_of(Agent(Cut(then), limits=limits))

    assert caught.value.output is not None
    assert caught.value.output.content == "half a sentence"
    assert [message.role for message in caught.value.output.messages] == ["user"]


def test_the_last_turn_of_a_run_that_fails_is_reported_too():
    agent = Agent(ScriptedModel(["no number"]), output_type=int, limits=Limits(output_retries=0))
    seen: list[Event] = []

    with pytest.raises(OutputInvalid):
        seen.extend(agent.stream("hi"))

    assert seen[-1] == TurnFinished(1, Usage(1, 1))


async def test_the_last_turn_of_an_awaited_run_that_fails_is_reported_too():
    agent = Agent(ScriptedModel(["no number"]), output_type=int, limits=Limits(output_retries=0))
    seen: list[Event] = []

    async def collect() -> None:
        async for event in agent.astream("hi"):
            seen.append(event)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(OutputInvalid):
        await collect()

    assert seen[-1] == TurnFinished(1, Usage(1, 1))
