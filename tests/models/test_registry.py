"""Models by name."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agno_cli import Agent, ConfigurationError, CredentialsError, ScriptedModel
from agno_cli.models._registry import providers, resolve_model


def test_a_model_is_given_back() -> None:
    model = ScriptedModel()

    assert resolve_model(model) is model


@pytest.mark.parametrize(("name", "answer"), [("scripted:a: b", "a: b"), ("scripted:", "ok")])
def test_scripted_says_its_name(name: str, answer: str) -> None:
    assert Agent(name).run("Hi").content == answer


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("openai:gpt-5-mini", "<OpenAIModel openai:gpt-5-mini>"),
        ("anthropic:claude-haiku-4-5", "<AnthropicModel anthropic:claude-haiku-4-5>"),
        ("groq:openai/gpt-oss-20b", "<OpenAIModel groq:openai/gpt-oss-20b>"),
        ("ollama:llama3.2:3b", "<OpenAIModel ollama:llama3.2:3b>"),
        ("local:smollm2", "<LocalModel local:smollm2>"),
        ("local:some/model.gguf", "<LocalModel local:some/model.gguf>"),
        ("some/model.gguf", "<LocalModel local:some/model.gguf>"),
        ("C:\\models\\some.gguf", "<LocalModel local:C:\\models\\some.gguf>"),
    ],
)
def test_a_name_is_a_provider_and_its_model(
    name: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in ("OPENAI", "ANTHROPIC", "GROQ"):
        monkeypatch.setenv(f"{provider}_API_KEY", "secret")

    assert repr(resolve_model(name)) == shown


def test_a_key_counts_from_when_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match="OPENAI_API_KEY"):
        resolve_model("openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    assert resolve_model("openai:gpt-5-mini").name == "gpt-5-mini"


def test_without_a_name_the_default_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNO_MODEL", "scripted:chosen")

    assert Agent().run("Hi").content == "chosen"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("opnai:x", "no provider is named `opnai`; did you mean `openai`?"),
        ("zzz:x", f"no provider is named `zzz`; there are: {', '.join(providers())}"),
        ("", "`` names no provider; write `provider:name`, as in `openai:gpt-5-mini`"),
        (
            "gpt-5-mini",
            "`gpt-5-mini` names no provider; write `provider:name`, as in `openai:gpt-5-mini`",
        ),
        ("smollm2", "`smollm2` names no provider; write `local:smollm2`"),
        (
            "openai",
            "`openai` is a provider; name one of its models too, as in `openai:gpt-5-mini`",
        ),
        ("vllm", "`vllm` is a provider; name one of its models too, as in `vllm:NAME`"),
        (3, "3 is not a model; give a Model or a name such as `local:smollm2`"),
    ],
)
def test_a_name_that_leads_nowhere_is_answered_with_the_way_out(name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_model(name)

    assert str(caught.value) == problem


def test_a_file_of_another_kind_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.touch()

    with pytest.raises(ConfigurationError) as caught:
        resolve_model(str(path))

    assert str(caught.value) == f"`{path}` is no model file; give a file whose name ends in .gguf"


class _Ollama(BaseHTTPRequestHandler):
    answer = b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}'

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path == "/v1/chat/completions" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_ollama_is_found_where_its_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Ollama) as server:
        threading.Thread(target=server.handle_request).start()
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.server_port}")

        assert Agent("ollama:x").run("Hi").content == "Hello"
