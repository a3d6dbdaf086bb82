"""The model to ask when none is named, and the list of those that could be."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agno_cli._settings import config_file
from agno_cli.models._configured import ModelRow, configured_models
from agno_cli.models._default import Choice, default_model_name
from agno_cli.models._download import DOWNLOADS

CLOSED = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("LLAMACPP", "LMSTUDIO", "OLLAMA", "VLLM"):
        monkeypatch.setenv(f"{provider}_BASE_URL", CLOSED)


class _Ollama(BaseHTTPRequestHandler):
    models = '{"data": [{"id": "nomic-embed-text"}, {"id": "llama3.2:3b"}]}'

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.models)))
        self.end_headers()
        self.wfile.write(self.models.encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch, no_servers: None) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Ollama) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.delenv("OLLAMA_BASE_URL")
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.server_port}")
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_what_is_nearer_to_the_user_comes_first(
    ollama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file().write_text('model = "groq:x"', "utf-8")
    monkeypatch.setenv("AGNO_MODEL", "scripted:hi")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("MISTRAL_API_KEY", "secret")
    choices = [default_model_name()]

    for name in ("AGNO_MODEL", None, "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY"):
        if name is None:
            config_file().unlink()
        else:
            monkeypatch.delenv(name)
        choices.append(default_model_name())
    monkeypatch.setenv("OLLAMA_BASE_URL", CLOSED)
    choices.append(default_model_name())

    assert choices == [
        Choice("scripted:hi", "AGNO_MODEL is set"),
        Choice("groq:x", f"`model` in `{config_file()}`"),
        Choice("openai:gpt-5-mini", "OPENAI_API_KEY is set"),
        Choice("anthropic:claude-haiku-4-5", "ANTHROPIC_API_KEY is set"),
        Choice("mistral:mistral-small-latest", "MISTRAL_API_KEY is set"),
        Choice("ollama:llama3.2:3b", f"Ollama answers at {ollama}"),
        Choice("local:smollm2", "no other model is configured"),
    ]


def rows(provider: str) -> list[ModelRow]:
    return [row for row in configured_models() if row.provider == provider]


def test_a_provider_without_its_key_says_which() -> None:
    assert rows("openai") == [
        ModelRow("openai", "gpt-5-mini", "OPENAI_API_KEY", False, None, note="set OPENAI_API_KEY")
    ]


def test_the_first_provider_with_a_key_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    assert rows("openai") == [
        ModelRow("openai", "gpt-5-mini", "OPENAI_API_KEY", True, None, default=True)
    ]
    assert [row.provider for row in configured_models() if row.default] == ["openai"]
    assert "secret" not in repr(configured_models())


def test_a_server_lists_its_models(ollama: str) -> None:
    assert rows("ollama") == [
        ModelRow("ollama", "nomic-embed-text", ollama, True, True),
        ModelRow("ollama", "llama3.2:3b", ollama, True, True, default=True),
    ]
    assert rows("vllm") == [ModelRow("vllm", "", CLOSED, False, False, note="no answer there")]


def test_a_hosted_provider_that_is_redirected_here_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", CLOSED)

    assert rows("openai") == [ModelRow("openai", "gpt-5-mini", CLOSED, True, False)]


def test_the_local_model_is_ready_once_it_is_fetched() -> None:
    download = DOWNLOADS["smollm2"]
    path = Path(os.environ["AGNO_CACHE"], "models", download.file)
    before = rows("local")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(download.size)  # of the right size, without its content

    assert [*before, *rows("local")] == [
        ModelRow(
            "local",
            "smollm2",
            "not fetched",
            False,
            False,
            default=True,
            note="`agno models pull smollm2` fetches 93 MB",
        ),
        ModelRow("local", "smollm2", str(path), True, True, default=True, note="in this process"),
    ]


def test_without_the_runtime_the_local_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert rows("local")[0].note == "needs pip install 'agno-cli[local]'"


def test_a_default_that_is_in_no_row_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNO_MODEL", "openai:gpt-5")

    assert configured_models()[0] == ModelRow(
        "openai",
        "gpt-5",
        "AGNO_MODEL is set",
        configured=False,
        reachable=None,
        default=True,
        note="openai needs a key: set `OPENAI_API_KEY`, or give `api_key`",
    )


def test_a_default_that_can_be_asked_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNO_MODEL", "scripted:hello")

    assert configured_models()[0] == ModelRow(
        "scripted", "hello", "AGNO_MODEL is set", configured=True, reachable=None, default=True
    )
