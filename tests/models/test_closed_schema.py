"""Schemas in the narrow form that providers enforce."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest
from msgspec import Meta, Struct

from agno_cli._output import output_spec
from agno_cli.models._schemas import closed_schema


class Shape(Enum):
    ROUND = "round"
    FLAT = "flat"


class Part(Struct):
    """A part."""

    size: Annotated[int, Meta(ge=1, le=9)]
    shape: Shape = Shape.ROUND


class Thing(Struct):
    name: Annotated[str, Meta(min_length=1, description="Its name.")]
    parts: list[Part]
    kind: Literal["a", "b"] | None = None


def test_objects_are_closed_and_complete() -> None:
    schema = output_spec(Thing).schema
    closed = closed_schema(schema, {"minimum", "maximum"})
    assert closed is not None
    assert closed == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Its name.\n\n{minLength: 1}"},
            "parts": {"type": "array", "items": closed["properties"]["parts"]["items"]},
            "kind": closed["properties"]["kind"],
        },
        "required": ["name", "parts", "kind"],
        "additionalProperties": False,
    }
    assert closed["properties"]["parts"]["items"] == {
        "title": "Part",
        "description": "A part.",
        "type": "object",
        "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "shape": {"title": "Shape", "enum": ["flat", "round"]},
        },
        "required": ["size", "shape"],
        "additionalProperties": False,
    }


def test_definitions_are_closed_too() -> None:
    part = {"type": "object", "properties": {"a": {"$ref": "#/$defs/Part"}}}
    assert closed_schema({"$ref": "#/$defs/Part", "$defs": {"Part": part}}, ()) == {
        "$ref": "#/$defs/Part",
        "$defs": {"Part": {**part, "required": ["a"], "additionalProperties": False}},
    }


def test_what_fits_the_narrow_schema_fits_the_wide_one() -> None:
    wide = output_spec(Thing).schema
    narrow = closed_schema(wide, ())
    answer = msgspec.to_builtins(Thing("x", [Part(3)], None))
    assert narrow is not None
    jsonschema.validate(answer, narrow)
    jsonschema.validate(answer, wide)


def test_constraints_are_put_in_words_where_they_are_not_enforced() -> None:
    assert closed_schema({"type": "integer", "minimum": 1, "multipleOf": 2}, ()) == {
        "type": "integer",
        "description": "{minimum: 1, multipleOf: 2}",
    }


def test_tagged_unions_lose_their_discriminator() -> None:
    schema = {"oneOf": [{"type": "null"}], "discriminator": {"propertyName": "type"}}
    assert closed_schema(schema, ()) == {"anyOf": [{"type": "null"}]}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}},
        {"type": "array", "items": {"description": "anything"}},
        {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
        {"type": "object", "patternProperties": {}},
        {"allOf": [{"type": "string"}]},
    ],
)
def test_open_schemas_have_no_narrow_form(schema: Any) -> None:
    assert closed_schema(schema, ()) is None
