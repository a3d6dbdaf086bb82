"""A server that fails in every way: a typed error or a successful retry, in time, no damage."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Any

import pytest

from agno_cli import (
    Agent,
    CredentialsError,
    LimitReached,
    Limits,
    Memory,
    Message,
    ModelError,
    ModelResponse,
)
from agno_cli.models import _http
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
    every_way,
    facts,
    failure,
    good,
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
    completion,
    delta,
    event,
    events,
    head,
)

__all__ = ["server"]  # the fixture


@every_way
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_passing_refusal_is_retried(server: FaultServer, ask: Ask, status: int) -> None:
    server.reply(answer({"error": {"message": "later"}}, status), good(ask))
    assert ask(openai_at(server), question()).message.content == "Paris."
    assert len(server.requests) == 2


@every_way
def test_retry_after_is_waited_for(server: FaultServer, ask: Ask) -> None:
    server.reply(
        answer({}, 429, retry_after="0.2"), answer({}, 429, retry_after_ms="100"), good(ask)
    )
    started = time.monotonic()
    assert ask(openai_at(server), question()).message.content == "Paris."
    assert 0.3 <= time.monotonic() - started < 2


def test_retry_after_may_be_a_date(server: FaultServer) -> None:
    date = formatdate(time.time() + 1, usegmt=True)
    server.reply(answer({}, 503, retry_after=date), GOOD_WHOLE)
    started = time.monotonic()
    by_complete(openai_at(server), question())
    assert 0.0 <= time.monotonic() - started < 3


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "", "Thu, 99 Foo 2026"])
def test_an_unreadable_retry_after_is_no_reason_to_wait(server: FaultServer, text: str) -> None:
    server.reply(answer({}, 503, retry_after=text), GOOD_WHOLE)
    assert by_complete(openai_at(server), question()).message.content == "Paris."


@whole
def test_a_retry_after_beyond_patience_fails_at_once(server: FaultServer, ask: Ask) -> None:
    server.reply(answer({"error": {"message": "come back tomorrow"}}, 429, retry_after="86400"))
    error = failure(ask, openai_at(server))
    assert str(error) == "openai: come back tomorrow (status 429, a retry could help)"
    assert len(server.requests) == 1


@every_way
def test_a_lasting_refusal_is_reported_after_the_last_attempt(
    server: FaultServer, ask: Ask
) -> None:
    server.reply(answer({"error": {"message": "broken"}}, 500, x_request_id="req-7"))
    error = failure(ask, openai_at(server))
    assert facts(error) == ("openai", 500, "req-7", True)
    assert str(error) == "openai: broken (status 500, request id req-7, a retry could help)"
    assert len(server.requests) == 3


@every_way
def test_a_wrong_request_is_not_retried(server: FaultServer, ask: Ask) -> None:
    server.reply(answer({"error": {"message": "no such model"}}, 404))
    error = failure(ask, openai_at(server))
    assert str(error) == "openai: no such model (status 404, a retry would not help)"
    assert len(server.requests) == 1


def test_a_provider_may_know_better_than_the_status(server: FaultServer) -> None:
    server.reply(answer({}, 500, x_should_retry="false"))
    assert facts(failure(by_complete, openai_at(server)))[3] is False
    server.requests.clear()
    server.reply(answer({}, 400, x_should_retry="true"), GOOD_WHOLE)
    assert by_complete(openai_at(server), question()).message.content == "Paris."


@every_way
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_a_matter_of_credentials(
    server: FaultServer, ask: Ask, status: int
) -> None:
    server.reply(answer({"error": {"message": f"Bad key {KEY}."}}, status, x_request_id="r1"))
    error = failure(ask, openai_at(server))
    assert isinstance(error, CredentialsError)
    assert str(error) == (
        f"openai refused the key (status {status}, request id r1): Bad key ***;"
        " check `OPENAI_API_KEY` or `api_key`"
    )
    assert len(server.requests) == 1


def test_a_server_that_wants_a_key_after_all(server: FaultServer) -> None:
    server.reply(answer(b"", 401))
    model = OpenAIModel("m", provider="vllm", base_url=server.url)
    assert str(failure(by_complete, model)) == (
        "vllm refused a request without a key (status 401): no explanation; check `api_key`"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "model not loaded"}, "model not loaded"),
        ({"object": "error", "message": "too long"}, "too long"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ([{"error": {"code": 400, "message": "bad key"}}], "bad key"),
        ({"error": {"type": "invalid_request_error"}}, "invalid_request_error"),
        (b"<html>\n <b>Bad   Gateway", "<html> <b>Bad Gateway"),
        (b"[" * 100_000, "[" * 200),
        ({"error": {"message": "a\x1b[31m\x00b"}}, "a [31m b"),
        ({"error": {"message": "x" * 10_000}}, "x" * 500 + "…"),
        ({}, "{}"),
        (b"", "no explanation"),
        (b"\xff\xfe", "��"),
    ],
)
def test_errors_are_told_in_the_provider_s_words(
    server: FaultServer, body: object, text: str
) -> None:
    server.reply(answer(body, 400))
    assert str(failure(by_complete, openai_at(server))) == (
        f"openai: {text} (status 400, a retry would not help)"
    )


@whole
def test_an_error_body_without_end_is_not_read_to_its_end(server: FaultServer, ask: Ask) -> None:
    filler = b"x" * 65_536
    server.reply([head(400, "text/plain"), filler, filler, WAIT_FOR_CLIENT])
    assert str(failure(ask, openai_at(server))).startswith("openai: xxxx")
    assert server.left.wait(2)


def test_a_redirect_is_not_followed_with_the_key(server: FaultServer) -> None:
    server.reply(answer(b"", 307, location="http://elsewhere.example/v1"))
    for ask in (by_complete, by_acomplete):
        assert str(failure(ask, openai_at(server))) == (
            "openai: redirected to http://elsewhere.example/v1; set `base_url` to where it"
            " answers (status 307, a retry would not help)"
        )


@every_way
def test_a_connection_that_breaks_before_the_answer_is_made_anew(
    server: FaultServer, ask: Ask
) -> None:
    server.reply([HANG_UP], good(ask))
    assert ask(openai_at(server), question()).message.content == "Paris."


@every_way
def test_a_refused_connection(ask: Ask) -> None:
    model = OpenAIModel("m", base_url="http://127.0.0.1:1/v1", patience=QUICK)
    error = failure(ask, model)
    assert facts(error) == ("openai", None, None, True)
    assert "http://127.0.0.1:1/v1/chat/completions: " in str(error)
    assert "; is openai running? Start it, or set OPENAI_BASE_URL to where it is" in str(error)


@every_way
def test_a_server_that_cannot_be_found(ask: Ask) -> None:
    model = OpenAIModel("m", base_url="http://nowhere.invalid/v1", patience=QUICK)
    error = failure(ask, model)
    assert facts(error) == ("openai", None, None, True)
    assert "; check the network and the address, which OPENAI_BASE_URL sets" in str(error)


@every_way
def test_silence_is_not_waited_for_twice(server: FaultServer, ask: Ask) -> None:
    server.reply([WAIT_FOR_CLIENT])
    error = failure(ask, openai_at(server))
    assert facts(error) == ("openai", None, None, True)
    assert "the server was silent for 0.3 s" in str(error)
    assert len(server.requests) == 1
    assert server.left.wait(2)


@every_way
def test_silence_in_the_middle_of_an_answer(server: FaultServer, ask: Ask) -> None:
    begun: Reply = [head(content_length="100"), b'{"id"', WAIT_FOR_CLIENT]
    stalled: Reply = [*events(delta(content="Pa"), end=False), WAIT_FOR_CLIENT]
    server.reply(begun if good(ask) is GOOD_WHOLE else stalled)
    assert "the server was silent" in str(failure(ask, openai_at(server)))


@every_way
def test_the_time_of_the_request_bounds_all_attempts(server: FaultServer, ask: Ask) -> None:
    server.reply([WAIT_FOR_CLIENT])
    started = time.monotonic()
    error = failure(ask, openai_at(server, patience=Patience()), timeout=0.2)
    assert time.monotonic() - started < 1
    assert facts(error) == ("openai", None, None, True)


@every_way
def test_no_wait_ends_after_the_time_of_the_request(server: FaultServer, ask: Ask) -> None:
    server.reply(answer({"error": "later"}, 503, retry_after="5"))
    started = time.monotonic()
    assert facts(failure(ask, openai_at(server), timeout=0.5))[1] == 503
    assert time.monotonic() - started < 0.4


@every_way
def test_drops_of_an_answer_do_not_buy_time(server: FaultServer, ask: Ask) -> None:
    drops: Reply = []
    for _ in range(50):
        drops += [0.05, chunk(b" ")]
    kind = "application/json" if good(ask) is GOOD_WHOLE else "text/event-stream"
    server.reply([head(200, kind, transfer_encoding="chunked"), *drops])
    started = time.monotonic()
    error = failure(ask, openai_at(server), timeout=0.3)
    assert time.monotonic() - started < 1
    assert "no complete answer within 0.3 s" in str(error)


def test_the_time_may_be_over_before_the_first_attempt(server: FaultServer) -> None:
    for ask in (by_complete, by_acomplete):
        error = failure(ask, openai_at(server), timeout=-0.05)
        assert "no complete answer within -0.05 s" in str(error)
    assert server.requests == []


@streamed
def test_a_stream_cut_before_its_first_word_is_asked_for_again(
    server: FaultServer, ask: Ask
) -> None:
    server.reply([*events(delta(role="assistant"), end=False), HANG_UP], GOOD_STREAM)
    assert ask(openai_at(server), question()).message.content == "Paris."
    assert len(server.requests) == 2


@streamed
@pytest.mark.parametrize(
    "rest",
    [
        [HANG_UP],
        [b"0\r\n\r\n"],
        [chunk(event({"choices": []})[:-9]), HANG_UP],
        [chunk(event({"choices": []})[:-9]), b"0\r\n\r\n"],
        [chunk(b": keep-alive\n\n"), b"zz\r\n"],
    ],
    ids=["cut", "ended", "half an event, cut", "half an event, ended", "broken chunk"],
)
def test_a_stream_cut_in_the_middle_fails(server: FaultServer, ask: Ask, rest: Reply) -> None:
    server.reply([*events(delta(content="Pa"), end=False), 0.05, *rest], GOOD_STREAM)
    error = failure(ask, openai_at(server))
    assert facts(error) == ("openai", None, None, True)
    assert len(server.requests) == 1


@whole
def test_an_answer_cut_in_the_middle_is_asked_for_again(server: FaultServer, ask: Ask) -> None:
    server.reply([head(content_length="100"), b'{"id"', HANG_UP], GOOD_WHOLE)
    assert ask(openai_at(server), question()).message.content == "Paris."


@every_way
def test_html_instead_of_an_answer(server: FaultServer, ask: Ask) -> None:
    server.reply(answer(b"<html>Welcome</html>", content_type="text/html"))
    error = failure(ask, openai_at(server))
    assert facts(error) == ("openai", 200, None, False)
    assert f"{server.url}/v1/chat/completions answered with something else" in str(error)
    assert "(text/html: '<html>Welcome</html>')" in str(error)
    assert "check `base_url`" in str(error)


@every_way
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"choices": [',
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b"{}",
        b'{"choices": 7}',
    ],
    ids=["empty", "truncated", "deep", "no utf-8", "no choices", "wrong type"],
)
def test_malformed_json(server: FaultServer, ask: Ask, body: bytes) -> None:
    server.reply(answer(body))
    error = failure(ask, openai_at(server))
    assert facts(error) == ("openai", 200, None, True)
    assert "answered with something else than a model's answer" in str(error)
    assert len(server.requests) == 1


@streamed
@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b'{"choices": 7}', b"\xff"])
def test_a_malformed_event(server: FaultServer, ask: Ask, data: bytes) -> None:
    server.reply(events(delta(content="Pa"), data))
    assert facts(failure(ask, openai_at(server))) == ("openai", 200, None, True)


@streamed
def test_an_event_of_10_mb(server: FaultServer, ask: Ask) -> None:
    server.reply(events(delta(content="x" * 10_000_000)))
    error = failure(ask, openai_at(server, patience=Patience(retries=0)))
    assert "an event is longer than 8 MiB" in str(error)


@streamed
def test_an_event_of_1_mb(server: FaultServer, ask: Ask) -> None:
    server.reply(events(delta(content="x" * 1_000_000), delta("stop")))
    response = ask(openai_at(server, patience=Patience(retries=0)), question())
    assert len(response.message.content) == 1_000_000


@every_way
def test_an_answer_without_end(
    server: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "_MAX_ANSWER_BYTES", 100_000)
    kind = "application/json" if good(ask) is GOOD_WHOLE else "text/event-stream"
    server.reply([head(200, kind), *[b": " + b"x" * 10_000 + b"\n"] * 20, WAIT_FOR_CLIENT])
    error = failure(ask, openai_at(server))
    assert "the answer is longer than" in str(error)
    assert len(server.requests) == 1


@streamed
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            {"message": "bad word", "code": 400},
            "openai: bad word (status 400, a retry would not help)",
        ),
        ({"type": "server_error"}, "openai: server_error (a retry could help)"),
        ("oops", "openai: oops (a retry could help)"),
        ({"code": "x"}, "openai: an error without a text (a retry could help)"),
        (
            {"message": "no", "code": 401},
            "openai refused the key (status 401): no; check `OPENAI_API_KEY` or `api_key`",
        ),
    ],
)
def test_an_error_in_the_middle_of_a_stream(
    server: FaultServer, ask: Ask, error: object, expected: str
) -> None:
    body = [*events(delta(content="Pa"), end=False), 0.05, chunk(event({"error": error}, "error"))]
    server.reply([*body, WAIT_FOR_CLIENT])
    assert str(failure(ask, openai_at(server))) == expected
    assert len(server.requests) == 1


@streamed
def test_an_overloaded_server_may_say_so_in_its_first_event(server: FaultServer, ask: Ask) -> None:
    server.reply(events({"error": {"message": "overloaded", "code": 529}}), GOOD_STREAM)
    assert ask(openai_at(server), question()).message.content == "Paris."


@whole
def test_an_error_inside_a_fine_answer(server: FaultServer, ask: Ask) -> None:
    server.reply(answer({"error": {"message": "no credit", "code": 402}}))
    assert str(failure(ask, openai_at(server))) == (
        "openai: no credit (status 402, a retry would not help)"
    )


@streamed
def test_a_server_that_cannot_stream_answers_at_once(server: FaultServer, ask: Ask) -> None:
    server.reply(answer(completion("Paris.", reasoning="Hm.")))
    assert ask(openai_at(server), question()).message == Message(
        "assistant", "Paris.", reasoning="Hm."
    )
    server.reply(answer(completion("")))
    assert ask(openai_at(server), question()).message == Message("assistant", "")


@streamed
def test_a_server_may_leave_done_out(server: FaultServer, ask: Ask) -> None:
    reply = events(delta(content="Paris."), delta("stop"), end=False)
    server.reply([*reply, b"0\r\n\r\n"])
    assert ask(openai_at(server), question()).message.content == "Paris."


def test_an_answer_does_not_wait_for_a_server_that_stays_after_it(server: FaultServer) -> None:
    server.reply([*events(delta(content="Paris."), delta("stop"))[:-1], WAIT_FOR_CLIENT])

    async def first_response() -> float:
        started = time.monotonic()
        async for item in openai_at(server, patience=Patience()).astream(question()):
            if isinstance(item, ModelResponse):
                ended = time.monotonic() - started
        return ended

    assert asyncio.run(first_response()) < 0.5
    for item in openai_at(server).stream(question()):
        last = item
    assert isinstance(last, ModelResponse)


@every_way
@pytest.mark.parametrize(
    "bad",
    [[HANG_UP], answer(b"<html>", content_type="text/html"), answer({}, 500), answer({}, 400)],
    ids=["cut", "html", "500", "400"],
)
def test_a_failed_run_leaves_memory_as_it_was(server: FaultServer, ask: Ask, bad: Reply) -> None:
    server.reply(good(ask), bad)
    memory = Memory()
    agent = Agent(openai_at(server), memory=memory)

    def run() -> None:
        if ask is by_complete:
            agent.run("hi")
        elif ask is by_acomplete:
            asyncio.run(agent.arun("hi"))
        elif good(ask) is GOOD_STREAM and ask.__name__ == "by_stream":
            list(agent.stream("hi"))
        else:
            asyncio.run(exhaust(agent.astream("hi")))

    run()
    before = memory.load()
    assert [message.content for message in before] == ["hi", "Paris."]
    with pytest.raises(ModelError) as caught:
        run()
    assert caught.value.output is not None
    assert memory.load() == before


async def exhaust(items: Any) -> None:
    async for _ in items:
        pass


def test_a_run_s_time_limit_is_reported_as_such(server: FaultServer) -> None:
    server.reply([WAIT_FOR_CLIENT])
    agent = Agent(openai_at(server, patience=Patience()), limits=Limits(seconds=0.2))
    with pytest.raises(LimitReached):
        agent.run("hi")
    with pytest.raises(LimitReached):
        asyncio.run(agent.arun("hi"))
