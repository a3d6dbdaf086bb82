"""`--schema`: a file, JSON, or the short form."""

import json

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli._schema_text import parse_schema

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def test_the_short_form_has_types_lists_options_and_descriptions():
    assert parse_schema(
        "name, age int, tags list[str]?, score float: how sure, ok bool?: maybe"
    ) == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "score": {"type": "number", "description": "how sure"},
            "ok": {"type": "boolean", "description": "maybe"},
        },
        "required": ["name", "age", "score"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "text",
    [
        "name, age int",
        "name str, age int",
        " name,age   int, ",
        ",name,,age int",
        "name\nage int",
        "name,\nage int,\n",
        "\n\nname\r\n\r\nage\tint\r\n",
        json.dumps(PERSON),
        f"\n {json.dumps(PERSON, indent=2)}",
    ],
)
def test_one_schema_has_many_spellings(text):
    assert parse_schema(text) == PERSON


def test_lines_leave_commas_and_colons_to_descriptions():
    schema = parse_schema("name: first, then last: in capitals\nage int:\nnick?")
    assert schema["properties"] == {
        "name": {"type": "string", "description": "first, then last: in capitals"},
        "age": {"type": "integer"},
        "nick": {"type": "string"},
    }
    assert schema["required"] == ["name", "age"]


def test_a_file_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a person.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(PERSON).encode())
    assert parse_schema(str(path)) == PERSON
    monkeypatch.chdir(tmp_path)
    assert parse_schema(" a person.json\n") == PERSON
    (tmp_path / "age").mkdir()
    assert list(parse_schema("age")["properties"]) == ["age"]  # a folder is no schema


UNKNOWN_TYPE = "the types are str, int, float, bool and lists of them, such as `list[str]`"
NO_FILE = "No such file or directory; give a JSON file, or fields such as `name, age int`"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the schema is empty; give fields, such as `name, age int`"),
        (" \n", "the schema is empty; give fields, such as `name, age int`"),
        (" , ,", "line 1, column 1: there is no field; write some, such as `name, age int`"),
        ("name, age integer", f"line 1, column 11: unknown type `integer`; {UNKNOWN_TYPE}"),
        ("name\ntags list[set]", f"line 2, column 6: unknown type `list[set]`; {UNKNOWN_TYPE}"),
        ("name, : who", "line 1, column 6: a field without a name; write it before the colon"),
        ("a int b c", "line 1, column 7: `b` after the type; put a colon before a description"),
        ("a, b int, a str", "line 1, column 10: there are two fields `a`; rename one"),
        ("a, b() int", "line 1, column 4: `b()` is no name; use letters, digits, `_`, `-`, `.`"),
        ("{oops", "the schema is not a JSON object: JSON is malformed"),
        ("{}}", "the schema is not a JSON object: JSON is malformed"),
        ('{"type": "text"}', "the schema is not valid: 'text' is not valid"),
        ("no/such/file", f"cannot read schema file `no/such/file`: {NO_FILE}"),
        ("person.json", f"cannot read schema file `person.json`: {NO_FILE}"),
    ],
)
def test_errors_name_the_place_and_the_way_out(text, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_schema(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe", b"{" * 100_000, b'{"a":' * 100_000])
def test_a_file_that_is_no_schema_is_named(tmp_path, content):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"schema file `.*bad\.json` is not a JSON object"):
        parse_schema(str(path))


def test_an_endless_file_is_refused(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(ConfigurationError, match="larger than 10000000 bytes"):
        parse_schema(str(path))


names = st.from_regex(r"[\w.$-]{1,20}", fullmatch=True)
types = st.sampled_from(["", "str", "int", "float", "bool", "list[str]", "list[int]", "list[bool]"])
descriptions = st.text(st.characters(exclude_characters="\n,", exclude_categories=["Cs"]))


@st.composite
def fields(draw):
    """One field in the short form, with its name and whether it is required."""
    name, type_, optional = draw(names), draw(types), draw(st.booleans())
    spelled = f"{name} {type_}".rstrip() + "?" * optional
    description = draw(descriptions)
    return f"{spelled}: {description}" if description else spelled, name, not optional


@given(st.lists(fields(), min_size=1, unique_by=lambda field: field[1]), st.sampled_from(",\n"))
def test_every_short_form_gives_a_valid_schema(written, separator):
    schema = parse_schema(separator.join(text for text, _, _ in written) + separator)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == [name for _, name, _ in written]
    assert schema["required"] == [name for _, name, required in written if required]


@given(st.text())
@example("\ud800")
@example("a" * 5_000)
@example("/\0")
@example("x: \ud800")
def test_any_text_gives_a_valid_schema_or_one_clear_error(text):
    try:
        schema = parse_schema(text)
    except ConfigurationError:
        return
    jsonschema.Draft202012Validator.check_schema(schema)
    json.dumps(schema, ensure_ascii=False).encode()
