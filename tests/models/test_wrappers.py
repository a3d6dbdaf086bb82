"""What holds for all wrappers, alone and in any order, over all four ways to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

import agno_cli
import agno_cli.models as public
from agno_cli import (
    Agent,
    CachedModel,
    ConcurrencyLimit,
    ConfigurationError,
    FallbackModel,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    RateLimit,
    RetryPolicy,
    ScriptedModel,
    Usage,
    say,
    tool,
)
from tests.faces import FACES, every_face, transcript
from tests.models.asking import (
    by_acomplete,
    by_astream,
    by_complete,
    by_stream,
    every_way,
    question,
)
from tests.models.wrapping import Busy, answer_to

WAYS = [by_complete, by_acomplete, by_stream, by_astream]
WRAP: dict[str, Callable[[Model], Model]] = {
    "limit": lambda model: ConcurrencyLimit(model, 3),
    "rate": lambda model: RateLimit(model, requests=1e6, tokens=1e9),
    "retry": lambda model: RetryPolicy(model, backoff_seconds=0.001),
    "fallback": lambda model: FallbackModel(model, ScriptedModel(["stand-in"])),
    "cache": CachedModel,
}
ORDERS = [*[(name,) for name in WRAP], *permutations(WRAP)]
some_orders = pytest.mark.parametrize("order", ORDERS[:5] + ORDERS[5::7], ids="-".join)


def wrapped(model: Model, order: tuple[str, ...]) -> Model:
    for name in order:
        model = WRAP[name](model)
    return model


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_in_any_order_they_answer_like_the_model(order):
    busy = Busy(0.0)
    model = wrapped(busy, order)
    for way in WAYS:
        assert way(model, question(way.__name__)) == answer_to(question(way.__name__))
    assert (busy.calls, busy.now) == (4, 0)
    assert (model.provider, model.name, model.native_schema) == ("busy", "bee", False)


@some_orders
@every_way
def test_a_failure_that_passes(order, ask):
    """Where something retries or stands in, the answer comes; else the error, as it is."""
    script: list[Any] = [ModelError("down", provider="acme", retryable=True), say("up")]
    model = wrapped(ScriptedModel(lambda _: script.pop(0)), order)
    expected = None
    for name in order:  # the one nearest to the model decides
        if name in ("retry", "fallback"):
            expected = {"retry": "up", "fallback": "stand-in"}[name]
            break
    if expected is None:
        with pytest.raises(ModelError, match="acme: down"):
            ask(model, question())
    else:
        assert ask(model, question()).message.content == expected


@some_orders
def test_threads_and_tasks_at_once(order):
    busy = Busy(0.001)
    model = wrapped(busy, order)

    async def tasks(name: str) -> list[str]:
        asked = [model.acomplete(question(f"{name}{n}")) for n in range(20)]
        return [response.message.content for response in await asyncio.gather(*asked)]

    def one(number: int) -> str:
        way = by_stream if number % 2 else by_complete
        return way(model, question(str(number))).message.content

    with ThreadPoolExecutor(10) as pool:
        loops = [pool.submit(asyncio.run, tasks(name)) for name in "ab"]
        answers = list(pool.map(one, range(40)))
    assert answers == [f"to {number}" for number in range(40)]
    assert loops[1].result() == [f"to b{number}" for number in range(20)]
    assert busy.calls == 80
    assert busy.now == 0
    if "limit" in order:
        assert busy.most <= 3


@some_orders
@pytest.mark.parametrize("face", FACES)
def test_tools_and_structured_output_in_an_agent(order, face):
    class Sum(Struct):
        value: int

    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    # Its stand-in has no native schema, so a fallback is given the output tool.
    for native in (False,) if "fallback" in order else (True, False):
        last = say('{"value":3}') if native else say("", ("final_answer", {"value": 3}))
        script = [say("", ("add", {"a": 1, "b": 2})), last]
        plain = ScriptedModel(script, native_schema=native)
        models = (plain, wrapped(plain, order))
        agents = [Agent(model, tools=[add], output_type=Sum) for model in models]
        expected, output = [face(agent, "1 + 2?") for agent in agents]
        assert transcript(output) == transcript(expected)
        assert (output.data, output.usage) == (expected.data, expected.usage)


@pytest.mark.parametrize("name", WRAP)
@every_face
def test_streams_have_the_pieces_of_the_model(name, face):
    agent = Agent(wrapped(ScriptedModel(["To be or not."]), (name,)))
    assert face(agent).content == "To be or not."
    events = [type(event).__name__ for event in agent.stream("again")]
    assert events.count("TextDelta") == 4


def test_a_schema_is_native_as_the_model_has_it():
    for name, wrap in WRAP.items():
        model = wrap(ScriptedModel(native_schema=True))
        assert model.native_schema == (name != "fallback")  # its stand-in has none


def test_only_a_fallback_never_waits():
    assert {name: wrap(ScriptedModel()).quick for name, wrap in WRAP.items()} == {
        "limit": False, "rate": False, "retry": False, "fallback": True, "cache": False,
    }  # fmt: skip


def test_a_model_may_be_given_by_name():
    for model in (
        ConcurrencyLimit("scripted:hi", 1),
        RateLimit("scripted:hi", requests=60),
        RetryPolicy("scripted:hi"),
        FallbackModel("scripted:hi", "scripted:ho"),
        CachedModel("scripted:hi"),
    ):
        assert model.complete(question()) == say("hi")
    with pytest.raises(ConfigurationError, match="names no provider"):
        CachedModel("nonsense")


def test_they_say_what_they_wrap():
    model = CachedModel(FallbackModel(Busy(), ScriptedModel()))
    assert repr(model) == (
        "<CachedModel of <FallbackModel of <Busy busy:bee>, <ScriptedModel scripted:scripted>>>"
    )


class Closing(Model):
    def __init__(self) -> None:
        self.closed: list[str] = []

    def complete(self, request: ModelRequest) -> ModelResponse:
        return say("ok")

    def close(self) -> None:
        self.closed.append("close")

    async def aclose(self) -> None:
        self.closed.append("aclose")


@pytest.mark.parametrize("order", [*[(name,) for name in WRAP], tuple(WRAP)], ids="-".join)
def test_closing_closes_what_is_inside(order):
    inner = Closing()
    model: Any = wrapped(inner, order)
    model.close()
    asyncio.run(model.aclose())
    assert inner.closed == ["close", "aclose"]
    without: Any = wrapped(Busy(), order)
    without.close()
    asyncio.run(without.aclose())


class Bare(Model):
    """Gives streams that cannot be closed."""

    def stream(self, request: ModelRequest) -> Any:
        return iter([say("bare")])

    def astream(self, request: ModelRequest) -> Any:
        class Stream:
            items = iter([say("bare")])

            def __aiter__(self) -> Any:
                return self

            async def __anext__(self) -> Any:
                for item in self.items:
                    return item
                raise StopAsyncIteration

        return Stream()


@pytest.mark.parametrize("name", WRAP)
def test_a_stream_without_a_way_to_close_it(name):
    assert by_stream(wrapped(Bare(), (name,)), question()) == say("bare")
    assert by_astream(wrapped(Bare(), (name,)), question()) == say("bare")


@pytest.mark.parametrize("name", WRAP)
def test_a_stream_that_is_left_early_is_closed(name):
    busy = Busy(0.0)
    model = wrapped(busy, (name,))
    stream: Any = model.stream(question())
    next(stream)
    assert busy.now == 1
    stream.close()
    assert busy.now == 0

    async def leave() -> None:
        astream: Any = model.astream(question())
        await anext(astream)
        await astream.aclose()

    asyncio.run(leave())
    assert busy.now == 0


@given(st.lists(st.sampled_from(sorted(WRAP)), max_size=6), st.data())
def test_any_heap_of_wrappers_gives_each_its_own_answer(order, data):
    busy = Busy(0.0)
    model = wrapped(busy, tuple(order))
    texts = data.draw(st.lists(st.sampled_from("abc"), max_size=8))
    used = Usage(requests=0)
    for text in texts:
        response = data.draw(st.sampled_from(WAYS))(model, question(text))
        assert response.message == answer_to(question(text)).message
        used += response.usage
    expected = len(set(texts)) if "cache" in order else len(texts)
    assert (busy.calls, used.requests) == (expected, expected)


def test_the_public_names():
    for name in public.__all__:
        assert getattr(public, name) is not None
        if name in agno_cli.__all__:
            assert getattr(agno_cli, name) is getattr(public, name)
    with pytest.raises(AttributeError, match="has no attribute `nonsense`"):
        getattr(public, "nonsense")  # noqa: B009 - type checkers know it is not there
