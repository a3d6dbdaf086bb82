"""Models behind Anthropic's Messages API.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from agno_cli._errors import ConfigurationError, CredentialsError
from agno_cli._messages import ModelResponse
from agno_cli.models._anthropic_wire import (
    MessageReader,
    read_message,
    wire_messages,
    wire_tool,
)
from agno_cli.models._failures import Peer
from agno_cli.models._http import AnswerReader, HTTPModel, checked_key, checked_url, place_of
from agno_cli.models._protocol import ModelRequest
from agno_cli.models._retry import Patience
from agno_cli.models._schemas import closed_schema
from agno_cli.models._wire import EncodedTools

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_API_KEY"

# Served for good, also by other servers of this API. 2026-10-21 takes `temperature`, `top_p`
# and `top_k` away and adds nothing that is used here.
# https://platform.claude.com/docs/en/api/versioning
_VERSION = "2023-06-01"
# The API wants a bound; every model it serves can write this much.
_MAX_TOKENS = 8192
# What an output format may constrain.
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_ENFORCED: frozenset[str] = frozenset()


class AnthropicModel(HTTPModel):
    """A model behind the Messages API.

    Args:
        name: the model's name, such as `claude-opus-5-5`.
        base_url: where the API is, up to `/v1`, which is added; else `ANTHROPIC_BASE_URL`.
        api_key: else `ANTHROPIC_API_KEY`. Servers on a base URL of your own go without.
        client: for synchronous requests, instead of the connections that all models share.
        async_client: the same for asynchronous requests; it belongs to one event loop.
        patience: time limits and retries.

    The `options` of a request, such as `thinking` or `cache_control`, are sent as they are;
    `max_tokens` is 8192 unless they say otherwise.

    Raises:
        ConfigurationError: no name, or something that is no URL.
        CredentialsError: there is no key.
    """

    native_schema = True

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        patience: Patience = Patience(),  # noqa: B008 - a frozen value
    ) -> None:
        if not name:
            raise ConfigurationError("a model of anthropic needs a name, as in `anthropic:NAME`")
        base = base_url or os.environ.get("ANTHROPIC_BASE_URL") or BASE_URL
        url = checked_url(base.rstrip("/").removesuffix("/v1"), "/v1/messages")
        source = "`api_key`" if api_key else f"`{KEY_VARIABLE}`"
        key = checked_key(api_key or os.environ.get(KEY_VARIABLE, ""), source)
        if not key and base == BASE_URL and not (client or async_client):
            raise CredentialsError(
                f"anthropic needs a key: set `{KEY_VARIABLE}`, or give `api_key`"
            )
        headers = {"anthropic-version": _VERSION}
        super().__init__(
            name,
            peer=Peer("anthropic", place_of(url), key, KEY_VARIABLE),
            url=url,
            headers={**headers, "x-api-key": key} if key else headers,
            client=client,
            async_client=async_client,
            patience=patience,
        )
        self._is_anthropic = url.startswith(BASE_URL)
        self._tools = EncodedTools()

    def _body(self, request: ModelRequest, *, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "max_tokens": _MAX_TOKENS,
            **request.options,
            "model": self.name,
            "messages": wire_messages(request.messages),
        }
        system = request.system
        if request.output_schema is not None:
            schema = closed_schema(request.output_schema, _ENFORCED)
            if schema is None or not self._is_anthropic:
                system = _asked_in_words(system, request.output_schema)
            if schema is not None:
                form = {"type": "json_schema", "schema": schema}
                body["output_config"] = {**body.get("output_config", {}), "format": form}
        if system.strip():
            body["system"] = system
        if request.tools:
            body["tools"] = self._tools(request.tools, wire_tool)
        if stream:
            body["stream"] = True
        return body

    def _decode(self, body: bytes) -> ModelResponse:
        return read_message(body)

    def _reader(self) -> AnswerReader:
        return MessageReader()


def _asked_in_words(system: str, schema: dict[str, Any]) -> str:
    """Ask for JSON by instruction.

    The output format knows no objects with free keys, and other servers of this API, such as
    llama.cpp's, take no notice of it.
    """
    text = msgspec.json.encode(schema).decode()
    wish = f"Answer with nothing but JSON that fits this schema:\n{text}"
    return f"{system}\n\n{wish}" if system else wish
