"""Models by name: `provider:name` to a Model, each provider imported when it is asked for.

Nothing is kept: a model is made in microseconds out of the environment as it is, and what is
dear - connections, a loaded GGUF file - is shared below, by all models that need it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from agno_cli._errors import ConfigurationError
from agno_cli.models._protocol import Model


def resolve_model(spec: Model | str | None) -> Model:
    """Give the model that a specification names.

    Args:
        spec: a Model, which is given back; `provider:name`; the path of a GGUF file; None for
            the one that `default_model_name` chooses.

    Raises:
        ConfigurationError: no such provider or model, or something that names none.
        CredentialsError: the provider needs a key.
    """
    if isinstance(spec, Model):
        return spec
    if spec is None:
        from agno_cli.models._default import default_model_name

        spec = default_model_name().name
    if not isinstance(spec, str):
        raise ConfigurationError(
            f"{spec!r} is not a model; give a Model or a name such as `local:smollm2`"
        )
    provider, colon, name = spec.partition(":")
    if spec.endswith(".gguf") and provider != "local":
        return _local(spec)
    if not colon:
        raise ConfigurationError(_no_provider(spec))
    make = _MAKERS.get(provider)
    return make(name) if make else _served(provider, name)


def providers() -> list[str]:
    """Give the names that may stand before the colon."""
    from agno_cli.models.openai import PRESETS

    return sorted({*_MAKERS, *PRESETS})


def _anthropic(name: str) -> Model:
    from agno_cli.models.anthropic import AnthropicModel

    return AnthropicModel(name)


def _local(name: str) -> Model:
    from agno_cli.models.local import LocalModel

    return LocalModel(name)


def _ollama(name: str) -> Model:
    from agno_cli.models._servers import base_url
    from agno_cli.models.openai import PRESETS, OpenAIModel

    url = base_url("ollama", PRESETS["ollama"][0])
    return OpenAIModel(name, provider="ollama", base_url=url)


def _scripted(text: str) -> Model:
    from agno_cli.models.scripted import ScriptedModel

    return ScriptedModel([text or "ok"])


_MAKERS: dict[str, Callable[[str], Model]] = {
    "anthropic": _anthropic,
    "local": _local,
    "ollama": _ollama,  # has a variable of its own, OLLAMA_HOST
    "scripted": _scripted,
}


def _served(provider: str, name: str) -> Model:
    from agno_cli.models.openai import PRESETS, for_provider

    if provider not in PRESETS:
        raise ConfigurationError(
            f"no provider is named `{provider}`; {_nearest(provider, providers())}"
        )
    return for_provider(provider, name)


def _nearest(word: str, words: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), words)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(words)}"


def _no_provider(spec: str) -> str:
    from agno_cli.models._default import DEFAULT_MODELS
    from agno_cli.models._download import DOWNLOADS

    if spec in DOWNLOADS:
        return f"`{spec}` names no provider; write `local:{spec}`"
    if spec in providers():
        example = f"{spec}:{DEFAULT_MODELS.get(spec, 'NAME')}"
        return f"`{spec}` is a provider; name one of its models too, as in `{example}`"
    if os.path.isfile(spec):  # noqa: PTH113 - Path.is_file raises for names too long
        return f"`{spec}` is no model file; give a file whose name ends in .gguf"
    return f"`{spec}` names no provider; write `provider:name`, as in `openai:gpt-5-mini`"
