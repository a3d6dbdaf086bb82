"""Connections: kept, shared, given up in time, and the user's own."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx
import pytest

from agno_cli import (
    CancelToken,
    ModelError,
    RunCancelled,
    TextDelta,
)
from agno_cli.models import _links
from agno_cli.models._retry import Patience
from agno_cli.models.openai import OpenAIModel
from tests.models.asking import (
    GOOD_STREAM,
    GOOD_WHOLE,
    KEY,
    QUICK,
    Ask,
    by_acomplete,
    by_complete,
    facts,
    failure,
    openai_at,
    question,
    server,
    streamed,
    whole,
)
from tests.models.fault_server import (
    HANG_UP,
    WAIT_FOR_CLIENT,
    FaultServer,
    Reply,
    answer,
    chunk,
    delta,
    events,
    head,
)

__all__ = ["server"]  # the fixture


async def exhaust(items: Any) -> None:
    async for _ in items:
        pass


def test_a_stream_closed_early_closes_its_connection(server: FaultServer) -> None:
    server.reply([*events(delta(content="Pa"), end=False), WAIT_FOR_CLIENT])
    stream = openai_at(server).stream(question())
    assert next(iter(stream)) == TextDelta("Pa")
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert server.left.wait(2)


def test_an_asynchronous_stream_closed_early_closes_its_connection(server: FaultServer) -> None:
    server.reply([*events(delta(content="Pa"), end=False), WAIT_FOR_CLIENT])

    async def first() -> object:
        stream = openai_at(server).astream(question())
        item = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # a generator
        assert await asyncio.to_thread(server.left.wait, 2)
        return item

    assert asyncio.run(first()) == TextDelta("Pa")


def test_a_cancelled_task_drops_its_request(server: FaultServer) -> None:
    server.reply([WAIT_FOR_CLIENT])

    async def cancel() -> None:
        task = asyncio.create_task(openai_at(server).acomplete(question()))
        await asyncio.to_thread(server.came.wait, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.left.wait, 2)

    asyncio.run(cancel())


@pytest.mark.parametrize("ask", [by_complete, by_acomplete])
def test_a_used_cancel_token_asks_nothing(server: FaultServer, ask: Ask) -> None:
    token = CancelToken()
    token.cancel()
    assert type(failure(ask, openai_at(server), cancel=token)) is RunCancelled
    assert server.requests == []


def test_cancelling_ends_the_wait_for_a_retry(server: FaultServer) -> None:
    server.reply(answer({}, 503, retry_after="30"))
    token = CancelToken()
    timer = threading.Timer(0.1, token.cancel)
    timer.start()
    started = time.monotonic()
    assert type(failure(by_complete, openai_at(server), cancel=token)) is RunCancelled
    assert time.monotonic() - started < 1
    timer.join()


def test_cancelling_ends_a_stream_at_its_next_piece(server: FaultServer) -> None:
    body: Reply = [*events(delta(content="Pa"), end=False)]
    for _ in range(100):
        body += [0.05, chunk(b": ping\n\n")]
    server.reply(body)
    token = CancelToken()
    stream = openai_at(server).stream(question(cancel=token))
    assert next(iter(stream)) == TextDelta("Pa")
    token.cancel()
    with pytest.raises(RunCancelled):
        next(iter(stream))


def test_a_cancelled_wait_for_a_retry_ends_with_its_task(server: FaultServer) -> None:
    server.reply(answer({}, 503, retry_after="30"))

    async def cancel() -> None:
        task = asyncio.create_task(openai_at(server).acomplete(question()))
        await asyncio.to_thread(server.came.wait, 2)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.monotonic()
    asyncio.run(cancel())
    assert time.monotonic() - started < 2


@pytest.fixture
def no_shared_client() -> Iterator[None]:
    _links.close_shared_link()
    yield
    _links.close_shared_link()


def test_connections_are_kept_and_shared(server: FaultServer, no_shared_client: None) -> None:
    server.reply(GOOD_WHOLE, GOOD_STREAM, GOOD_WHOLE)
    for ask in (by_complete, lambda model, request: list(model.stream(request)), by_complete):
        ask(openai_at(server), question())
    assert [request.connection for request in server.requests] == [1, 1, 1]
    openai_at(server).close()
    by_complete(openai_at(server), question())
    assert server.requests[-1].connection == 2


def test_connections_are_shared_within_an_event_loop(server: FaultServer) -> None:
    server.reply(GOOD_WHOLE, GOOD_STREAM, GOOD_WHOLE)

    async def ask() -> None:
        await openai_at(server).acomplete(question())
        await exhaust(openai_at(server).astream(question()))
        await openai_at(server).acomplete(question())

    asyncio.run(ask())
    asyncio.run(ask())
    assert [request.connection for request in server.requests] == [1, 1, 1, 2, 2, 2]
    assert _links._loop_links == {}


def test_a_loop_closed_by_hand(server: FaultServer) -> None:
    server.reply(GOOD_WHOLE)
    model = openai_at(server)

    async def ask() -> None:
        await model.acomplete(question())
        await model.aclose()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask())
    loop.close()
    assert _links._loop_links == {}


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_closed_by_hand_with_open_connections_is_forgotten(server: FaultServer) -> None:
    server.reply(GOOD_WHOLE)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    loop.run_until_complete(openai_at(server).acomplete(question()))
    loop.close()
    assert len(_links._loop_links) == 1
    by_acomplete(openai_at(server), question())
    assert _links._loop_links == {}
    del loop
    gc.collect()


def test_many_requests_at_once_do_not_mix(server: FaultServer) -> None:
    server.reply(GOOD_WHOLE)
    model = openai_at(server, patience=Patience(connect_seconds=60))

    async def ask(number: int) -> None:
        await model.acomplete(question(str(number)))

    async def ask_all() -> None:
        await asyncio.gather(*map(ask, range(200)))

    asyncio.run(ask_all())
    asked = sorted(int(request.body["messages"][0]["content"]) for request in server.requests)
    assert asked == list(range(200))


def test_a_client_of_the_user_s_own(server: FaultServer) -> None:
    server.reply(GOOD_WHOLE)
    with httpx.Client(headers={"x-team": "blue"}) as client:
        assert by_complete(openai_at(server, client=client), question()).model == "m-1"
    assert server.requests[0].headers["x-team"] == "blue"


async def test_an_asynchronous_client_of_the_user_s_own(server: FaultServer) -> None:
    server.reply(
        GOOD_WHOLE,
        GOOD_STREAM,
        [HANG_UP],
        [head(content_length="9"), b"x", HANG_UP],
        [WAIT_FOR_CLIENT],
    )
    async with httpx.AsyncClient(headers={"x-team": "blue"}) as client:
        model = openai_at(server, async_client=client)
        assert (await model.acomplete(question())).model == "m-1"
        await exhaust(model.astream(question()))
        with pytest.raises(ModelError, match="silent"):
            await model.acomplete(question())
    assert [request.headers["x-team"] for request in server.requests] == ["blue"] * 5


def test_the_environment_s_proxy_is_used(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, no_shared_client: None
) -> None:
    server.reply(GOOD_WHOLE)
    monkeypatch.setenv("http_proxy", server.url)
    model = OpenAIModel("m", base_url="http://api.example.com/v1", api_key=KEY, patience=QUICK)
    for ask in (by_complete, by_acomplete):
        assert ask(model, question()).message.content == "Paris."
    assert {request.path for request in server.requests} == {
        "http://api.example.com/v1/chat/completions"
    }
    monkeypatch.setenv("no_proxy", "example.com")
    assert not _links.is_proxied("http://api.example.com/v1")


@pytest.mark.parametrize(
    "broken",
    [
        _links._broken_aiohttp(aiohttp.InvalidURL("http://*"), 1),
        _links._broken_aiohttp(UnicodeError("label empty or too long"), 1),
        _links._broken_httpx(httpx.InvalidURL("http://*"), 1),
        _links._broken_httpx(UnicodeError("label empty or too long"), 1),
    ],
)
def test_a_host_that_cannot_be_is_not_asked_again(broken: _links.Broken) -> None:
    assert (broken.again, broken.retryable) == (False, False)


@whole
def test_a_server_that_does_not_speak_tls(server: FaultServer, ask: Ask) -> None:
    server.reply(GOOD_WHOLE)
    url = server.url.replace("http:", "https:")
    patience = Patience(retries=1, connect_seconds=0.3, backoff_seconds=0.01)
    error = failure(ask, OpenAIModel("m", base_url=url, patience=patience))
    assert facts(error)[:2] == ("openai", None)


def test_a_certificate_that_nobody_vouches_for_is_not_retried() -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    model = OpenAIModel("m", api_key=KEY, client=client)
    assert facts(failure(by_complete, model)) == ("openai", None, None, False)
    assert len(asked) == 1


def test_an_error_of_the_user_s_own_transport_stays_what_it_is() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise TimeoutError("mine")

    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    model = OpenAIModel("m", api_key=KEY, async_client=client)
    with pytest.raises(TimeoutError, match="mine"):
        by_acomplete(model, question(timeout=5.0))


@streamed
def test_what_follows_an_answer_is_read_and_ignored(server: FaultServer, ask: Ask) -> None:
    stream = events(delta(content="Paris."), delta("stop"))
    server.reply([*stream[:-1], 0.05, chunk(b": bye\n\n"), *stream[-1:]])
    assert ask(openai_at(server), question()).message.content == "Paris."


def test_a_broken_answer_stays_broken(server: FaultServer) -> None:
    server.reply([head(content_length="100"), b"x", HANG_UP])

    async def read_thrice() -> list[str]:
        link = await _links.loop_link(proxied=False)
        reply = await link.post(_links.Post(server.url, {}, b"{}", 1, 1))
        outcomes = []
        for _ in range(3):
            try:
                outcomes.append((await reply.read()).decode())
            except _links.Broken:
                outcomes.append("broken")
        await reply.aclose()
        return outcomes

    assert asyncio.run(read_thrice())[1:] == ["broken", "broken"]


def test_a_forked_child_does_not_touch_its_parent_s_connections(
    server: FaultServer, no_shared_client: None
) -> None:
    server.reply(GOOD_WHOLE)
    by_complete(openai_at(server), question())
    kept = _links._shared_client
    _links._forget_after_fork()
    assert _links._shared_client is None
    assert kept is not None
    assert not kept.is_closed
    kept.close()
