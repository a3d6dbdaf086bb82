"""A signature is read once: names, schema, decoder, descriptions."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Literal, Optional, TypedDict

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from agno_cli import ConfigurationError, RunContext, tool
from agno_cli._signatures import json_schema, read_signature


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Place(Struct, frozen=True):
    """Where it is."""

    city: str
    zip: str | None = None


@dataclasses.dataclass
class Range:
    low: float
    high: float = 1.0


class Filter(TypedDict, total=False):
    text: str


class Tree(Struct):
    label: str
    children: list[Tree] = []


class Yes(Struct, tag=True):
    reason: str


class No(Struct, tag=True):
    excuse: str


class Chapter(Struct):
    title: str
    book: Book | None = None


class Book(Struct):
    chapters: list[Chapter]


def weather(
    place: Place,
    unit: Unit = Unit.CELSIUS,
    days: Annotated[int, Meta(ge=1, le=14)] = 1,
    *,
    style: Literal["short", "long"] = "short",
) -> str:
    """Tell the weather.

    It is a forecast, not a promise.

    Args:
        place: where; the city is enough.
        unit: of temperatures.

    Returns:
        A sentence.
    """
    return f"{place.city} {unit.value} {days} {style}"


def test_the_whole_schema_of_a_function():
    read = read_signature(weather)

    assert read.name == "weather"
    assert read.description == "Tell the weather.\n\nIt is a forecast, not a promise."
    assert read.parameters == {
        "type": "object",
        "properties": {
            "place": {
                "title": "Place",
                "description": "where; the city is enough.",
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "zip": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                },
                "required": ["city"],
            },
            "unit": {
                "title": "Unit",
                "description": "of temperatures.",
                "enum": ["c", "f"],
                "default": "c",
            },
            "days": {"type": "integer", "minimum": 1, "maximum": 14, "default": 1},
            "style": {"enum": ["long", "short"], "default": "short"},
        },
        "required": ["place"],
        "additionalProperties": False,
    }


def test_arguments_are_decoded_to_their_types_and_passed_by_position():
    read = read_signature(weather)

    given = msgspec.structs.astuple(read.decode('{"place": {"city": "Oslo"}, "style": "long"}'))

    assert given == (Place("Oslo"), Unit.CELSIUS, 1, "long")
    assert read.call(*given) == "Oslo c 1 long"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ('{"place": {"city": 5}}', "Expected `str`, got `int` - at `$.place.city`"),
        ('{"place": {"city": "x"}, "days": 15}', "Expected `int` <= 14 - at `$.days`"),
        ('{"place": {"city": "x"}, "unit": "k"}', "Invalid enum value 'k' - at `$.unit`"),
        ('{"place": {"city": "x"}, "more": 1}', "Object contains unknown field `more`"),
        ("[]", "Expected `object`, got `array`"),
    ],
)
def test_arguments_that_do_not_fit(arguments, problem):
    with pytest.raises(msgspec.ValidationError) as caught:
        read_signature(weather).decode(arguments)

    assert str(caught.value) == problem


def takes(  # noqa: PLR0913, PLR0917 - one parameter for each kind of annotation
    dataclass: Range,
    typed: Filter,
    when: dt.datetime,
    many: dict[str, list[int]],
    either: int | str,
    maybe: Optional[float] = None,  # noqa: UP045 - users write it
    loose: Any = None,
    listed: list[int] = [1, 2],  # noqa: B006 - users write it
    empty: list[str] = [],  # noqa: B006
) -> tuple[Any, ...]:
    return (dataclass, typed, when, many, either, maybe, loose, listed, empty)


def test_annotations_of_every_kind():
    read = read_signature(takes)
    text = (
        '{"dataclass": {"low": 0.5}, "typed": {"text": "a"}, "when": "2024-01-02T03:04:05Z",'
        ' "many": {"a": [1]}, "either": "x"}'
    )

    given = read.call(*msgspec.structs.astuple(read.decode(text)))

    assert given == (
        Range(0.5),
        {"text": "a"},
        dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        {"a": [1]},
        "x",
        None,
        None,
        [1, 2],
        [],
    )


def grow(tree: Tree, other: Tree | None = None) -> str:
    return tree.label


def test_only_a_recursive_type_is_referred_to():
    parameters = read_signature(grow).parameters

    tree = {
        "title": "Tree",
        "type": "object",
        "properties": {
            "label": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "default": []},
        },
        "required": ["label"],
    }
    assert parameters["$defs"] == {"Tree": tree}
    assert parameters["properties"]["tree"] == tree
    jsonschema.validate(
        {"tree": {"label": "a", "children": [{"label": "b", "children": []}]}}, parameters
    )


def test_types_that_refer_to_each_other():
    schema = json_schema(Book, "`output_type`")

    fine = {"chapters": [{"title": "1", "book": {"chapters": [{"title": "2"}]}}]}
    wrong = {"chapters": [{"title": "1", "book": {"chapters": [{"title": 2}]}}]}
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid(fine)
    assert not check.is_valid(wrong)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
finite = st.floats(allow_nan=False, allow_infinity=False)
answers = st.builds(Yes, words) | st.builds(No, words)
trees = st.recursive(
    st.builds(Tree, words), lambda inner: st.builds(Tree, words, st.lists(inner)), max_leaves=4
)
books = st.builds(
    Book, st.lists(st.builds(Chapter, words, st.just(Book([Chapter("2")])) | st.none()))
)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Place, st.builds(Place, words, words | st.none())),
    (Range, st.builds(Range, finite, finite)),
    (Filter, st.sampled_from([{}, {"text": "a"}])),
    (Tree, trees),
    (dict[str, Tree], st.dictionaries(words, trees, max_size=2)),
    (Book, books),
    (Yes | No, answers),
    (list[Yes | No], st.lists(answers, max_size=3)),
    (tuple[int, str], st.tuples(st.integers(-(2**53), 2**53), words)),
    (Annotated[list[int], Meta(min_length=1)], st.just([1])),
    (Literal["a", 1] | None, st.sampled_from(["a", 1, None])),
    (Unit | None, st.sampled_from([*Unit, None])),
]


@pytest.mark.parametrize("case", TYPES, ids=lambda case: str(case[0]))
def test_what_a_schema_says_is_what_the_decoder_takes(case):
    """A value of the type, written as JSON, fits the schema and comes back."""
    type_, values = case
    schema = json_schema(type_, "this type")
    check = jsonschema.Draft202012Validator(schema)
    decoder = msgspec.json.Decoder(type_)

    @settings(max_examples=30, deadline=None)
    @given(values)
    def holds(value: Any) -> None:
        text = msgspec.json.encode(value)
        check.validate(msgspec.json.decode(text))
        assert decoder.decode(text) == value

    check.check_schema(schema)
    holds()


def test_the_order_of_the_signature_is_kept():
    def odd(a: int = 1, *, b: str, c: float = 2.0) -> str:
        return f"{a}{b}{c}"

    read = read_signature(odd)

    assert list(read.parameters["properties"]) == ["a", "b", "c"]
    assert read.parameters["required"] == ["b"]
    assert read.call(*msgspec.structs.astuple(read.decode('{"b": "x"}'))) == "1x2.0"


def test_a_context_comes_first_and_is_not_for_the_model():
    def who(context: RunContext, *, loud: bool = False) -> str:
        return f"{context.user}{'!' * loud}"

    read = read_signature(who)

    assert read.takes_context
    assert list(read.parameters["properties"]) == ["loud"]
    assert read.call(RunContext(user="ada"), True) == "ada!"


class Poly:
    def power(self, base: int, exponent: int = 2) -> int:
        """Raise."""
        return int(base**exponent)

    @classmethod
    def make(cls, name: str) -> str:
        return cls.__name__ + name

    @staticmethod
    def half(n: float) -> float:
        return n / 2

    async def __call__(self, n: int) -> int:
        """Do it."""
        return n


@pytest.mark.parametrize(
    ("function", "name", "fields", "is_async"),
    [
        (Poly().power, "power", ["base", "exponent"], False),
        (Poly.make, "make", ["name"], False),
        (Poly.half, "half", ["n"], False),
        (Poly(), "Poly", ["n"], True),
        (lambda: 1, "<lambda>", [], False),
    ],
)
def test_functions_of_every_kind(function, name, fields, is_async):
    read = read_signature(function)

    assert (read.name, list(read.parameters["properties"]), read.is_async) == (
        name,
        fields,
        is_async,
    )


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_a_wrapped_function_keeps_its_signature():
    assert read_signature(logged(weather)).parameters == read_signature(weather).parameters


def plain_docstring(a: int) -> None:
    """Say it.

    And more
    of it.
    """


def numpy_docstring(a: int) -> None:
    """Say it.

    Parameters
    ----------
    a : int
        how often
    """


def restructured_docstring(a: int) -> None:
    """Say it.

    :param a: how often
    """


@pytest.mark.parametrize(
    ("function", "description", "described"),
    [
        (plain_docstring, "Say it.\n\nAnd more\nof it.", None),
        (numpy_docstring, "Say it.", "how often"),
        (restructured_docstring, "Say it.", "how often"),
    ],
)
def test_docstrings_of_every_style(function, description, described):
    read = read_signature(function)

    assert read.description == description
    assert read.parameters["properties"]["a"].get("description") == described


def test_a_function_without_a_docstring_has_no_description():
    assert read_signature(grow).description == ""


def bare(a, b: int = 1):
    return a


def variadic(*numbers: int) -> int:
    return sum(numbers)


def keywords(**options: int) -> int:
    return len(options)


def unknown(a: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821 - that is the point
    """Nobody knows this type."""


def late_context(a: int, context: RunContext) -> None:
    """Put the context where a model would have to fill it in."""


def no_schema(a: complex | Callable[[], int]) -> None:
    """Take what JSON has no form of."""


def sentinel(a: int = object()) -> None:  # type: ignore[assignment]  # users write it
    """Have a default that JSON has no form of."""


class Mutable(Struct):
    x: int = 0


def mutable_default(a: Mutable = Mutable(3)) -> None:  # noqa: B008 - users write it
    """Have a default that one call could change for the next."""


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


def two_structs(a: Place | Range) -> None:
    """Leave open which is meant."""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (bare, "tool `bare`: parameter `a` has no annotation; add one, such as `a: str`"),
        (variadic, "tool `variadic`: `*numbers: 'int'` takes any number of arguments"),
        (keywords, "tool `keywords`: `**options: 'int'` takes any number of arguments"),
        (unknown, "tool `unknown`: its signature cannot be read: name 'Missing' is not defined"),
        (late_context, "tool `late_context`: `context` is a RunContext but not the first"),
        (no_schema, "tool `no_schema`: "),
        (sentinel, "tool `sentinel`: no JSON schema can be made"),
        (mutable_default, "tool `mutable_default`: Using a mutable struct object"),
        (generator, "tool `generator` is a generator"),
        (async_generator, "tool `async_generator` is a generator"),
        (two_structs, "tool `two_structs`: "),
        (max, "tool `max`: its signature cannot be read"),
        (print, "tool `print`: `*args` takes any number of arguments"),
        (functools.partial(weather, days=2), "tool `partial`: parameter `place` has no annotation"),
        (int, "tool `int`: "),
    ],
)
def test_a_function_that_is_no_tool_is_told_why(function, problem):
    with pytest.raises(ConfigurationError) as caught:
        tool(function)

    assert str(caught.value).startswith(problem)
