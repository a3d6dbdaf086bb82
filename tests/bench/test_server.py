"""The benchmarks' server speaks as much HTTP as their clients need."""

import http.client
import json
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


def test_it_ends_with_its_parent():
    _, stop = start_server()
    stop()  # would hang if the server did not end when its standard input does


def test_enough_connections_are_allowed():
    import resource

    allow_connections(10)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 266
    allow_connections(500)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 756
