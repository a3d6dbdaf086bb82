"""Structured output: any type, native schema or output tool, a bounded number of re-asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from agno_cli import (
    Agent,
    ConfigurationError,
    JsonSchema,
    Limits,
    Message,
    ModelRequest,
    OutputInvalid,
    ScriptedModel,
    ToolCall,
    Usage,
    say,
    tool,
)
from agno_cli._output import OUTPUT_TOOL, output_spec
from tests.faces import every_face, transcript


class City(Struct):
    name: str
    people: int


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    bark: str


class Node(Struct):
    value: int
    next: Node | None = None


class Fussy(Struct):
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise LookupError("no such number")


NUMBERS = {"type": "array", "items": {"type": "integer"}}
TREE = {
    "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    "$ref": "#/$defs/tree",
}
DRAFT_7 = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {"positive": {"type": "integer", "minimum": 1}},
    "type": "array",
    "items": {"$ref": "#/definitions/positive"},
}

ANSWERS: dict[str, tuple[Any, str, Any]] = {
    "a struct": (City, '{"name": "Oslo", "people": 700000}', City("Oslo", 700000)),
    "a dict": (dict[str, int], '{"a": 1}', {"a": 1}),
    "an int": (int, '{"value": 7}', 7),
    "a list": (list[City], '{"value": [{"name": "A", "people": 1}]}', [City("A", 1)]),
    "a union": (Cat | Dog, '{"value": {"type": "Dog", "bark": "wau"}}', Dog("wau")),
    "a literal": (Literal["yes", "no"], '{"value": "no"}', "no"),
    "nothing": (int | None, '{"value": null}', None),
    "a recursive type": (
        Node,
        '{"value": 1, "next": {"value": 2}}',
        Node(1, Node(2)),
    ),
    "a list of a recursive type": (
        list[Node],
        '{"value": [{"value": 1, "next": {"value": 2}}]}',
        [Node(1, Node(2))],
    ),
    "a schema": (JsonSchema({"type": "object", "required": ["a"]}), '{"a": [1]}', {"a": [1]}),
    "a schema that is no object": (JsonSchema(NUMBERS), '{"value": [1, 2]}', [1, 2]),
    "a recursive schema": (JsonSchema(TREE), '{"value": [[], [[]]]}', [[], [[]]]),
    "a schema of draft 7": (JsonSchema(DRAFT_7), '{"value": [1]}', [1]),
    "a schema that says nothing": (JsonSchema({}), '{"value": "x"}', "x"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_schema_has_an_object_at_its_root_and_fits_the_answer(name):
    output_type, answer, data = ANSWERS[name]
    spec = output_spec(output_type)

    assert spec.schema["type"] == "object"
    check = jsonschema.Draft202012Validator(spec.schema)
    check.check_schema(spec.schema)
    check.validate(jsonschema_value(answer))
    assert spec.decode(answer) == data


def jsonschema_value(text: str) -> Any:
    import json

    return json.loads(text)


@every_face
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("name", ["a struct", "an int", "a union", "a schema"])
def test_an_answer_is_decoded(face, name, native):
    output_type, answer, data = ANSWERS[name]
    calls = () if native else ((OUTPUT_TOOL, jsonschema_value(answer)),)
    model = ScriptedModel([say(answer if native else "", *calls)], native_schema=native)

    output = face(Agent(model, output_type=output_type))

    assert output.data == data
    assert jsonschema_value(output.content) == jsonschema_value(answer)
    assert (output.status, output.turns) == ("completed", 1)


def test_a_model_with_native_schemas_is_given_the_schema_and_no_tool():
    requests: list[ModelRequest] = []

    def answer(request: ModelRequest) -> str:
        requests.append(request)
        return '{"value": 1}'

    Agent(ScriptedModel(answer, native_schema=True), output_type=int).run("hi")

    assert requests[0].output_schema == output_spec(int).schema
    assert requests[0].tools == ()


def add(a: int, b: int = 1) -> int:
    return a + b


def test_other_models_are_given_an_output_tool_after_the_others():
    requests: list[ModelRequest] = []

    def answer(request: ModelRequest) -> Any:
        requests.append(request)
        return say("", (OUTPUT_TOOL, {"value": 1}))

    Agent(ScriptedModel(answer), tools=[add], output_type=int).run("hi")

    assert requests[0].output_schema is None
    assert [offered.name for offered in requests[0].tools] == ["add", OUTPUT_TOOL]
    assert requests[0].tools[1].parameters == output_spec(int).schema


@every_face
def test_tools_first_then_the_answer(face):
    model = ScriptedModel([say("", ("add", {"a": 6})), say("", (OUTPUT_TOOL, {"value": 7}))])

    output = face(Agent(model, tools=[add], output_type=int))

    assert output.data == 7
    assert transcript(output) == [
        "user: hi",
        'assistant:  -> add{"a":6}',
        "tool: 7",
        'assistant:  -> final_answer{"value":7}',
        "tool: Accepted.",
    ]


@every_face
def test_an_answer_given_together_with_other_calls(face):
    """The run is over, so the others are not carried out, and the history says so."""
    called = []

    def note() -> None:
        called.append(1)

    model = ScriptedModel([say("", ("note", {}), (OUTPUT_TOOL, {"value": 7}), ("note", {}))])

    output = face(Agent(model, tools=[note], output_type=int))

    assert (output.data, called) == (7, [])
    assert transcript(output)[2:] == [
        "tool!: Not run: `final_answer` was called with it.",
        "tool: Accepted.",
        "tool!: Not run: `final_answer` was called with it.",
    ]


@every_face
def test_a_text_that_fits_is_an_answer_without_the_tool_too(face):
    output = face(Agent(ScriptedModel(['{"value": 7}']), output_type=int))

    assert (output.data, output.content) == (7, '{"value": 7}')


@every_face
def test_an_answer_that_does_not_fit_is_asked_for_again(face):
    script = [
        say("seven", usage=Usage(1, 1)),
        say("", (OUTPUT_TOOL, {"value": "seven"}), ("add", {"a": 6}), usage=Usage(1, 2)),
        say("", (OUTPUT_TOOL, {"value": 7}), usage=Usage(1, 3)),
    ]

    output = face(Agent(ScriptedModel(script), tools=[add], output_type=int))

    assert (output.data, output.turns, output.usage) == (7, 3, Usage(3, 6, requests=3))
    assert transcript(output) == [
        "user: hi",
        "assistant: seven",
        (
            "user: The answer does not fit: JSON is malformed: invalid character (byte 0)."
            " Answer again with JSON that fits the schema."
        ),
        'assistant:  -> final_answer{"value":"seven"} -> add{"a":6}',
        (
            "tool: The answer does not fit: Expected `int`, got `str` - at `$.value`."
            " Call `final_answer` again."
        ),
        "tool!: Not run: `final_answer` was called with it.",
        'assistant:  -> final_answer{"value":7}',
        "tool: Accepted.",
    ]


@every_face
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_the_number_of_re_asks_is_bounded(face, retries):
    agent = Agent(ScriptedModel(["seven"]), output_type=int, limits=Limits(output_retries=retries))

    with pytest.raises(OutputInvalid, match=f"no answer of {retries + 1} fitted") as caught:
        face(agent)

    assert caught.value.output is not None
    assert (caught.value.output.turns, caught.value.output.status) == (retries + 1, "invalid")
    assert caught.value.output.content == "seven"


@pytest.mark.parametrize(
    "text",
    [
        '{"value": 7}',
        '  {"value": 7}\n',
        '```json\n{"value": 7}\n```',
        '```\n{"value": 7}\n```\n',
        '```json {"value": 7}```',
        'Here it is:\n```json\n{"value": 7}\n```\nDone.',
    ],
)
def test_json_in_a_fence_is_json(text):
    assert output_spec(int).decode(text) == 7


def test_a_fence_inside_the_answer_is_the_answers():
    assert output_spec(str).decode('{"value": "```py\\nx\\n```"}') == "```py\nx\n```"


@settings(max_examples=200, deadline=None)
@given(st.text(), st.sampled_from([City, int, JsonSchema(NUMBERS)]))
def test_whatever_a_model_says_ends_well(text, output_type):
    agent = Agent(
        ScriptedModel([text], native_schema=True),
        output_type=output_type,
        limits=Limits(output_retries=0),
    )

    with pytest.raises(OutputInvalid):
        agent.run("hi")


DEEP = "[" * 100_000


@every_face
@pytest.mark.parametrize(
    ("output_type", "text", "problem"),
    [
        (Fussy, '{"number": -1}', "no such number"),
        (dict[str, Any], '{"value": ' + DEEP, "recursion"),
        (JsonSchema({}), '{"value": ' + DEEP, "recursion"),
        (JsonSchema({"type": "object", "required": ["a"]}), "{}", "'a' is a required property"),
        (JsonSchema(NUMBERS), '{"value": [1, "2"]}', r"'2' is not of type 'integer' - at"),
        (JsonSchema(DRAFT_7), '{"value": [0]}', "0 is less than the minimum of 1"),
        (City, '{"name": "\udc80", "people": 1}', "surrogates not allowed"),
        (City, "", "Input data was truncated"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(face, output_type, text, problem):
    model = ScriptedModel([text], native_schema=True)

    with pytest.raises(OutputInvalid, match=problem):
        face(Agent(model, output_type=output_type, limits=Limits(output_retries=1)))


@pytest.mark.parametrize(
    ("output_type", "problem"),
    [
        (JsonSchema({"type": "nonsense"}), "the JSON schema is not valid: 'nonsense'"),
        (JsonSchema("text"), "the JSON schema is not valid"),  # type: ignore[arg-type]  # bad input
        (JsonSchema({"pattern": "("}), "the JSON schema is not valid"),
        (complex, "`output_type`: no JSON schema can be made"),
        (City | Node, "`output_type`: no JSON schema can be made"),
        ("City", "`output_type`: no JSON schema can be made"),
        (5, "`output_type`: no JSON schema can be made"),
    ],
)
def test_a_type_that_cannot_be_used(output_type, problem):
    with pytest.raises(ConfigurationError, match=problem):
        Agent(ScriptedModel(), output_type=output_type).run("hi")


def test_a_tool_with_the_name_of_the_output_tool():
    taken = tool(name=OUTPUT_TOOL)(add)

    with pytest.raises(ConfigurationError, match=r"a tool is named `final_answer`.*rename it"):
        Agent(ScriptedModel(), tools=[taken], output_type=int).run("hi")

    free = Agent(ScriptedModel(['{"value": 1}'], native_schema=True), tools=[taken])
    assert free.replace(output_type=int).run("hi").data == 1


@every_face
def test_without_an_output_type_a_call_of_the_output_tool_is_one_of_an_unknown_tool(face):
    output = face(Agent(ScriptedModel([say("", (OUTPUT_TOOL, {"value": 7})), "sorry"])))

    assert output.messages[2].is_error
    assert output.messages[1].tool_calls == (ToolCall("call_1", OUTPUT_TOOL, '{"value":7}'),)
    assert output.data is None


@pytest.fixture
def schema_server() -> Iterator[tuple[str, list[str]]]:
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "integer"}')

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/schema", hits
        server.shutdown()
        thread.join()


def test_a_schema_never_fetches_another_from_the_network(schema_server):
    url, hits = schema_server
    schema = {"type": "object", "properties": {"a": {"$ref": url}}}
    agent = Agent(ScriptedModel(['{"a": 1}'], native_schema=True), output_type=JsonSchema(schema))

    with pytest.raises((ConfigurationError, OutputInvalid)):
        agent.run("hi")
    assert hits == []


def test_the_next_run_reads_an_answer_with_its_replies():
    """A conversation that ends in a tool's reply is a whole one."""
    from agno_cli import Memory

    memory = Memory()
    agent = Agent(
        ScriptedModel([say("", (OUTPUT_TOOL, {"value": 7}))]), output_type=int, memory=memory
    )
    agent.run("one")
    agent.run("two")

    assert [message.role for message in memory.load()] == ["user", "assistant", "tool"] * 2
    assert memory.load()[2] == Message("tool", "Accepted.", tool_call_id="call_1", name=OUTPUT_TOOL)
