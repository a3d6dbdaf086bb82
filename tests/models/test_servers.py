"""Model servers on this machine: found by their addresses, asked without waiting long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agno_cli.models._servers import base_url, is_loopback, served_models

PRESET = "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", PRESET),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        (":9000", "http://127.0.0.1:9000/v1"),
        ("box", "http://box:11434/v1"),
        ("box:9000", "http://box:9000/v1"),
        ("[::1]:9000", "http://[::1]:9000/v1"),
        ("https://box/", "https://box/v1"),
        ("http://box:80", "http://box:80/v1"),
        ("box:port", "http://box:11434/v1"),
        ("http://[box", "http://127.0.0.1/v1"),
    ],
)
def test_ollama_s_own_variable_is_understood(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)

    assert base_url("ollama", PRESET) == url
    assert base_url("vllm", PRESET) == PRESET


def test_a_base_url_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "box")
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://else/v1/")

    assert base_url("ollama", PRESET) == "http://else/v1"


@pytest.mark.parametrize(
    ("url", "here"),
    [(PRESET, True), ("http://[::1]:1/v1", True), ("https://api.x.ai", False), ("http://[", False)],
)
def test_loopback_addresses_are_known(url: str, here: bool) -> None:
    assert is_loopback(url) is here


@contextmanager
def server(answer: bytes, *, pause: float = 0.0) -> Iterator[str]:
    """Answer one request with these bytes, one every `pause` seconds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                try:
                    for byte in (
                        (answer[i : i + 1] for i in range(len(answer))) if pause else [answer]
                    ):
                        connection.sendall(byte)
                        time.sleep(pause)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        thread.join()


def http(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("answer", "models"),
    [
        (http('{"object": "list", "data": [{"id": "a", "x": 1}, {"id": "b"}]}'), ["a", "b"]),
        (http('{"data": null}'), []),
        (http('{"error": "x"}'), None),
        (http("<html>"), None),
        (http('{"data": [{"id": "a"}]}', "404 Not Found"), None),
        (b"SSH-2.0\r\n", None),
        (b"", None),
    ],
)
def test_a_server_is_asked_for_its_models(answer: bytes, models: list[str] | None) -> None:
    with server(answer) as url:
        assert served_models(url) == models


def test_a_server_that_dawdles_is_not_waited_for() -> None:
    with server(http('{"data": []}'), pause=0.02) as url:
        assert served_models(url) is None


def test_nobody_there_is_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert served_models(f"http://127.0.0.1:{port}/v1") is None
    assert served_models("http://127.0.0.1:port/v1") is None
