"""An answer is asked for once: hits, streams, equal requests at the same time, and failures."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CachedModel,
    ConfigurationError,
    MemoryCache,
    Message,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    ScriptedModel,
    SqliteCache,
    TextDelta,
    Usage,
    say,
    tool,
)
from agno_cli.models import StreamItem
from agno_cli.models.caches import CachedAnswer
from tests.models.asking import (
    by_complete,
    every_way,
    question,
)
from tests.models.caching import (
    NOTHING,
    WAYS,
    free,
    is_idle,
    store,
)
from tests.models.wrapping import Busy, answer_to

__all__ = ["store"]  # the fixture


@every_way
@pytest.mark.parametrize("again", WAYS)
def test_the_second_time_nothing_is_asked_and_nothing_used(store, ask, again):
    busy = Busy(0.0)
    cached = CachedModel(busy, store=store)
    assert ask(cached, question("a")) == answer_to(question("a"))
    assert again(cached, question("a")) == free(answer_to(question("a")))
    assert again(cached, question("b")) == answer_to(question("b"))
    assert (busy.calls, is_idle(cached)) == (2, True)


def test_a_stream_is_replayed_in_its_pieces(store):
    cached = CachedModel(Busy(0.0), store=store)
    first = list(cached.stream(question("a")))
    again = list(cached.stream(question("a")))

    async def replayed() -> list[StreamItem]:
        return [item async for item in cached.astream(question("a"))]

    assert first == [TextDelta("to "), TextDelta("a"), say("to a")]
    assert again == asyncio.run(replayed()) == [*first[:2], free(say("to a"))]


def test_an_answer_that_was_not_streamed_comes_in_a_piece_of_each_kind():
    cached = CachedModel(ScriptedModel([say("To be", reasoning="hm")]))
    cached.complete(question())
    expected = [ReasoningDelta("hm"), TextDelta("To be"), free(say("To be", reasoning="hm"))]
    assert list(cached.stream(question())) == expected
    silent = CachedModel(ScriptedModel([say("", ("f", {}))]))
    silent.complete(question())
    assert list(silent.stream(question())) == [free(say("", ("f", {})))]


def test_models_that_share_a_store_have_their_own_answers():
    store: dict[bytes, CachedAnswer] = {}
    other = ScriptedModel(["other"])
    other.name = "other"
    assert CachedModel(ScriptedModel(["one"]), store=store).complete(question()) == say("one")
    assert CachedModel(other, store=store).complete(question()) == say("other")
    assert CachedModel(Busy(), store=store).complete(question()) == answer_to(question())
    assert len(store) == 3


@every_way
def test_errors_are_not_kept(ask):
    script: list[Any] = [ModelError("down", provider="acme", retryable=True), say("up")]
    cached = CachedModel(ScriptedModel(lambda _: script.pop(0)))
    with pytest.raises(ModelError, match="acme: down"):
        ask(cached, question())
    assert ask(cached, question()) == say("up")
    assert ask(cached, question()) == free(say("up"))


def test_a_stream_that_is_closed_early_is_not_kept():
    busy = Busy(0.0)
    cached = CachedModel(busy)
    stream = cached.stream(question("a"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]

    async def half() -> None:
        pieces = cached.astream(question("a"))
        await anext(aiter(pieces))
        await pieces.aclose()  # type: ignore[attr-defined]

    asyncio.run(half())
    assert (is_idle(cached), busy.now, len(cached.store)) == (True, 0, 0)  # type: ignore[arg-type]
    assert cached.complete(question("a")) == answer_to(question("a"))


def test_a_stream_that_is_closed_after_its_answer_is_kept():
    cached = CachedModel(Busy(0.0))
    stream = cached.stream(question("a"))
    assert [next(stream) for _ in range(3)][-1] == say("to a")
    assert by_complete(cached, question("a")) == free(say("to a"))  # in the same thread
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("store", [3, MemoryCache, "file.db", [], dict])
def test_what_is_no_store(store):
    with pytest.raises(ConfigurationError, match="give a `MemoryCache`, a `SqliteCache` or a dict"):
        CachedModel(Busy(), store=store)


class Full(dict[bytes, CachedAnswer]):
    def __setitem__(self, key: bytes, answer: CachedAnswer) -> None:
        raise OSError("no space left")


@every_way
def test_an_answer_that_cannot_be_kept_is_given(ask, caplog):
    cached = CachedModel(Busy(0.0), store=Full())
    with caplog.at_level(logging.WARNING, "agno_cli"):
        assert ask(cached, question("a")) == answer_to(question("a"))
    assert caplog.messages == ["an answer could not be cached: no space left"]
    assert is_idle(cached)


@every_way
def test_a_store_that_cannot_be_read_raises(ask, tmp_path):
    (tmp_path / "a.db").mkdir()
    cached = CachedModel(Busy(0.0), store=SqliteCache(tmp_path / "a.db"))
    with pytest.raises(ConfigurationError, match="for cached answers"):
        ask(cached, question())


@every_way
def test_what_a_model_gives_instead_of_an_answer_is_handed_on(ask):
    class Odd(Model):
        def complete(self, request: ModelRequest) -> Any:
            return "text"

        def stream(self, request: ModelRequest) -> Iterator[Any]:
            yield "text"

    store: dict[bytes, CachedAnswer] = {}
    cached = CachedModel(Odd(), store=store)
    with suppress(AssertionError):  # the stream's last item is no response
        assert ask(cached, question()) == "text"
    assert (store, is_idle(cached)) == ({}, True)


def test_tool_calls_in_an_agent():
    calls = 0

    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        nonlocal calls
        calls += 1
        return a + b

    model = CachedModel(ScriptedModel([say("", ("add", {"a": 1, "b": 2})), say("3")]))
    agent = Agent(model, tools=[add])
    outputs = [agent.run("1 + 2?") for _ in range(3)]
    assert [output.content for output in outputs] == ["3", "3", "3"]
    assert [output.usage for output in outputs] == [Usage(2, 2, requests=2), NOTHING, NOTHING]
    assert outputs[0].messages == outputs[2].messages
    assert calls == 3


class Plain(Model):
    provider = "plain"

    def complete(self, request: ModelRequest) -> ModelResponse:
        return answer_to(request)


def test_a_pickled_model_has_an_empty_cache():
    cached = CachedModel(Plain())
    cached.complete(question("a"))
    copy = pickle.loads(pickle.dumps(cached))
    assert copy.complete(question("a")) == answer_to(question("a"))
    assert copy.complete(question("a")) == free(answer_to(question("a")))
    asked = ModelRequest([Message("user", "a")])
    assert copy._key(asked) == cached._key(asked)


def test_closing_closes_the_store(tmp_path):
    store = SqliteCache(tmp_path / "a.db")
    cached = CachedModel(Plain(), store=store)
    cached.complete(question("a"))
    cached.close()
    assert store._database._open == []
    assert cached.complete(question("a")) == free(answer_to(question("a")))
    store.close()
    CachedModel(Plain(), store={}).close()
