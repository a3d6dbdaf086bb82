"""Models by name: `provider:name` to a Model, each provider imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module

from .._errors import ConfigurationError
from ._protocol import Model

PROVIDERS: dict[str, tuple[str, str]] = {
    "anthropic": ("anthropic", "AnthropicModel"),
    "local": ("local", "LocalModel"),
    "openai": ("openai", "OpenAIModel"),
    "scripted": ("scripted", "ScriptedModel"),
}


def resolve_model(spec: Model | str | None) -> Model:
    """Give the model a specification names."""
    if isinstance(spec, str) or spec is None:
        raise ConfigurationError(f"unknown model {spec!r}")
    return spec
