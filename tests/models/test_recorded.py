"""Recording a model's answers and answering from the recording."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    ConfigurationError,
    Event,
    JsonSchema,
    Message,
    Model,
    ModelError,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    ScriptedModel,
    TextDelta,
    ToolCall,
    Usage,
    say,
    tool,
)
from agno_cli.models.recorded import RecordedModel, ReplayedModel


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.jsonl"


def ask(*contents: str, **fields: Any) -> ModelRequest:
    """Write a request of user messages."""
    return ModelRequest([Message("user", content) for content in contents], **fields)


def recorded(path: Path, *requests: ModelRequest, script: Any = ("ok",)) -> ReplayedModel:
    """Record a request or more, and give the replay."""
    model = RecordedModel(ScriptedModel(script), path)
    for request in requests:
        model.complete(request)
    return ReplayedModel(path)


def test_a_recorded_run_is_replayed_without_its_model(path: Path) -> None:
    script = [
        say("", ("add", {"a": 1, "b": 2}), reasoning="hm"),
        say("It is 3.", usage=Usage(9, 5)),
    ]
    agent = Agent(RecordedModel(ScriptedModel(script), path), tools=[add], instructions="Be brief.")
    first = agent.run("1 + 2?")
    again = Agent(ReplayedModel(path), tools=[add], instructions="Be brief.").run("1 + 2?")
    assert again.messages == first.messages
    assert (again.content, again.usage, again.model) == (
        "It is 3.",
        Usage(10, 6, 0, 0, 2),
        "scripted",
    )


def test_a_replay_passes_for_the_model_that_was_recorded(path: Path) -> None:
    model = ScriptedModel(['{"a": 1}'], native_schema=True)
    model.provider, model.name = "openai", "gpt-9"
    wanted = JsonSchema({"type": "object", "properties": {"a": {"type": "integer"}}})
    for make in (lambda: RecordedModel(model, path), lambda: ReplayedModel(path)):
        made: Model = make()
        assert (made.provider, made.name, made.native_schema) == ("openai", "gpt-9", True)
        assert Agent(made, output_type=wanted).run("Hi").data == {"a": 1}


def test_the_file_is_json_lines(path: Path) -> None:
    recorded(path, ask("Grüße", system="Be brief.", tools=(add,), options={"temperature": 0.5}))
    header, line = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert header == {
        "schema_version": 1,
        "provider": "scripted",
        "name": "scripted",
        "native_schema": False,
        "format": "agno-cassette",
    }
    assert line["request"] == {
        "messages": [{"role": "user", "content": "Grüße"}],
        "options": {"temperature": 0.5},
        "output_schema": None,
        "system": "Be brief.",
        "tools": [{"name": "add", "parameters": add.parameters}],
    }
    assert line["response"]["message"] == {"role": "assistant", "content": "ok"}
    assert line["pieces"] is None


def test_streams_are_replayed_in_their_pieces(path: Path) -> None:
    script = [say("The answer is 3.", reasoning="hm")]
    recorder = RecordedModel(ScriptedModel(script), path)
    pieces = list(recorder.stream(ask("Hi")))
    assert pieces == [
        ReasoningDelta("hm"),
        *(TextDelta(word) for word in ("The ", "answer ", "is ", "3.")),
        script[0],
    ]
    replay = ReplayedModel(path)
    assert list(replay.stream(ask("Hi"))) == pieces
    assert replay.complete(ask("Hi")) == script[0]


async def test_streams_are_replayed_in_their_pieces_asynchronously(path: Path) -> None:
    recorder = RecordedModel(ScriptedModel(["one two"]), path)
    pieces = [item async for item in recorder.astream(ask("Hi"))]
    assert pieces == [TextDelta("one "), TextDelta("two"), say("one two")]
    replay = ReplayedModel(path)
    assert [item async for item in replay.astream(ask("Hi"))] == pieces
    assert await replay.acomplete(ask("Hi")) == say("one two")


async def test_what_was_not_streamed_is_replayed_in_one_piece(path: Path) -> None:
    recorder = RecordedModel(ScriptedModel([say("one two", reasoning="hm")]), path)
    response = await recorder.acomplete(ask("Hi"))
    pieces = list(ReplayedModel(path).stream(ask("Hi")))
    assert pieces == [ReasoningDelta("hm"), TextDelta("one two"), response]
    silent = RecordedModel(ScriptedModel([""]), path, overwrite=True)
    assert list(ReplayedModel(path).stream(ask("Hi"))) == pieces  # as yet
    silent.complete(ask("Hi"))
    assert list(ReplayedModel(path).stream(ask("Hi"))) == [say("")]


def test_agents_stream_the_same_events(path: Path) -> None:
    def events(model: Model) -> list[Event]:
        return list(Agent(model, tools=[add]).stream("1 + 2?"))[1:-1]  # without ids and times

    def without_seconds(events: list[Event]) -> str:
        builtins = msgspec.to_builtins(events)
        for event in builtins:
            event.get("result", {}).pop("seconds", None)
        return json.dumps(builtins)

    script = ScriptedModel([say("Let me see.", ("add", {"a": 1, "b": 2})), "It is 3."])
    first = events(RecordedModel(script, path))
    assert without_seconds(events(ReplayedModel(path))) == without_seconds(first)


def test_a_request_made_again_gets_the_answers_in_order_then_the_last(path: Path) -> None:
    answers = iter(["one", "two", "other"])
    requests = [ask("Hi"), ask("Hi"), ask("Ho")]
    replay = recorded(path, *requests, script=lambda _: next(answers))
    said = [replay.complete(ask("Hi")).message.content for _ in range(4)]
    assert said == ["one", "two", "two", "two"]
    assert replay.complete(ask("Ho")).message.content == "other"


def test_threads_may_record_and_replay_at_once(path: Path) -> None:
    model = RecordedModel(ScriptedModel(lambda request: request.messages[-1].content * 100), path)

    def each(model: Model, said: dict[int, str]) -> None:
        def run(number: int) -> None:
            said[number] = model.complete(ask(f"{number};")).message.content

        threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for used in (model, ReplayedModel):
        said: dict[int, str] = {}
        each(used if isinstance(used, Model) else used(path), said)
        assert said == {number: f"{number};" * 100 for number in range(20)}
    assert len(path.read_text().splitlines()) == 21


async def test_tasks_may_replay_at_once(path: Path) -> None:
    model = RecordedModel(ScriptedModel(lambda request: request.messages[-1].content), path)
    await asyncio.gather(*(Agent(model).arun(str(number)) for number in range(50)))
    agent = Agent(ReplayedModel(path))
    outputs = await asyncio.gather(*(agent.arun(str(number)) for number in range(50)))
    assert [output.content for output in outputs] == [str(number) for number in range(50)]


def test_the_request_is_recorded_as_it_was_made(path: Path) -> None:
    request = ask("Hi")

    class Growing(ScriptedModel):
        def complete(self, request: ModelRequest) -> ModelResponse:
            response = super().complete(request)
            request.messages.append(response.message)
            return response

    RecordedModel(Growing(["ok"]), path).complete(request)
    assert ReplayedModel(path).complete(ask("Hi")) == say("ok")


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (ask("Hi", "Ho!"), '`messages[1].content` was "Ho" and is now "Ho!"'),
        (ask("Hi"), '`messages[1]` was {"content":"Ho","role":"user"} and is now absent'),
        (
            ask("Hi", "Ho", "Hu"),
            '`messages[2]` was absent and is now {"content":"Hu","role":"user"}',
        ),
        (ask("Hi", "Ho", system="Be kind."), '`system` was "" and is now "Be kind."'),
        (ask("Hi", "Ho", options={"seed": 1}), "`options.seed` was absent and is now 1"),
        (ask("Hi", "Ho", options={50256: -1}), "`options.50256` was absent and is now -1"),
        (
            ask("Hi", "Ho", output_schema={"type": "object"}),
            '`output_schema` was null and is now {"type":"object"}',
        ),
        (
            ask("Hi", "Ho" + "x" * 100 + "y" * 100),
            '`messages[1].content` was "Ho" and is now "Ho' + "x" * 57 + "…",
        ),
    ],
)
def test_a_request_that_was_not_recorded_says_what_differs(
    path: Path, changed: ModelRequest, difference: str
) -> None:
    replay = recorded(path, ask("Something else"), ask("Hi", "Ho"))
    with pytest.raises(ConfigurationError) as caught:
        replay.complete(changed)
    assert str(caught.value) == (
        f"`{path}` holds no answer to this request: {difference};"
        " ask as it was recorded, or record again"
    )


def test_long_texts_are_shown_from_where_they_differ(path: Path) -> None:
    replay = recorded(path, ask("a" * 1_000 + "b" * 1_000))
    with pytest.raises(ConfigurationError) as caught:
        replay.complete(ask("a" * 1_000 + "c"))
    assert f'was …{"a" * 20}{"b" * 40}… and is now …{"a" * 20}c";' in str(caught.value)


def test_tools_count_by_name_and_parameters_only(path: Path) -> None:
    replay = recorded(path, ask("Hi", tools=(add,)))

    @tool(name="add")
    def reworded(a: int, b: int) -> int:
        """Sum."""
        return a + b

    assert replay.complete(ask("Hi", tools=(reworded,), timeout=3.0)) == say("ok")
    renamed = tool(name="plus")(add.function)
    message = r'`tools\[0\].name` was "add" and is now "plus"'
    with pytest.raises(ConfigurationError, match=message):
        replay.complete(ask("Hi", tools=(renamed,)))


def test_to_a_cassette_1_and_true_differ(path: Path) -> None:
    replay = recorded(path, ask("Hi", options={"n": 1}))
    with pytest.raises(ConfigurationError, match=r"`options\.n` was 1 and is now true"):
        replay.complete(ask("Hi", options={"n": True}))


def test_failed_and_abandoned_answers_are_not_recorded(path: Path) -> None:
    error = ModelError("down", provider="scripted")
    recorder = RecordedModel(ScriptedModel([error]), path)
    with pytest.raises(ModelError):
        recorder.complete(ask("Hi"))
    with pytest.raises(ModelError):
        list(recorder.stream(ask("Hi")))
    assert not path.exists()
    closed: list[bool] = []

    class Words(Model):
        def stream(self, request: ModelRequest) -> Iterator[Any]:
            try:
                yield TextDelta("one")
                yield say("one")
            finally:
                closed.append(True)

    stream = RecordedModel(Words(), path).stream(ask("Hi"))
    assert next(stream) == TextDelta("one")
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert closed == [True]
    assert not path.exists()


async def test_models_with_plain_iterators_are_recorded_too(path: Path) -> None:
    class Plain(Model):
        def stream(self, request: ModelRequest) -> Iterator[Any]:
            return iter([TextDelta("ok"), say("ok")])

        def astream(self, request: ModelRequest) -> AsyncIterator[Any]:
            return Answers()

    class Answers:
        def __init__(self) -> None:
            self.items = iter([TextDelta("ok"), say("ok")])

        def __aiter__(self) -> AsyncIterator[Any]:
            return self

        async def __anext__(self) -> Any:
            for item in self.items:
                return item
            raise StopAsyncIteration

    recorder = RecordedModel(Plain(), path)
    assert list(recorder.stream(ask("Hi"))) == [TextDelta("ok"), say("ok")]
    assert [item async for item in recorder.astream(ask("Ho"))] == [TextDelta("ok"), say("ok")]
    assert list(ReplayedModel(path).stream(ask("Ho"))) == [TextDelta("ok"), say("ok")]


def test_nothing_is_overwritten_unless_told(path: Path, tmp_path: Path) -> None:
    path.write_text("precious")
    message = r"cassette\.jsonl` is there already; record to another file, or overwrite it"
    with pytest.raises(ConfigurationError, match=message):
        RecordedModel(ScriptedModel(), path)
    forced = RecordedModel(ScriptedModel(), path, overwrite=True)
    assert path.read_text() == "precious"  # until there is something better
    forced.complete(ask("Hi"))
    forced.complete(ask("Ho"))
    assert ReplayedModel(path).complete(ask("Ho")) == say("ok")
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_made_meanwhile_is_not_overwritten(path: Path) -> None:
    recorder = RecordedModel(ScriptedModel(), path)
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="is there already"):
        recorder.complete(ask("Hi"))
    assert path.read_text() == "precious"


def test_a_place_where_no_file_can_be_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no folder `.*missing`; make it"):
        RecordedModel(ScriptedModel(), tmp_path / "missing" / "cassette.jsonl")
    with pytest.raises(ConfigurationError, match="is there already"):
        RecordedModel(ScriptedModel(), tmp_path, overwrite=True)


def test_a_disk_that_fails_keeps_the_answers_before(path: Path) -> None:
    recorder = RecordedModel(ScriptedModel(), path)
    recorder.complete(ask("one"))
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"cannot record to `.*`: .*No such file"):
        recorder.complete(ask("two"))
    path.write_bytes(kept + b'{"request": half a line')  # as a full disk would leave it
    recorder.complete(ask("three"))
    replay = ReplayedModel(path)
    assert [replay.complete(ask(text)) for text in ("one", "three")] == [say("ok")] * 2


def test_a_file_that_cannot_be_begun_leaves_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    recorder = RecordedModel(ScriptedModel(), path, overwrite=True)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigurationError, match="No space left on device; give another file"):
        recorder.complete(ask("Hi"))
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_was_cut_off_keeps_its_whole_answers(path: Path) -> None:
    recorded(path, ask("one"), ask("two"))
    path.write_bytes(path.read_bytes()[:-10])
    replay = ReplayedModel(path)
    assert replay.complete(ask("one")) == say("ok")
    with pytest.raises(ConfigurationError, match='was "one" and is now "two"'):
        replay.complete(ask("two"))


HEADER = (
    '{"schema_version":1,"provider":"x","name":"y","native_schema":false,"format":"agno-cassette"}'
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its first line is no cassette header; record one first"),
        ("hello\n", "its first line is no cassette header; record one first"),
        ('{"format": "other"}\n', "its first line is no cassette header; record one first"),
        (
            HEADER.replace("1", "2") + "\n",
            "it has format 2, this version of agno-cli knows format 1",
        ),
        (HEADER + "\n", "it holds no answers; record again"),
        (HEADER + '\n{"request":{}}\n', "line 2 is no recorded answer: Object missing required"),
        (HEADER + '\n{"request":{},"respon', "it holds no answers; record again"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(path: Path, content: str, message: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        ReplayedModel(path)
    assert f"cannot replay `{path}`: {message}" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cassette\.jsonl`: No such file or directory"):
        ReplayedModel(path)
    with pytest.raises(ConfigurationError, match="Is a directory"):
        ReplayedModel(tmp_path)


def test_entries_written_by_hand_may_lack_fields(path: Path) -> None:
    line = '{"request":{"messages":7},"response":{"message":{"role":"assistant"}}}'
    path.write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(ConfigurationError, match="`messages` was 7 and is now"):
        ReplayedModel(path).complete(ask("Hi"))


any_text = st.text(st.characters())
messages = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool"]),
    any_text,
    st.tuples(st.builds(ToolCall, any_text, any_text, any_text)),
    reasoning=any_text,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(messages, max_size=3), any_text, st.dictionaries(any_text, any_text), messages)
def test_any_request_and_answer_survive(
    tmp_path_factory: pytest.TempPathFactory,
    asked: list[Message],
    system: str,
    options: dict[str, str],
    answer: Message,
) -> None:
    path = tmp_path_factory.mktemp("cassette") / "cassette.jsonl"
    response = ModelResponse(answer)
    request = ModelRequest(asked, system, options=options)
    replay = recorded(path, request, script=lambda _: response)
    assert replay.complete(request) == response
