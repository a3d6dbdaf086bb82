"""A value that fits a JSON schema: made up, always the same, as small as can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# One of each format that msgspec gives to Python's types.
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "decimal": "0",
    "email": "a@example.org",
    "uri": "http://127.0.0.1/",
}
# To try in this order for texts without a format: msgspec gives none to times that may do
# without a zone.
TEXTS = ("", "2026-01-01T00:00:00", "00:00:00")
# Deeper than any schema that is not endless.
_DEEPEST = 50


def sample(schema: Mapping[str, Any], text: str = "") -> Any:
    """Make up a value. It need not fit a `pattern`: whoever uses it validates it.

    Args:
        schema: what it is to fit.
        text: what strings are that have no format, see TEXTS.

    >>> sample({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    {'n': 0}

    Raises:
        ValueError: the schema is endless: each value needs another one within it.
    """
    return _Sampler(schema.get("$defs", {}), text).make(schema, 0)


class _Sampler:
    def __init__(self, shared: Mapping[str, Any], text: str) -> None:
        self._shared = shared
        self._text = text

    def make(self, schema: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("its schema is endless")
        if not isinstance(schema, Mapping):
            return None
        if "$ref" in schema:
            return self.make(self._shared.get(schema["$ref"].rpartition("/")[2], {}), depth + 1)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("enum", "examples"):
            if schema.get(key):
                return schema[key][0]
        for key in ("anyOf", "oneOf", "allOf"):
            if schema.get(key):
                return self.make(_simplest(schema[key]), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0]
        match kind:
            case "object":
                fields = schema.get("properties", {})
                names = schema.get("required", ())
                return {name: self.make(fields.get(name), depth + 1) for name in names}
            case "array":
                items = list(schema.get("prefixItems", ()))
                items += [schema.get("items")] * (schema.get("minItems", 0) - len(items))
                return [self.make(item, depth + 1) for item in items]
            case "string":
                text = _FORMATS.get(schema.get("format", ""), self._text)
                return text.ljust(schema.get("minLength", 0), "a")
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return False
        return None


def _simplest(choices: list[Any]) -> Any:
    """Choose null where it is allowed: it needs nothing within it."""
    return next(
        (c for c in choices if isinstance(c, Mapping) and c.get("type") == "null"), choices[0]
    )


def _number(schema: Mapping[str, Any], *, whole: bool) -> int | float:
    """Give the number nearest to 0 that is within the bounds."""
    step = schema.get("multipleOf", 1 if whole else 0)
    low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    high, below = schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    nudge = step or 1e-6
    value = min(max(0, low, above + nudge), high, below - nudge)
    if step:
        value = math.ceil(value / step) * step if value > 0 else math.floor(value / step) * step
    return int(value) if whole else value
