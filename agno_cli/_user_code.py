"""Users' own code, named on the command line: `module:attribute` or `file.py:attribute`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from agno_cli._errors import ConfigurationError, InputError
from agno_cli._settings import expanded

_MOST_OFFERED = 8


def load(reference: str, option: str, fits: Callable[[Any], bool]) -> Any:
    """Give what a reference names; the attribute may be dotted.

    Args:
        reference: `module:attribute` or `file.py:attribute`.
        option: the option it was given to, for errors.
        fits: whether a value is of the kind that the option takes.

    Raises:
        InputError: there is no such file, module or attribute.
        ConfigurationError: the code raises when it is imported.
    """
    place, colon, path = reference.rpartition(":")
    if not colon or reference.endswith(".py"):
        place, path = reference, ""
    module = load_module(place, option)
    if not path:
        raise InputError(
            f"{option}: `{reference}` names no attribute; {_offer(module, place, fits)}"
        )
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise InputError(
                f"{option}: `{place}` has no `{path}`; {_offer(module, place, fits, like=path)}"
            )
        found = getattr(found, name)
    if not fits(found):
        kind = "a class" if isinstance(found, type) else f"of type `{type(found).__name__}`"
        raise InputError(f"{option}: `{reference}` is {kind}; {_offer(module, place, fits)}")
    return found


def load_module(place: str, option: str) -> ModuleType:
    """Import a module, or a file that ends in `.py`; see `load`."""
    return _load_file(place, option) if is_file(place) else _load_module(place, option)


def is_file(place: str) -> bool:
    """Tell whether a reference means a file rather than a module."""
    return place.endswith(".py") or "/" in place or os.sep in place


def _load_file(place: str, option: str) -> ModuleType:
    """Import a file, once however often it is named, with its folder on the import path."""
    path = expanded(place).resolve()
    if not path.is_file():
        raise InputError(f"{option}: there is no file `{place}`")
    name = f"agno_cli file {path}"  # no import statement can mean it
    if name in sys.modules:
        return sys.modules[name]
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{option}: `{place}` is not a Python file; name one that ends in `.py`")
    _add_to_path(str(path.parent))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failed(place, option, error) from error
    return module


def _load_module(place: str, option: str) -> ModuleType:
    from importlib import import_module

    if not all(part.isidentifier() for part in place.split(".")):
        raise InputError(
            f"{option}: {place!r} is neither a module nor a file; give `module:attribute` or"
            " `file.py:attribute`"
        )
    _add_to_path(os.getcwd())  # noqa: PTH109 - sys.path holds strings
    try:
        return import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{place}.".startswith(f"{error.name}."):
            raise InputError(
                f"{option}: there is no module `{error.name}`, neither installed nor in this"
                " folder; for a file write `path/to/file.py:attribute`"
            ) from error
        raise _failed(place, option, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(place, option, error) from error


def _add_to_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _failed(place: str, option: str, error: BaseException) -> ConfigurationError:
    where = f"{error.filename}:{error.lineno}" if isinstance(error, SyntaxError) else origin(error)
    text = error.msg if isinstance(error, SyntaxError) else error
    return ConfigurationError(
        f"{option}: `{place}` cannot be imported: {where + ': ' if where else ''}"
        f"{type(error).__name__}: {text}; `-v` shows the traceback"
    )


def origin(error: BaseException) -> str:
    """Give the line of the user's code that an error came by, as `file:line`, where there is one.

    A mistake often shows in a library only; the line to mend is the one that called it.
    """
    import sysconfig
    import traceback

    libraries = (
        str(Path(__file__).parent),
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
        "<",  # as in `<frozen importlib._bootstrap>`
    )
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(libraries)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _offer(module: ModuleType, place: str, fits: Callable[[Any], bool], like: str = "") -> str:
    """Say what a module has to offer: the nearest names, or the first ones."""
    from difflib import get_close_matches

    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and fits(value) and _is_own(value, module)
    ]
    near = get_close_matches(like, own, 3)
    if not own:
        return "it has nothing that fits"
    names = ", ".join(f"`{place}:{name}`" for name in near or own[:_MOST_OFFERED])
    return f"did you mean {names}?" if near else f"it has {names}"


def _is_own(value: Any, module: ModuleType) -> bool:
    """Tell what a module defines from the functions that it imports."""
    return not hasattr(value, "__code__") or value.__module__ == module.__name__
