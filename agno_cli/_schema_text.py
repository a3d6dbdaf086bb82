"""Schemas as a user writes them on a command line: a file, JSON, or a short form.

The short form is that of the `llm` command line, a superset of its concise schema syntax:

    name, age int, tags list[str]?, score float: how sure you are

Fields are separated by commas or, when a description needs commas, by newlines. A field is a
name, a type (text when left out) and, after a colon, a description. A `?` after the name or the
type makes it optional.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from agno_cli._errors import ConfigurationError
from agno_cli._json_schema import make_validator

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_MAX_FILE = 10_000_000  # bytes; a schema is a few thousand
_NAME = re.compile(r"[\w.$-]+")
_LIST = re.compile(r"list\[(.*)\]")


def parse_schema(text: str) -> dict[str, Any]:
    """Read a JSON schema from a file's path, from JSON or from the short form.

    >>> parse_schema("name, age int?")["properties"]
    {'name': {'type': 'string'}, 'age': {'type': 'integer'}}
    >>> parse_schema("name, age int?")["required"]
    ['name']

    Raises:
        ConfigurationError: the file cannot be read, the JSON is no JSON schema, or the short
            form is wrong; it names the place.
    """
    stripped = text.strip()
    if not stripped:
        raise ConfigurationError("the schema is empty; give fields, such as `name, age int`")
    if stripped.startswith("{"):
        return _json_schema(stripped.encode(errors="replace"), "the schema")
    if _is_path(stripped):
        return _json_schema(_read(stripped), f"schema file `{stripped}`")
    return _short_form(text.encode(errors="replace").decode())


def _is_path(text: str) -> bool:
    """Tell a path from fields: a file is there, or no field could be written so."""
    with contextlib.suppress(OSError, ValueError):  # too long a name, or one with a zero byte
        if Path(text).exists() and not Path(text).is_dir():
            return True
    return not re.search(r"[\s,:]", text) and (
        text.endswith(".json") or "/" in text or "\\" in text
    )


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_FILE + 1)
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot read schema file `{path}`: {reason}; give a JSON file, or fields"
            " such as `name, age int`"
        ) from error
    if len(content) > _MAX_FILE:
        raise ConfigurationError(
            f"schema file `{path}` is larger than {_MAX_FILE} bytes; give a smaller one"
        )
    return content.removeprefix(b"\xef\xbb\xbf")  # editors on Windows begin files with it


def _json_schema(content: bytes, origin: str) -> dict[str, Any]:
    try:
        schema = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"{origin} is not a JSON object: {error}; give one such as"
            ' `{"type": "object", "properties": {}}`'
        ) from error
    make_validator(schema, origin)
    return schema


def _short_form(text: str) -> dict[str, Any]:
    separator = "\n" if "\n" in text.strip() else ","
    properties: dict[str, Any] = {}
    required = []
    start = 0
    for part in text.split(separator):
        if part.strip(" \t\r\n,"):
            name, optional, schema = _field(text, start, part)
            if name in properties:
                _fail(text, start, f"there are two fields `{name}`; rename one")
            properties[name] = schema
            if not optional:
                required.append(name)
        start += len(part) + 1
    if not properties:
        _fail(text, 0, "there is no field; write some, such as `name, age int`")
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _field(text: str, start: int, part: str) -> tuple[str, bool, dict[str, Any]]:
    """Read `name type: description`, which begins at `start`; give name, optional, schema."""
    before, _, description = part.rstrip(" \t\r,").partition(":")
    words = list(re.finditer(r"\S+", before))
    if not words:
        _fail(text, start, "a field without a name; write it before the colon")
    if len(words) > 2:  # noqa: PLR2004 - a name and a type
        at = start + words[2].start()
        _fail(text, at, f"`{words[2][0]}` after the type; put a colon before a description")
    name, type_ = words[0][0].removesuffix("?"), words[-1][0].removesuffix("?")
    if not _NAME.fullmatch(name):
        at = start + words[0].start()
        _fail(text, at, f"`{name}` is no name; use letters, digits, `_`, `-`, `.` and `$`")
    schema = {"type": "string"}
    if len(words) > 1:
        schema = _type(type_) or _fail(
            text,
            start + words[1].start(),
            f"unknown type `{type_}`; the types are {', '.join(_TYPES)} and lists of them,"
            " such as `list[str]`",
        )
    if description.strip():
        schema["description"] = description.strip()
    return name, before.rstrip().endswith("?") or words[0][0].endswith("?"), schema


def _type(name: str) -> dict[str, Any] | None:
    of_list = _LIST.fullmatch(name)
    if of_list:
        items = _TYPES.get(of_list[1])
        return {"type": "array", "items": {"type": items}} if items else None
    return {"type": _TYPES[name]} if name in _TYPES else None


def _fail(text: str, position: int, problem: str) -> NoReturn:
    before = text[:position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    raise ConfigurationError(f"schema, line {line}, column {column}: {problem}")
