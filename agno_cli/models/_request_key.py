"""The key of a request: equal for equal questions, and for no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from agno_cli._errors import ConfigurationError
from agno_cli._tools import Tool
from agno_cli.models._protocol import Model, ModelRequest

_KNOWN_TOOLS = 64
# MessagePack rather than JSON: twice as fast on long texts, and it knows NaN from None.
_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)


def _mapping(value: object) -> object:
    """Have any Mapping written as a dict; no other value is written as what it is not.

    A `str` of one may hold its address: another each time, or that of something gone.
    """
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


_encode = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_mapping).encode


class RequestKeys:
    """Makes the keys of the requests to one model.

    A key is a digest of all that decides the answer: the model's name and address, the messages
    with their tool calls, the system text, the tools with their schemas, options and output
    schema. How the run may be stopped, how many calls it has made and whether the answer is
    streamed are no part of the question. Values are equal that are written alike: the order of
    a dict's keys does not matter, 1 and 1.0 differ.
    """

    def __init__(self, model: Model) -> None:
        from hashlib import blake2b

        self._model = model
        self._digest = blake2b
        self._no_tools = self._key_of((model.provider, model.name, model.address, ()))
        self._tools: dict[int, tuple[tuple[Tool, ...], bytes]] = {}

    def __call__(self, request: ModelRequest) -> bytes:
        """Give the key of a request.

        Raises:
            ConfigurationError: it holds something that cannot be written.
        """
        tools = self._key_of_tools(request.tools) if request.tools else self._no_tools
        return self._key_of(
            (tools, request.system, request.messages, request.options, request.output_schema)
        )

    def _key_of_tools(self, tools: tuple[Tool, ...]) -> bytes:
        """Runs of one agent offer the same tuple: its key is made once, 2 µs a tool."""
        known = self._tools.get(id(tools))
        if known is not None and known[0] is tools:
            return known[1]
        described = [(tool.name, tool.description, tool.parameters) for tool in tools]
        model = self._model
        key = self._key_of((model.provider, model.name, model.address, described))
        if len(self._tools) >= _KNOWN_TOOLS:
            self._tools.clear()
        self._tools[id(tools)] = tools, key  # kept alive, so that its id stays its own
        return key

    def _key_of(self, value: object) -> bytes:
        try:
            data = _encode(value)
        except _UNWRITABLE as error:
            data = _written_slowly(value, error)
        return self._digest(data).digest()

    def __reduce__(self) -> tuple[type[RequestKeys], tuple[Model]]:
        return RequestKeys, (self._model,)


def _written_slowly(value: Any, error: Exception) -> bytes:
    """Write what MessagePack cannot carry, so that it begins unlike MessagePack of a tuple.

    Half surrogate pairs, integers beyond 64 bits, and keys of dicts that are no text, such as
    the token numbers of a `logit_bias`.
    """
    try:
        plain = msgspec.to_builtins(value, order="deterministic", enc_hook=_mapping)
        return ascii(_listed(plain)).encode()
    except (TypeError, RecursionError):
        raise ConfigurationError(
            f"a request cannot be cached, as it holds something that cannot be written: {error};"
            " check the agent's `options`, or ask the model without a cache"
        ) from error


def _listed(value: Any) -> Any:
    """Give tuples as lists, as they are written."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
