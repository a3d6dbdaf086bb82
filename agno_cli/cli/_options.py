"""Options as values: a command's options are the fields of one tuple, declared once.

Typer reads a function's parameters. Thirty parameters, handed on from function to function,
would be a command that is the program; here `command` makes that function from the fields.

Files that declare options do without `from __future__ import annotations`: Typer reads the
annotations five times, and each time would compile their texts anew, 10 ms in all.
"""

import inspect  # noqa: TID253 - Typer has loaded it
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

import typer

_Options = TypeVar("_Options")


def command(fields: Callable[..., _Options], body: Callable[[_Options], Any]) -> Callable[..., Any]:
    """Make the function that Typer reads: its parameters are the fields, its help is `body`'s.

    Args:
        fields: a NamedTuple class whose annotations hold Typer's options.
        body: called with the tuple.
    """
    hints = get_type_hints(fields, include_extras=True)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, parameter in inspect.signature(fields).parameters.items()
    ]

    def call(**values: Any) -> Any:
        return body(fields(**values))

    call.__name__, call.__doc__ = body.__name__, body.__doc__
    call.__annotations__ = hints
    # Where `inspect`, and so Typer, looks for a signature first.
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _tell_boundary(context: typer.Context, value: bool) -> bool:  # noqa: FBT001 - Typer's form
    if value and isinstance(context.obj, dict):
        context.obj["verbose"] = True
    return value


Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write exactly one JSON document on stdout.")
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("-q", "--quiet", help="Write nothing but data and errors.")
]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option(
        "-v", "--verbose", callback=_tell_boundary, help="Say more on stderr; show tracebacks."
    ),
]
