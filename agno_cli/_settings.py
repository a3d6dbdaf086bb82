"""The configuration file, and the folders that belong to this package.

`config.toml` in the user's configuration folder, or the file that AGNO_CONFIG names:

    model = "openai:gpt-5-mini"
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError

_APP = "agno-cli"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the configuration file may say; `model` is `provider:name`."""

    model: str = ""


def config_file() -> Path:
    """Give the path of the configuration file, which need not exist."""
    named = os.environ.get("AGNO_CONFIG")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir(_APP, appauthor=False), "config.toml")


def cache_folder() -> Path:
    """Give the folder of what can be fetched again: AGNO_CACHE or the user's cache folder."""
    named = os.environ.get("AGNO_CACHE")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def expanded(path: str) -> Path:
    """Put the folder in place of `~`; where there is no such user, the path stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - that of Path raises


def load_settings() -> Settings:
    """Read the configuration file; without one, give the defaults.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or has an unknown or wrong entry.
    """
    path = config_file()
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the configuration file `{path}`: {error}; mend it or remove it"
        ) from error
    import tomllib

    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            f"the configuration file `{path}` cannot be used: {error}; mend it or remove it"
        ) from error
