"""A function's signature as a JSON schema and a decoder of arguments.

Imported when the first tool is made: `inspect` and a docstring parser cost 30 ms, which an
agent without tools need not pay.
"""

from __future__ import annotations

import inspect  # noqa: TID253 - see above
import typing
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from ._context import RunContext
from ._errors import ConfigurationError


class Signature(Struct, frozen=True, kw_only=True):
    """What a tool takes from its function."""

    name: str
    description: str
    parameters: dict[str, Any]
    call: Callable[..., Any]
    decode: Callable[[str], Struct]
    takes_context: bool
    is_async: bool


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read name, descriptions, schema and decoder from a function.

    Raises:
        ConfigurationError: see `tool`.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigurationError(f"tool `{name}` is a generator; return a list instead")
    parameters, hints = _parameters(function, name)
    takes_context = bool(parameters) and hints.get(parameters[0].name) is RunContext
    if takes_context:
        parameters = parameters[1:]
    for parameter in parameters:
        if hints[parameter.name] is RunContext:
            raise ConfigurationError(
                f"tool `{name}`: `{parameter.name}` is a RunContext but not the first parameter;"
                " move it to the front"
            )
    description, described = _docstring(function)
    struct = _arguments_struct(name, parameters, hints, described)
    call = getattr(function, "__call__", None)  # noqa: B004 - its kind is wanted, not whether
    return Signature(
        name=name,
        description=description,
        parameters=json_schema(struct, f"tool `{name}`"),
        call=_by_position(function, parameters, takes_context),
        decode=msgspec.json.Decoder(struct).decode,
        takes_context=takes_context,
        is_async=inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call),
    )


def json_schema(described: Any, owner: str) -> dict[str, Any]:
    """Give the JSON schema of a type with every reference that can be resolved put in place.

    Providers differ in what they make of `$ref`; only recursive types keep theirs.

    Raises:
        ConfigurationError: the type has no schema; `owner` names whose it is.
    """
    try:
        (schema,), components = msgspec.json.schema_components(
            [described], ref_template="#/$defs/{name}"
        )
    except (TypeError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"{owner}: no JSON schema can be made: {error}") from error
    kept: dict[str, Any] = {}
    resolved: dict[str, Any] = _inline(schema, components, (), kept)
    resolved.pop("title", None)
    return resolved | {"$defs": kept} if kept else resolved


def _inline(
    node: Any, components: dict[str, Any], path: tuple[str, ...], kept: dict[str, Any]
) -> Any:
    if isinstance(node, list):
        return [_inline(item, components, path, kept) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    target = reference.removeprefix("#/$defs/")
    if not reference or target not in components:
        return {key: _inline(value, components, path, kept) for key, value in node.items()}
    if target in path:
        if target not in kept:
            kept[target] = None  # holds the place while its own body is resolved
            kept[target] = _inline(components[target], components, (target,), kept)
        return dict(node)
    rest = {key: value for key, value in node.items() if key != "$ref"}
    return _inline(components[target], components, (*path, target), kept) | rest


def _parameters(
    function: Callable[..., Any], name: str
) -> tuple[list[inspect.Parameter], dict[str, Any]]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
        target = function if inspect.isroutine(function) else type(function).__call__
        hints = typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise ConfigurationError(f"tool `{name}`: its signature cannot be read: {error}") from error
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigurationError(
                f"tool `{name}`: `{parameter}` takes any number of arguments, which no schema"
                " can describe; name each parameter"
            )
        if parameter.name not in hints:
            raise ConfigurationError(
                f"tool `{name}`: parameter `{parameter.name}` has no annotation;"
                f" add one, such as `{parameter.name}: str`"
            )
    return parameters, hints


def _arguments_struct(
    name: str,
    parameters: list[inspect.Parameter],
    hints: dict[str, Any],
    described: dict[str, str],
) -> type[Struct]:
    fields: list[Any] = []
    for parameter in parameters:
        hint = hints[parameter.name]
        if parameter.name in described:
            meta = msgspec.Meta(description=described[parameter.name])
            hint = typing.Annotated[hint, meta]
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, _default(parameter.default)))
    try:
        return msgspec.defstruct(
            name, fields, kw_only=True, forbid_unknown_fields=True, frozen=True
        )
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"tool `{name}`: {error}") from error


def _by_position(
    function: Callable[..., Any],
    parameters: list[inspect.Parameter],
    takes_context: bool,  # noqa: FBT001 - private
) -> Callable[..., Any]:
    named = [item.name for item in parameters if item.kind is item.KEYWORD_ONLY]
    if not named:
        return function
    split = len(parameters) - len(named) + takes_context
    return lambda *args: function(*args[:split], **dict(zip(named, args[split:], strict=True)))


def _default(value: Any) -> Any:
    # msgspec refuses a filled mutable default; a function shares its one default anyway.
    if isinstance(value, list | dict | set | bytearray) and value:
        return msgspec.field(default_factory=lambda: value)
    return value


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function) or ""
    if "\n" not in text:
        return text, {}
    import docstring_parser

    parsed = docstring_parser.parse(text)
    summary = "\n\n".join(filter(None, [parsed.short_description, parsed.long_description]))
    return summary or text, {
        item.arg_name: item.description for item in parsed.params if item.description
    }
