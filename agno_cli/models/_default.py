"""The model to ask when none is named, and why it is that one."""

from __future__ import annotations

import os
from collections.abc import Iterator

from msgspec import Struct

from agno_cli._settings import config_file, load_settings
from agno_cli.models._servers import base_url, served_models

# Small, current models, or names that the provider keeps pointing at one.
DEFAULT_MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-haiku-4-5",
    "deepseek": "deepseek-chat",
    "gemini": "gemini-flash-latest",
    "groq": "llama-3.3-70b-versatile",
    "mistral": "mistral-small-latest",
    "openrouter": "openrouter/auto",
    "perplexity": "sonar",
}
LOCAL_MODEL = "local:smollm2"


class Choice(Struct, frozen=True):
    """A model as `provider:name`, and what made it the one."""

    name: str
    reason: str


def default_model_name() -> Choice:
    """Choose the model for those who name none.

    In this order: AGNO_MODEL; `model` in the configuration file; the first provider whose key is
    set (OpenAI, Anthropic, then the others by name) and that has a model here; the first model of
    an Ollama that answers; SmolLM2 in this process, which needs nothing.

    Raises:
        ConfigurationError: the configuration file cannot be used.
    """
    return next(_choices())


def _choices() -> Iterator[Choice]:
    named = os.environ.get("AGNO_MODEL")
    if named:
        yield Choice(named, "AGNO_MODEL is set")
    configured = load_settings().model
    if configured:
        yield Choice(configured, f"`model` in `{config_file()}`")
    variables = key_variables()
    for provider, model in DEFAULT_MODELS.items():
        if os.environ.get(variables[provider]):
            yield Choice(f"{provider}:{model}", f"{variables[provider]} is set")
    from agno_cli.models.openai import PRESETS

    ollama = base_url("ollama", PRESETS["ollama"][0])
    # Ollama serves models for embeddings too, which cannot answer.
    for model in served_models(ollama) or ():
        if "embed" not in model:
            yield Choice(f"ollama:{model}", f"Ollama answers at {ollama}")
    yield Choice(LOCAL_MODEL, "no other model is configured")


def key_variables() -> dict[str, str]:
    """Give each provider that needs a key with the variable that holds it."""
    from agno_cli.models.openai import PRESETS

    presets = {provider: variable for provider, (_, variable) in PRESETS.items() if variable}
    return {"anthropic": "ANTHROPIC_API_KEY", **presets}
