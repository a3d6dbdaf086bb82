"""Hooks see, change or refuse what a run does, at each of their four places."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from agno_cli import (
    Agent,
    AgnoError,
    ConfigurationError,
    Hooks,
    InputError,
    Limits,
    Memory,
    Message,
    ModelResponse,
    Rejected,
    RunContext,
    RunOutput,
    ScriptedModel,
    TextDelta,
    ToolCall,
    ToolResult,
    say,
)
from tests.faces import by_arun, by_run, outcome, transcript

both = pytest.mark.parametrize("runner", [by_run, by_arun])

ASKED: list[str | ModelResponse] = [say("", ("add", {"a": 1})), "done"]


def add(a: int, b: int = 1) -> int:
    return a + b


def refuse(*_: Any) -> None:
    raise Rejected("not today")


def shout(_: RunContext, prompt: str) -> str:
    return prompt.upper()


async def whisper(_: RunContext, prompt: str) -> str:
    await asyncio.sleep(0)
    return prompt.lower()


def double(_: RunContext, call: ToolCall) -> ToolCall:
    return replace(call, arguments='{"a":20}')


async def mask(_: RunContext, result: ToolResult) -> ToolResult:
    await asyncio.sleep(0)
    return replace(result, content=f"<{result.content}>")


async def sign(_: RunContext, output: RunOutput) -> RunOutput:
    await asyncio.sleep(0)
    return replace(output, content=f"{output.content}. Yours")


def look(*_: Any) -> None:
    return None


def crash(*_: Any) -> None:
    raise LookupError("a bug")


CASES: dict[str, tuple[Hooks, list[str]]] = {
    "look only": (
        Hooks(before_run=(look,), after_run=(look,), before_tool=(look,), after_tool=(look,)),
        ["user: Hi", 'assistant:  -> add{"a":1}', "tool: 2", "assistant: done", "[completed] None"],
    ),
    "change the prompt, in order": (
        Hooks(before_run=(shout, whisper)),
        ["user: hi", 'assistant:  -> add{"a":1}', "tool: 2", "assistant: done", "[completed] None"],
    ),
    "refuse the prompt": (
        Hooks(before_run=(refuse, crash)),
        ["[rejected] RunRejected: not today"],
    ),
    "a bug before the run": (
        Hooks(before_run=(crash,)),
        ["[failed] RunFailed: LookupError: a bug"],
    ),
    "change a call": (
        Hooks(before_tool=(double,)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool: 21",
            "assistant: done",
            "[completed] None",
        ],
    ),
    "refuse a call": (
        Hooks(before_tool=(refuse, crash)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool!: `add` was refused: not today",
            "assistant: done",
            "[completed] None",
        ],
    ),
    "a bug before a call": (
        Hooks(before_tool=(crash,)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool!: LookupError: a bug",
            "assistant: done",
            "[completed] None",
        ],
    ),
    "change a result": (
        Hooks(after_tool=(mask, mask)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool: <<2>>",
            "assistant: done",
            "[completed] None",
        ],
    ),
    "change the answer": (
        Hooks(after_run=(sign,)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool: 2",
            "assistant: done. Yours",
            "[completed] None",
        ],
    ),
    "refuse the answer": (
        Hooks(after_run=(refuse,)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool: 2",
            "assistant: done",
            "[rejected] RunRejected: not today",
        ],
    ),
    "a bug after the run": (
        Hooks(after_run=(crash,)),
        [
            "user: Hi",
            'assistant:  -> add{"a":1}',
            "tool: 2",
            "assistant: done",
            "[failed] RunFailed: LookupError: a bug",
        ],
    ),
}


@both
@pytest.mark.parametrize("name", CASES)
def test_each_place(runner, name):
    hooks, expected = CASES[name]
    memory = Memory()
    agent = Agent(ScriptedModel(ASKED), tools=[add], hooks=hooks, memory=memory)

    assert outcome(runner, agent, prompt="Hi") == expected
    completed = expected[-1] == "[completed] None"
    assert len(memory) == completed, "a run that does not complete leaves no trace"


@both
def test_a_result_may_be_refused(runner):
    agent = Agent(ScriptedModel(ASKED), tools=[add], hooks=Hooks(after_tool=(refuse,)))

    assert transcript(runner(agent))[2] == "tool!: `add` was refused: not today"


@both
def test_hooks_know_the_run(runner):
    seen: list[RunContext] = []

    def note(context: RunContext, _: object) -> None:
        seen.append(context)

    hooks = Hooks(before_run=(note,), after_run=(note,), before_tool=(note,), after_tool=(note,))
    agent = Agent(ScriptedModel(ASKED), name="clerk", tools=[add], hooks=hooks)

    output = runner(agent, context=RunContext(user="ada", session="s", dependencies="db"))

    expected = RunContext(
        user="ada", session="s", dependencies="db", run_id=output.run_id, agent="clerk"
    )
    assert seen == [expected] * 4


@both
def test_a_hook_cannot_part_a_call_from_its_result(runner):
    """Whatever a hook makes of a call, the conversation answers the call that the model made."""
    hooks = Hooks(
        before_tool=(lambda _, __: ToolCall("mine", "add", '{"a":5}'),),
        after_tool=(lambda _, result: replace(result, call_id="other", name="else"),),
    )

    output = runner(Agent(ScriptedModel(ASKED), tools=[add], hooks=hooks))

    assert output.messages[2] == Message("tool", "6", tool_call_id="call_1", name="add")


@both
def test_hooks_see_calls_that_cannot_be_made(runner):
    seen: list[ToolResult] = []

    def note(_: RunContext, result: ToolResult) -> None:
        seen.append(replace(result, seconds=0.0))

    runner(Agent(ScriptedModel([say("", ("gone", {})), "ok"]), hooks=Hooks(after_tool=(note,))))

    problem = "`gone` was refused: there is no such tool; the tools are: none"
    assert seen == [ToolResult("call_1", "gone", problem, is_error=True)]


@both
def test_a_redacted_answer_reaches_memory_redacted(runner):
    """Also when the answer came as the arguments of the output tool."""

    def redact(_: RunContext, output: RunOutput) -> RunOutput:
        return replace(output, content='{"value":"***"}')

    memory = Memory()
    model = ScriptedModel([say("", ("final_answer", {"value": "sesame"}))])
    agent = Agent(model, output_type=str, memory=memory, hooks=Hooks(after_run=(redact,)))

    assert runner(agent).content == '{"value":"***"}'
    assert "sesame" not in str(memory.load())


@both
def test_after_run_may_rewrite_the_messages_that_memory_keeps(runner):
    kept = [Message("user", "short"), Message("assistant", "short")]

    def shorten(_: RunContext, output: RunOutput) -> RunOutput:
        return replace(output, content="other", messages=kept)

    memory = Memory()
    output = runner(Agent(ScriptedModel(), memory=memory, hooks=Hooks(after_run=(shorten,))))

    assert (output.content, output.messages, memory.load()) == ("other", kept, kept)


@both
def test_no_hook_at_all_is_still_a_run(runner):
    assert runner(Agent(ScriptedModel(["fine"]), hooks=Hooks())).content == "fine"


@both
def test_a_hook_that_raises_stop_iteration(runner):
    def exhausted(*_: Any) -> Any:
        return next(iter([]))

    with pytest.raises(AgnoError) as caught:
        runner(Agent(ScriptedModel(), hooks=Hooks(before_run=(exhausted,))))
    assert caught.value.output is not None
    assert caught.value.output.status == "failed"


async def test_asynchronous_hooks_of_a_synchronous_run_inside_a_running_loop():
    """As in a notebook, whose loop is running while `run` is called."""
    agent = Agent(ScriptedModel(["fine"]), hooks=Hooks(before_run=(whisper,), after_run=(sign,)))

    assert agent.run("LOUD").content == "fine. Yours"


def test_hooks_of_parallel_calls_run_beside_each_other():
    meeting = threading.Barrier(2, timeout=5)

    def meet(_: RunContext, call: ToolCall) -> None:
        meeting.wait()

    model = ScriptedModel([say("", ("add", {"a": 1}), ("add", {"a": 2})), "done"])

    output = Agent(model, tools=[add], hooks=Hooks(before_tool=(meet,))).run("Hi")

    assert [message.content for message in output.messages[2:4]] == ["2", "3"]


@pytest.mark.parametrize("field", ["before_run", "after_run", "before_tool", "after_tool"])
def test_a_hook_that_is_not_in_a_tuple_is_named(field):
    fields: dict[str, Any] = {field: look}

    with pytest.raises(ConfigurationError, match=field):
        Hooks(**fields)


@both
@pytest.mark.parametrize("given", [5, True, "text"])
@pytest.mark.parametrize("place", ["before_tool", "after_tool"])
def test_a_tool_hook_that_gives_what_it_should_not(runner, place, given):
    """The model is told, as of any bug in a tool; the run goes on."""
    fields: dict[str, Any] = {place: (lambda *_: given,)}

    lines = outcome(runner, Agent(ScriptedModel(ASKED), tools=[add], hooks=Hooks(**fields)))

    assert lines[2].startswith("tool!: ")
    assert lines[3:] == ["assistant: done", "[completed] None"]


@both
@pytest.mark.parametrize(
    ("place", "given"),
    [("before_run", 5), ("before_run", b"hi"), ("after_run", 5), ("after_run", "text")],
)
def test_a_run_hook_that_gives_what_it_should_not(runner, place, given):
    fields: dict[str, Any] = {place: (lambda *_: given,)}

    lines = outcome(runner, Agent(ScriptedModel(["ok"]), hooks=Hooks(**fields)))

    assert lines[-1].startswith(("[failed]", "InputError"))


class Ends:
    """Notes how runs ended."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.hooks = Hooks(on_end=(self.note,))

    def note(self, context: RunContext, output: RunOutput) -> None:
        assert context.run_id == output.run_id
        self.seen.append((context.user, output.status, output.content))


def never(_: RunContext, __: object) -> None:
    raise AssertionError("not to be called")


@both
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "completed"),
        ({"model": ScriptedModel([ValueError("down")])}, "failed"),
        ({"hooks": Hooks(before_run=(refuse,))}, "rejected"),
        ({"hooks": Hooks(after_run=(refuse,))}, "rejected"),
        ({"model": ScriptedModel(ASKED), "limits": Limits(turns=1)}, "limited"),
        ({"output_type": int, "limits": Limits(output_retries=0)}, "invalid"),
    ],
)
def test_an_observer_learns_how_every_run_ended(runner, fields, status):
    ends = Ends()
    agent = Agent(**({"model": ScriptedModel(["fine"]), "tools": [add]} | fields))
    agent = agent.replace(hooks=agent.hooks + ends.hooks)

    with suppress(AgnoError):
        runner(agent, context=RunContext(user="ann"))

    assert [(user, ended) for user, ended, _ in ends.seen] == [("ann", status)]


def test_an_observer_sees_no_run_that_never_began():
    with pytest.raises(InputError):
        Agent(ScriptedModel(), hooks=Hooks(on_end=(never,))).run(" ")


def test_an_observer_sees_a_stream_that_was_closed_early():
    ends = Ends()
    stream = Agent(ScriptedModel(["one two"]), hooks=ends.hooks).stream("hi")
    assert [next(stream), next(stream)][1] == TextDelta("one ")

    stream.close()

    assert ends.seen == [("", "cancelled", "one ")]


async def test_an_observer_sees_a_task_that_was_cancelled():
    async def wait() -> None:
        started.set()
        await asyncio.sleep(60)

    started = asyncio.Event()
    ends = Ends()
    model = ScriptedModel([say("", ("wait", {}))])
    task = asyncio.create_task(Agent(model, tools=[wait], hooks=ends.hooks).arun("hi"))
    await started.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ends.seen == [("", "cancelled", "")]


def test_an_observer_that_raises_changes_nothing(caplog):
    output = Agent(ScriptedModel(["fine"]), hooks=Hooks(on_end=(crash,))).run("hi")

    assert output.content == "fine"
    assert [record.message for record in caplog.records] == ["`on_end` raised"]


def test_an_observer_is_called_directly_so_it_is_not_async():
    with pytest.raises(ConfigurationError, match="give functions without async"):
        Hooks(on_end=(sign,))


def test_hooks_are_joined_in_order():
    joined = Hooks(before_run=(shout,), on_end=(crash,)) + Hooks(before_run=(look,))

    assert joined == Hooks(before_run=(shout, look), on_end=(crash,))
