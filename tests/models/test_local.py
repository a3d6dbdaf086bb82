"""A real model in the process: SmolLM2 by llama.cpp, alone and as an agent's model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from agno_cli import (
    Agent,
    CancelToken,
    ConfigurationError,
    LimitReached,
    Limits,
    Message,
    ModelError,
    ModelRequest,
    RunCancelled,
    TextDelta,
    Tool,
    tool,
)
from agno_cli._messages import ModelResponse
from agno_cli.models.local import LocalModel

CAPITAL = "What is the capital of France? Answer in one sentence."
STORY = "Write a long story about a cat."
EXACT = {"temperature": 0, "max_tokens": 60}


@pytest.fixture
def model(smollm2_path: Path) -> LocalModel:
    # One thread: two wait for each other a hundred times a token when other work has a core.
    return LocalModel(smollm2_path, threads=1)


def ask(prompt: str, **fields: Any) -> ModelRequest:
    return ModelRequest([Message("user", prompt)], **{"options": EXACT, **fields})


@pytest.mark.local
def test_it_answers(model: LocalModel) -> None:
    response = model.complete(ask(CAPITAL))

    assert response.message == Message("assistant", "The capital of France is Paris.")
    assert (response.finish_reason, response.model) == ("stop", model.name)
    assert (response.usage.input_tokens, response.usage.output_tokens) == (42, 8)


@pytest.mark.local
def test_it_streams_what_it_answers(model: LocalModel) -> None:
    *deltas, last = model.stream(ask(CAPITAL))

    assert [cast("TextDelta", delta).text for delta in deltas] == [
        "The", " capital", " of", " France", " is", " Paris", ".",
    ]  # fmt: skip
    assert isinstance(last, ModelResponse)
    assert last.message.content == "The capital of France is Paris."


@pytest.mark.local
async def test_the_loop_goes_on_while_it_answers(model: LocalModel) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.001)
            beats += 1

    heart = asyncio.create_task(beat())
    response = await model.acomplete(ask(CAPITAL))
    heart.cancel()

    assert response.message.content == "The capital of France is Paris."
    assert beats > 5


@pytest.mark.local
def test_what_the_caller_sets_is_obeyed(model: LocalModel) -> None:
    response = model.complete(ask(CAPITAL, options={"temperature": 0, "max_tokens": 3}))
    stopped = model.complete(ask(CAPITAL, options={"temperature": 0, "stop": [" France"]}))

    assert (response.message.content, response.finish_reason) == ("The capital of", "length")
    assert (stopped.message.content, stopped.finish_reason) == ("The capital of", "stop")


@pytest.mark.local
async def test_answers_asked_for_at_once_do_not_mix(model: LocalModel) -> None:
    names = ["Paris", "Rome", "Tokyo", "Lima"]

    async def say(name: str) -> str:
        options = {**EXACT, "grammar": f'root ::= "{name}"'}
        return (await model.acomplete(ask(f"Say {name}.", options=options))).message.content

    assert await asyncio.gather(*map(say, names)) == names


class Size(Enum):
    """A size."""

    SMALL = "small"
    LARGE = "large"


class City(msgspec.Struct):
    """A city."""

    name: str
    size: Size


@pytest.mark.local
def test_an_output_type_is_kept_by_grammar(model: LocalModel) -> None:
    output = Agent(model, output_type=City, options=EXACT).run("Paris is a large city.")

    assert isinstance(output.data, City)
    assert output.turns == 1


def spy() -> tuple[list[tuple[int, int]], Tool]:
    calls: list[tuple[int, int]] = []

    @tool
    def multiply(a: int, b: int) -> int:
        """Multiply two whole numbers."""
        calls.append((a, b))
        return a * b

    return calls, multiply


@pytest.mark.local
def test_a_tool_is_called_and_its_result_used(model: LocalModel) -> None:
    calls, multiply = spy()
    agent = Agent(model, tools=[multiply], options=EXACT)

    output = agent.run("What is 12 times 7? Use the tool.")

    assert calls == [(12, 7)]
    assert [(message.role, message.content) for message in output.messages[1:]] == [
        ("assistant", ""),
        ("tool", "84"),
        ("assistant", output.content),
    ]
    assert "84" in output.content


@pytest.mark.local
async def test_a_streamed_call_shows_the_answer_s_text_only(model: LocalModel) -> None:
    calls, multiply = spy()
    agent = Agent(model, tools=[multiply], options=EXACT)

    events = [event async for event in agent.astream("What is 12 times 7? Use the tool.")]

    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert calls == [(12, 7)]
    assert "84" in "".join(texts)
    assert not set("".join(texts)) & set('{}"')


def with_definition(function: Tool, definition: dict[str, Any]) -> Tool:
    """Give a tool one parameter, `item`, described by a definition that is called `Item`."""
    parameters = {
        "type": "object",
        "properties": {"item": {"$ref": "#/$defs/Item"}},
        "required": ["item"],
        "additionalProperties": False,
        "$defs": {"Item": definition},
    }
    return msgspec.structs.replace(function, parameters=parameters)


@pytest.mark.local
def test_tools_may_use_one_name_for_different_types(model: LocalModel) -> None:
    @tool
    def count(item: int) -> str:
        """Count up to a number."""
        return str(item)

    @tool
    def greet(item: str) -> str:
        """Greet a person by name."""
        return item

    tools = (
        with_definition(count, {"type": "integer"}),
        with_definition(greet, {"enum": ["Anna", "Berta"]}),
    )
    response = model.complete(ask("Greet Anna with the tool.", tools=tools))

    (call,) = response.message.tool_calls
    assert (call.name, msgspec.json.decode(call.arguments)) == ("greet", {"item": "Anna"})


@pytest.mark.local
def test_closing_a_stream_stops_the_generation(model: LocalModel) -> None:
    stream = cast("Any", model.stream(ask(STORY, options={"max_tokens": 4000})))
    next(stream)
    stream.close()

    # The next answer would wait for all 4,000 tokens otherwise.
    assert model.complete(ask(CAPITAL, timeout=60.0)).message.content.endswith("Paris.")


@pytest.mark.local
async def test_closing_an_asynchronous_stream_stops_the_generation(model: LocalModel) -> None:
    stream = cast("Any", model.astream(ask(STORY, options={"max_tokens": 4000})))
    await anext(stream)
    await stream.aclose()

    response = await model.acomplete(ask(CAPITAL, timeout=60.0))
    assert response.message.content.endswith("Paris.")


@pytest.mark.local
def test_a_cancelled_run_ends_at_once(model: LocalModel) -> None:
    token = CancelToken()
    events = Agent(model).stream(STORY, cancel=token)
    while not isinstance(next(events), TextDelta):
        pass
    token.cancel()

    with pytest.raises(RunCancelled, match="the run was cancelled"):
        list(events)


@pytest.mark.local
async def test_a_cancelled_answer_ends_at_once(model: LocalModel) -> None:
    token = CancelToken()
    items = model.astream(ask(STORY, cancel=token))
    await anext(items)
    token.cancel()

    with pytest.raises(RunCancelled):
        [item async for item in items]
    with pytest.raises(RunCancelled):
        model.complete(ask(STORY, cancel=token))


TOO_LATE = (
    "local: no answer within 0.01 s; give it more time or a smaller `max_tokens`"
    " (a retry could help)"
)


@pytest.mark.local
async def test_an_answer_that_takes_too_long_is_an_error(model: LocalModel) -> None:
    request = ask(STORY, options={"max_tokens": 4000}, timeout=0.01)

    with pytest.raises(ModelError) as caught:
        model.complete(request)
    with pytest.raises(ModelError) as caught_waiting:
        await model.acomplete(request)

    assert (str(caught.value), str(caught_waiting.value)) == (TOO_LATE, TOO_LATE)


@pytest.mark.local
def test_a_run_s_own_limit_is_the_one_that_reports(model: LocalModel) -> None:
    with pytest.raises(LimitReached, match=r"limit of 0\.01 seconds reached"):
        Agent(model, limits=Limits(seconds=0.01)).run(STORY)


@pytest.mark.local
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_tokens": "x"}, "Field 'max_tokens': "),
        ({"temperature": object()}, "Object of type object is not JSON serializable"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}},
            "",
        ),
    ],
)
def test_options_it_cannot_take_are_an_error(
    options: dict[str, Any], problem: str, model: LocalModel
) -> None:
    with pytest.raises(ModelError) as caught:
        model.complete(ask("Hi", options=options))

    assert caught.value.message.startswith(problem)
    assert (caught.value.status, caught.value.retryable) == (400, False)


@pytest.mark.local
def test_a_conversation_beyond_the_context_is_an_error(model: LocalModel) -> None:
    with pytest.raises(ModelError) as caught:
        model.complete(ask("word " * 5000))

    assert caught.value.message == (
        "the conversation has 5031 tokens, the context holds 4096;"
        " shorten it, or raise it with `LocalModel(..., context=...)`"
    )


@pytest.mark.local
def test_it_is_known_by_name(smollm2_in_cache: Path) -> None:
    model = LocalModel("smollm2", threads=1)

    assert repr(model) == "<LocalModel local:smollm2>"
    assert model.complete(ask(CAPITAL)).message.content == "The capital of France is Paris."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            None,
            "cannot read the model `{}`: No such file or directory; give the path of a GGUF file",
        ),
        (b"GIF89a", "`{}` is not a GGUF file; give the path of one"),
        (
            b"GGUF",
            (
                "llama.cpp cannot load `{}`; the file is damaged, or of a kind it does not know,"
                " or too large for the memory"
            ),
        ),
    ],
)
def test_a_file_that_is_no_model_is_named(
    content: bytes | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "some.gguf"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        LocalModel(path).complete(ask("Hi"))

    assert str(caught.value) == problem.format(path)


def test_an_unknown_name_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no local model is named `smollm9`"):
        LocalModel("smollm9")


def test_without_the_runtime_the_way_to_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.gguf").write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'agno-cli\[local\]'"):
        LocalModel(tmp_path / "some.gguf").complete(ask("Hi"))


def run_child(program: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


BEGIN = """
import os, sys
from agno_cli import Agent, TextDelta
from agno_cli.models.local import LocalModel
agent = Agent(LocalModel(sys.argv[1], threads=1), options={"max_tokens": 2000, "temperature": 0})
"""
IN_THE_MIDDLE = f"""{BEGIN}
events = agent.stream({STORY!r})
for event in events:
    if isinstance(event, TextDelta):
        break
"""
INTERRUPTED = f"""{BEGIN}
class Told(LocalModel):
    def stream(self, request):
        for item in super().stream(request):
            print("begun", flush=True)
            yield item
try:
    agent.replace(model=Told(sys.argv[1], threads=1)).run({STORY!r})
except KeyboardInterrupt:
    print("interrupted")
"""
FORKED = f"""{BEGIN}
print(agent.run({CAPITAL!r}).content, flush=True)
child = os.fork()
print(agent.run({CAPITAL!r}).content, flush=True)
if not child:
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.local
def test_a_program_may_end_in_the_middle_of_an_answer(smollm2_path: Path) -> None:
    child = run_child(IN_THE_MIDDLE, smollm2_path)

    assert child.communicate(timeout=120) == ("", "")
    assert child.returncode == 0


@pytest.mark.local
def test_ctrl_c_ends_an_answer(smollm2_path: Path) -> None:
    child = run_child(INTERRUPTED, smollm2_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)

    assert (out.splitlines()[-1], err, child.returncode) == ("interrupted", "", 0)


@pytest.mark.local
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_answers_too(smollm2_path: Path) -> None:
    child = run_child(FORKED, smollm2_path)
    out, _ = child.communicate(timeout=120)  # CPython warns of forks beside threads

    assert out.splitlines() == ["The capital of France is Paris."] * 3
    assert child.returncode == 0
