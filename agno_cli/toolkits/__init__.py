"""The built-in toolkits, and how to get one by its name.

Each has a file and, in it, a function that makes it with settings of the caller's:
`calculator.calculator()`, `files.files(root)`, `http.http()`.
"""

from __future__ import annotations

from collections.abc import Callable

from agno_cli._errors import ConfigurationError
from agno_cli._tools import Toolkit

__all__ = ["TOOLKITS", "toolkit"]


def toolkit(name: str) -> Toolkit:
    """Make the built-in toolkit of this name, with its defaults.

    `calculator` computes. `files` reads the current folder; `files-rw` may write to it too: the
    right to write is asked for by name. `http` reaches public addresses.

    >>> toolkit("calculator").name
    'calculator'

    Raises:
        ConfigurationError: there is none of this name.
    """
    make = TOOLKITS.get(name)
    if make is None:
        raise ConfigurationError(f"there is no toolkit `{name}`; {_advice(name)}")
    return make()


def _advice(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, TOOLKITS, n=2, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(f'`{item}`' for item in near)}?"
    return f"the toolkits are: {', '.join(TOOLKITS)}"


def _calculator() -> Toolkit:
    from agno_cli.toolkits.calculator import calculator

    return calculator()


def _files() -> Toolkit:
    from agno_cli.toolkits.files import files

    return files(".")


def _writable_files() -> Toolkit:
    from agno_cli.toolkits.files import files

    return files(".", writable=True)


def _http() -> Toolkit:
    from agno_cli.toolkits.http import http

    return http()


TOOLKITS: dict[str, Callable[[], Toolkit]] = {
    "calculator": _calculator,
    "files": _files,
    "files-rw": _writable_files,
    "http": _http,
}
