"""Agents written down in a TOML file; teams and workflows are read with them.

    [agents.writer]
    model = "openai:gpt-5-mini"
    instructions = "Write in plain words."
    tools = ["calculator", "tools.py:search"]
    limits = { turns = 5 }

An unknown key is an error that says where it stands and what it may have meant. Files are looked
for beside the TOML file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from ._agent import Agent
from ._errors import ConfigurationError, InputError
from ._limits import Limits
from ._output import JsonSchema
from ._settings import expanded
from ._tools import Tool, Toolkit, ToolLike
from ._user_code import is_file, load
from .models._protocol import Model

_T = TypeVar("_T")


class Place(Struct, frozen=True):
    """Where in which file something is written, for errors and for files named beside it."""

    file: Path
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"`{self.file}`: `{'.'.join(self.keys)}`" if self.keys else f"`{self.file}`"

    def inside(self, *keys: str) -> Place:
        """Give the place of something within."""
        return Place(self.file, (*self.keys, *keys))

    def error(self, problem: str) -> ConfigurationError:
        """Make the error of what is written here."""
        return ConfigurationError(f"{self}: {problem}")


class _AgentEntry(Struct, frozen=True):
    model: str | None = None
    instructions: str = ""
    tools: list[str] = []
    schema: str | None = None
    options: dict[str, Any] = {}
    limits: Limits = Limits()


def read_document(path: str | Path) -> tuple[dict[str, Any], Place]:
    """Read a TOML file.

    Raises:
        InputError: there is no such file, or it is not text.
        ConfigurationError: it is not TOML.
    """
    import tomllib

    file = expanded(str(path))
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"cannot read `{path}`: {reason}") from error
    place = Place(file)
    try:
        return tomllib.loads(text), place
    except tomllib.TOMLDecodeError as error:
        raise place.error(f"it is not TOML: {error}") from error


def read_table(table: Any, kind: type[_T], where: Place) -> _T:
    """Decode a table as a Struct.

    Raises:
        ConfigurationError: an unknown key, or a value that does not fit.
    """
    if not isinstance(table, dict):
        raise where.error(f"it is {table!r}; write a table")
    fields = msgspec.structs.fields(cast("type[Struct]", kind))
    check_keys(table, [field.encode_name for field in fields], where)
    values = {}
    for field in fields:
        if field.required and field.encode_name not in table:
            raise where.error(f"`{field.encode_name}` is missing")
        if field.encode_name in table:
            values[field.name] = _value(table[field.encode_name], field, where)
    try:
        return kind(**values)
    except ConfigurationError as error:
        raise where.error(str(error)) from error


def _value(value: Any, field: msgspec.structs.FieldInfo, where: Place) -> Any:
    inside = where.inside(field.encode_name)
    if isinstance(field.type, type) and issubclass(field.type, Struct):
        return read_table(value, field.type, inside)
    try:
        return msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        raise inside.error(str(error)) from error


def check_keys(table: Mapping[str, Any], known: Iterable[str], where: Place) -> None:
    """Raise ConfigurationError for a key that is not known, with the nearest ones."""
    known = list(known)
    for key in table:
        if key not in known:
            raise where.inside(key).error(f"there is no such key; {nearest(key, known)}")


def nearest(word: str, words: Iterable[str]) -> str:
    """Say what a word may have meant, or what there is."""
    from difflib import get_close_matches

    words = list(words)
    near = get_close_matches(word, words)
    if near:
        return f"did you mean {' or '.join(f'`{item}`' for item in near)}?"
    return f"there are: {', '.join(words)}" if words else "there are none"


def read_agents(table: Any, where: Place) -> dict[str, Agent]:
    """Read the agents of a file by name, `[agents.NAME]` each.

    Raises:
        ConfigurationError: what is written cannot be used, or code it names cannot be imported.
        InputError: code that it names is not there.
    """
    if not isinstance(table, dict):
        raise where.error(f"it is {table!r}; write `[agents.NAME]` for each agent")
    return {name: _read_agent(name, entry, where.inside(name)) for name, entry in table.items()}


def _read_agent(name: str, table: Any, where: Place) -> Agent:
    entry = read_table(table, _AgentEntry, where)
    return Agent(
        read_model(entry.model, where.inside("model")),
        name=name,
        instructions=entry.instructions,
        tools=[read_tool(tool, where.inside("tools")) for tool in entry.tools],
        output_type=None if entry.schema is None else _schema(entry.schema, where),
        options=entry.options,
        limits=entry.limits,
    )


def _schema(text: str, where: Place) -> JsonSchema:
    from ._schema_text import parse_schema

    try:
        return JsonSchema(parse_schema(text))
    except ConfigurationError as error:
        raise where.inside("schema").error(str(error)) from error


def read_model(name: str | None, where: Place) -> Model | str | None:
    """Give a model's name as it is, or the Model that `file.py:attribute` names."""
    if name is None or not name.rpartition(":")[0].endswith(".py"):
        return name
    model: Model = read_code(name, where, lambda value: isinstance(value, Model))
    return model


def read_tool(name: str, where: Place) -> ToolLike:
    """Give a toolkit by its name, or the tool that `module:function` or `file.py:function` names.

    Raises:
        ConfigurationError: there is no such toolkit, or the code cannot be imported.
        InputError: there is no such code.
    """
    if ":" not in name and not is_file(name):
        from .toolkits import toolkit

        try:
            return toolkit(name)
        except ConfigurationError as error:
            raise where.error(
                f"{error} (one of your own: `module:function` or `file.py:function`)"
            ) from error
    found: ToolLike = read_code(name, where, _is_tool)
    return found


def _is_tool(value: Any) -> bool:
    return isinstance(value, Tool | Toolkit) or (callable(value) and not isinstance(value, type))


def read_code(reference: str, where: Place, fits: Callable[[Any], bool]) -> Any:
    """Give what `module:attribute` or `file.py:attribute` names; see `_user_code.load`."""
    place, colon, attribute = reference.rpartition(":")
    if is_file(place):
        reference = f"{where.file.parent / place}{colon}{attribute}"
    return load(reference, str(where), fits)
