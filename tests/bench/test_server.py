"""The benchmarks' server speaks as much HTTP as their clients need."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from agno_cli.bench._server import allow_connections, start_server


@pytest.fixture(scope="module")
def url():
    url, stop = start_server()
    yield url
    stop()


def test_it_repeats_the_last_message_on_a_connection_that_stays_open(url):
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    for said in ("first", 'quotes " and ünïcode', "x" * 100_000):
        body = json.dumps({"model": "any", "messages": [{"role": "user", "content": said}]})
        connection.request("POST", f"{place.path}/chat/completions", body=body)
        answer = json.load(connection.getresponse())
        assert answer["choices"][0]["message"]["content"] == said
    connection.close()


@contextlib.contextmanager
def asked(url: str, path: str, **more: object) -> Iterator[http.client.HTTPResponse]:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    blocks = [{"type": "text", "text": "two "}, {"type": "text", "text": "parts"}]
    body = json.dumps({"messages": [{"role": "user", "content": blocks}], **more})
    with contextlib.closing(connection):
        connection.request("POST", path, body=body)
        with connection.getresponse() as answer:
            yield answer


def test_a_path_of_anthropic_is_answered_in_its_form(url):
    with asked(url, "/v1/messages") as answer:
        assert json.load(answer)["content"] == [{"type": "text", "text": "two parts"}]


@pytest.mark.parametrize(
    ("path", "events", "end"),
    [
        ("/v1/chat/completions", 1_000 + 2, b"data: [DONE]\n\n"),
        (
            "/v1/messages",
            1_000 + 5,
            b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        ),
    ],
)
def test_a_stream_has_a_thousand_events_and_its_end(url, path, events, end):
    with asked(url, path, stream=True) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        body = answer.read()
    assert (body.count(b"data: "), body.count(b"two parts")) == (events, 1_000)
    assert body.endswith(end)


def test_it_ends_with_its_parent():
    _, stop = start_server()
    stop()  # would hang if the server did not end when its standard input does


def test_enough_connections_are_allowed():
    import resource

    allow_connections(10)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 266
    allow_connections(500)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 756
