import re
from typing import Any

import pytest

from agno_cli._errors import ConfigurationError
from agno_cli._json_schema import make_validator

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["name"]}},
}
DRAFT_7 = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {"id": {"$id": "#id", "type": "integer"}},
    "items": {"$ref": "#id"},
}
NAMED = {"$id": "http://a.example/s", "$defs": {"x": {"$anchor": "x"}}, "$ref": "s#x"}
NO_REFERENCE = {"const": {"$ref": "#/nowhere"}, "enum": [{"$ref": "#/nowhere"}]}


@pytest.mark.parametrize("schema", [{}, TREE, DRAFT_7, NAMED, NO_REFERENCE, {"items": False}])
def test_references_within_a_schema(schema: dict[str, Any]) -> None:
    assert make_validator(schema).schema == schema


def test_a_reference_is_followed() -> None:
    validator = make_validator(TREE)
    assert validator.is_valid({"name": "a", "next": {"name": "b"}})
    assert not validator.is_valid({"name": "a", "next": {}})


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "a `$ref` that leads nowhere: '#/$defs/b'"),
        ({"items": {"anyOf": [{"$ref": "#b"}]}}, "a `$ref` that leads nowhere: '#b'"),
        ({"$dynamicRef": "#b"}, "a `$dynamicRef` that leads nowhere: '#b'"),
        ({"$ref": "http://a.example/"}, "a `$ref` that leads nowhere: 'http://a.example/'"),
        ({"$ref": "other.json"}, "a `$ref` that leads nowhere: 'other.json'; point it to a part"),
        ({"$ref": "#"}, "refers to itself without end"),
        ({"type": "text"}, "is not valid: 'text' is not valid under any"),
        ({"properties": {"a": {"pattern": "("}}}, "- at `$.properties.a.pattern`"),
    ],
)
def test_what_could_only_fail_later(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^schema file `x` .*{re.escape(problem)}"):
        make_validator(schema, "schema file `x`")


def test_a_schema_too_deep_to_be_checked() -> None:
    schema: dict[str, Any] = {}
    for _ in range(2000):
        schema = {"items": schema}
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        make_validator(schema)
