"""Models behind OpenAI's Chat Completions API, which most servers and services speak.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from agno_cli._errors import ConfigurationError, CredentialsError
from agno_cli._messages import ModelResponse
from agno_cli.models._failures import Peer
from agno_cli.models._http import AnswerReader, HTTPModel, checked_key, checked_url, place_of
from agno_cli.models._openai_wire import (
    CompletionReader,
    read_completion,
    wire_messages,
    wire_tool,
)
from agno_cli.models._protocol import ModelRequest
from agno_cli.models._retry import Patience
from agno_cli.models._schemas import closed_schema
from agno_cli.models._wire import EncodedTools

if TYPE_CHECKING:
    import httpx

# Short name: base URL, and the variable that holds the key where one is needed.
PRESETS: dict[str, tuple[str, str | None]] = {
    "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "huggingface": ("https://router.huggingface.co/v1", "HF_TOKEN"),
    "llamacpp": ("http://127.0.0.1:8080/v1", None),
    "lmstudio": ("http://127.0.0.1:1234/v1", None),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": ("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia": ("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    "ollama": ("http://127.0.0.1:11434/v1", None),
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": ("https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    "sambanova": ("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "together": ("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "vllm": ("http://127.0.0.1:8000/v1", None),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY"),
}

# Who wants reasoning back within a turn of tool calls, under which name.
_REASONING_FIELDS = {
    "deepseek": "reasoning_content",
    "moonshot": "reasoning_content",
    "openrouter": "reasoning",
}
# Mistral refuses fields it does not know, and always sends the usage.
_WITHOUT_STREAM_OPTIONS = frozenset({"mistral"})
# What a strict schema may constrain.
# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
_ENFORCED = frozenset({
    "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minItems", "maxItems",
})  # fmt: skip


class OpenAIModel(HTTPModel):
    """A model behind any OpenAI-compatible chat endpoint.

    Args:
        name: the model's name, as the provider knows it.
        base_url: where the API is, up to `/v1`; else `<PROVIDER>_BASE_URL`, such as
            `OPENAI_BASE_URL`, else that of the provider.
        api_key: else the provider's variable, such as `OPENAI_API_KEY`. Servers on a base URL
            of your own, and those that want none, go without.
        provider: a name in `PRESETS`, or any other with a `base_url`.
        client: for synchronous requests, instead of the connections that all models share.
        async_client: the same for asynchronous requests; it belongs to one event loop.
        patience: time limits and retries.

    The `options` of a request, such as `temperature`, are sent as they are.

    Raises:
        ConfigurationError: no name, an unknown provider, something that is no URL.
        CredentialsError: the provider needs a key and there is none.
    """

    native_schema = True

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: str = "openai",
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        patience: Patience = Patience(),  # noqa: B008 - a frozen value
    ) -> None:
        preset_url, variable = PRESETS.get(provider, (None, None))
        base = base_url or os.environ.get(f"{provider.upper()}_BASE_URL") or preset_url
        if not name or not base:
            raise ConfigurationError(_what_is_missing(name, provider))
        url = checked_url(base, "/chat/completions")
        source = "`api_key`" if api_key else f"`{variable}`"
        key = checked_key(api_key or os.environ.get(variable or "", ""), source)
        if not key and variable and base == preset_url and not (client or async_client):
            raise CredentialsError(f"{provider} needs a key: set `{variable}`, or give `api_key`")
        super().__init__(
            name,
            peer=Peer(provider, place_of(url), key, variable),
            url=url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            client=client,
            async_client=async_client,
            patience=patience,
        )
        self._reasoning_field = _REASONING_FIELDS.get(provider)
        self._is_openai = url.startswith(PRESETS["openai"][0])
        self._tools = EncodedTools()

    def _body(self, request: ModelRequest, *, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            **request.options,
            "model": self.name,
            "messages": wire_messages(request.system, request.messages, self._reasoning_field),
        }
        if self._is_openai and "max_tokens" in body:  # its reasoning models refuse the old name
            body.setdefault("max_completion_tokens", body.pop("max_tokens"))
        if request.tools:
            body["tools"] = self._tools(request.tools, wire_tool)
        if request.output_schema is not None:
            body["response_format"] = _response_format(request.output_schema)
        if stream:
            body["stream"] = True
            if self.provider not in _WITHOUT_STREAM_OPTIONS:
                body.setdefault("stream_options", {"include_usage": True})
        return body

    def _decode(self, body: bytes) -> ModelResponse:
        return read_completion(body)

    def _reader(self) -> AnswerReader:
        return CompletionReader()


def for_provider(provider: str, name: str) -> OpenAIModel:
    """Make the model `provider:name` out of the environment.

    Raises:
        ConfigurationError: see `OpenAIModel`.
    """
    return OpenAIModel(name, provider=provider)


def _what_is_missing(name: str, provider: str) -> str:
    if not name:
        return f"a model of {provider} needs a name, as in `{provider}:NAME`"
    known = ", ".join(PRESETS)
    return f"no base URL is known for provider `{provider}`; give `base_url`, or one of: {known}"


def _response_format(schema: dict[str, Any]) -> dict[str, Any]:
    strict = closed_schema(schema, _ENFORCED)
    if strict is None:
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    described = {"name": "answer", "strict": True, "schema": strict}
    return {"type": "json_schema", "json_schema": described}
