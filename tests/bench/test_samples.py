"""A value is made up that fits a schema."""

import datetime as dt
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from agno_cli._signatures import json_schema
from agno_cli.bench._samples import TEXTS, sample


class Colour(enum.Enum):
    RED = "red"


class Address(Struct):
    street: str
    number: int
    floor: int | None
    note: str = "none"


class Tree(Struct):
    children: list["Tree"]


class Person(Struct):
    name: Annotated[str, Meta(min_length=3)]
    home: Address
    colour: Colour
    family: Tree
    id: uuid.UUID
    born: dt.date
    seen: Annotated[dt.datetime, Meta(tz=True)]
    fee: decimal.Decimal
    raw: bytes
    pair: tuple[int, str]
    tags: Annotated[list[str], Meta(min_length=2)]
    kind: Literal["a", "b"]
    free: dict[str, int]
    flag: bool
    anything: Any


def test_a_value_of_many_types_fits_its_schema():
    made = sample(json_schema(Person, "person"))
    person = msgspec.convert(made, Person)
    assert (person.name, person.tags, person.kind) == ("aaa", ["", ""], "a")
    assert (person.home.floor, person.home.note) == (None, "none")


@given(
    low=st.integers(-100, 100),
    width=st.integers(2, 200),
    step=st.sampled_from([None, 1, 2]),
    exclusive=st.booleans(),
)
def test_a_number_is_within_its_bounds(low, width, step, exclusive):
    schema = {"type": "integer", "maximum": low + width}
    schema["exclusiveMinimum" if exclusive else "minimum"] = low - exclusive
    if step:
        schema["multipleOf"] = step
    value = sample(schema)
    assert low <= value <= low + width
    assert value % (step or 1) == 0


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "number", "exclusiveMinimum": 0}, 1e-6),
        ({"type": "number", "maximum": -2.5}, -2.5),
        ({"const": 7}, 7),
        ({"enum": ["x", "y"]}, "x"),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "string", "examples": ["e"]}, "e"),
        ({"type": ["string", "null"]}, ""),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"type": "null"}, None),
        ({}, None),
        ({"type": "object"}, {}),
    ],
)
def test_what_a_schema_says_is_taken(schema, value):
    assert sample(schema) == value


def test_texts_without_a_format_are_what_they_are_told_to_be():
    """Times that may do without a zone have no format in msgspec's schemas."""
    schema = json_schema(dt.datetime, "moment")
    made = [sample(schema, text) for text in TEXTS]
    assert msgspec.convert(made[1], dt.datetime) == dt.datetime(2026, 1, 1)  # noqa: DTZ001 - as said


def test_an_endless_schema_is_refused():
    endless = {"type": "object", "properties": {"me": {"$ref": "#/$defs/Me"}}, "required": ["me"]}
    with pytest.raises(ValueError, match="its schema is endless"):
        sample({**endless, "$defs": {"Me": endless}})
