"""JSON schemas in the narrow form that providers enforce while they generate."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_PLAIN = frozenset({"type", "enum", "const", "title", "description", "$ref"})
_TYPED = frozenset({"type", "enum", "const", "anyOf", "oneOf", "$ref"})
# Of no weight for an answer, or written anew.
_DROPPED = frozenset({
    "default", "examples", "discriminator", "$schema", "$id", "$comment", "required",
    "additionalProperties",
})  # fmt: skip
# What may be said without being understood: it is put in words, and checked on return.
_CONSTRAINTS = frozenset({
    "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
})  # fmt: skip


def closed_schema(schema: Any, enforced: Collection[str]) -> dict[str, Any] | None:
    """Narrow a schema so that objects are closed and all of their properties required.

    Whatever fits the narrow schema fits the wide one. Constraints outside `enforced` move into
    the description.

    Returns:
        The narrow schema, or None when there is none: objects with free keys, tuples, `allOf`
        and anything whose type is open.
    """
    try:
        return _closed(schema, enforced)
    except _Open:
        return None


class _Open(Exception):
    pass


def _closed(schema: Any, enforced: Collection[str]) -> dict[str, Any]:
    if not isinstance(schema, dict) or _TYPED.isdisjoint(schema):
        raise _Open
    closed: dict[str, Any] = {}
    notes: list[str] = []
    for keyword, value in schema.items():
        if keyword in _NESTED:
            name, inside = _NESTED[keyword](keyword, value, enforced)
            closed[name] = inside
        elif keyword in _PLAIN or keyword in enforced:
            closed[keyword] = value
        elif keyword in _CONSTRAINTS:
            notes.append(f"{keyword}: {value}")
        elif keyword not in _DROPPED:
            raise _Open
    if notes:
        said = closed.get("description")
        closed["description"] = (f"{said}\n\n" if said else "") + "{" + ", ".join(notes) + "}"
    if schema.get("type") == "object":
        _close_object(schema, closed)
    return closed


def _by_name(keyword: str, value: Any, enforced: Collection[str]) -> tuple[str, Any]:
    return keyword, {name: _closed(inner, enforced) for name, inner in value.items()}


def _one_of_several(_: str, value: Any, enforced: Collection[str]) -> tuple[str, Any]:
    return "anyOf", [_closed(inner, enforced) for inner in value]


def _single(keyword: str, value: Any, enforced: Collection[str]) -> tuple[str, Any]:
    return keyword, _closed(value, enforced)


_NESTED = {
    "$defs": _by_name,
    "anyOf": _one_of_several,
    "items": _single,
    "oneOf": _one_of_several,
    "properties": _by_name,
}


def _close_object(schema: dict[str, Any], closed: dict[str, Any]) -> None:
    if not schema.get("properties") or schema.get("additionalProperties") not in (None, False):
        raise _Open
    closed["required"] = list(closed["properties"])
    closed["additionalProperties"] = False
