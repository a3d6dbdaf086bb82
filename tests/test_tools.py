"""Tools: made from functions, called in parallel, answered in order."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import subprocess
import sys
import threading
import time
from collections import deque
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    Hooks,
    Limits,
    Message,
    Model,
    ModelRequest,
    RunContext,
    ScriptedModel,
    Tool,
    Toolkit,
    _threads,
    say,
    tool,
)
from agno_cli._tools import tool_table
from tests.faces import by_arun, by_run, every_face, outcome


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def calling(*calls: tuple[str, dict[str, Any]], **fields: Any) -> Agent:
    return Agent(ScriptedModel([say("", *calls), "done"]), **fields)


def results(messages: list[Message]) -> list[str]:
    return [message.content for message in messages if message.role == "tool"]


def test_a_tool_is_the_function_with_a_schema():
    made = tool(add)

    assert isinstance(made, Tool)
    assert (made.name, made.description, made.function) == ("add", "Add two numbers.", add)
    assert made(2, b=3) == 5
    assert made.parameters == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 1}},
        "required": ["a"],
        "additionalProperties": False,
    }


def test_a_tool_may_be_named_and_described_for_the_model():
    @tool(name="sum", description="", timeout=3)
    def plus(a: int) -> int:
        """Say nothing of this."""
        return a

    assert (plus.name, plus.description, plus.timeout) == ("sum", "", 3)


def test_a_table_holds_tools_in_the_order_given():
    kit = Toolkit("kit", [add, tool(name="plus")(add)])
    nested: Any = Toolkit("inner", [sub])
    outer = Toolkit("outer", [nested])

    table = tool_table([tool(name="first")(add), kit, outer])

    assert list(table) == ["first", "add", "plus", "sub"]
    assert all(isinstance(item, Tool) for item in kit.tools)


def sub(a: int, b: int) -> int:
    return a - b


async def wait() -> str:
    return "waited"


def test_two_tools_of_one_name():
    with pytest.raises(ConfigurationError, match=r"two tools are named `add`.*rename one"):
        Toolkit("kit", [add, tool(add)])
    with pytest.raises(ConfigurationError, match="two tools are named `add`"):
        Agent(ScriptedModel(), tools=[add, Toolkit("kit", [add])]).check()


@pytest.mark.parametrize("tools", [add, tool(add), Toolkit("kit", [add])])
def test_tools_that_are_not_in_a_list(tools):
    with pytest.raises(ConfigurationError, match="give a list"):
        Agent(ScriptedModel(), tools=tools).run("hi")


@pytest.mark.parametrize("tools", [add, tool(add), 5, "calculator"])
def test_tools_of_a_kit_that_are_not_in_a_list(tools):
    with pytest.raises(ConfigurationError):
        Toolkit("kit", tools)


@pytest.mark.parametrize("item", [5, "calculator", None])
def test_something_that_is_no_tool(item):
    with pytest.raises(ConfigurationError, match=f"{item!r} is not a tool"):
        Agent(ScriptedModel(), tools=[item]).run("hi")


@pytest.mark.parametrize("name", ["two words", "a" * 65, "añadir", "a.b", "a\n"])
def test_a_name_that_no_provider_takes(name):
    with pytest.raises(ConfigurationError, match="cannot name a tool"):
        tool(name=name)(add)


def test_a_function_without_a_name():
    with pytest.raises(ConfigurationError, match="`<lambda>` cannot name a tool"):
        tool(lambda: 1)


@pytest.mark.parametrize("timeout", [0, -1, "5", float("nan"), float("inf")])
def test_a_timeout_that_cannot_be(timeout):
    with pytest.raises(ConfigurationError, match="timeout of tool `add`"):
        tool(timeout=timeout)(add)


def test_a_quick_tool_is_neither_asynchronous_nor_timed():
    with pytest.raises(ConfigurationError, match="drop `quick=True`"):
        tool(quick=True)(wait)
    with pytest.raises(ConfigurationError, match="drop `quick=True`"):
        tool(quick=True, timeout=1)(add)


class Colour(enum.StrEnum):
    RED = "red"


class Point:
    def __str__(self) -> str:
        return "(1, 2)"


RESULTS: dict[str, tuple[Any, str]] = {
    "text": ("as it is: ✓\n", "as it is: ✓\n"),
    "nothing": (None, ""),
    "a number": (1.5, "1.5"),
    "a big number": (2**80, str(2**80)),
    "a container": ({"a": [1, None, True]}, '{"a":[1,null,true]}'),
    "a value": (Message("user", "x"), '{"role":"user","content":"x"}'),
    "an object": (Point(), '"(1, 2)"'),
    "an enum": (Colour.RED, "red"),
    "bytes": (b"ab", '"YWI="'),
    "no number": (float("nan"), "null"),
    "odd text": ("caf\udce9", "caf\udce9"),
}


@every_face
@pytest.mark.parametrize("name", RESULTS)
def test_what_a_tool_returns_is_text_or_json(face, name):
    value, text = RESULTS[name]

    def give() -> Any:
        return value

    message = face(calling(("give", {}), tools=[give])).messages[2]

    assert (message.content, type(message.content)) == (text, str)


@every_face
def test_a_value_that_holds_itself_is_an_error_the_model_reads(face):
    def give() -> Any:
        endless: list[Any] = []
        endless.append(endless)
        return endless

    message = face(calling(("give", {}), tools=[give])).messages[2]

    assert message.is_error
    assert message.content.startswith("RecursionError: ")


@every_face
def test_results_are_in_call_order_whatever_ends_first(face):
    async def later(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return f"async {seconds}"

    def after(seconds: float) -> str:
        time.sleep(seconds)
        return f"thread {seconds}"

    delays = [("later", 0.03), ("after", 0.02), ("later", 0.0), ("after", 0.01)]
    agent = calling(*((name, {"seconds": s}) for name, s in delays), tools=[later, after])

    assert results(face(agent).messages) == [
        "async 0.03",
        "thread 0.02",
        "async 0.0",
        "thread 0.01",
    ]


@every_face
def test_synchronous_calls_of_one_turn_are_under_way_at_once(face):
    meeting = threading.Barrier(3, timeout=5)

    def meet() -> str:
        meeting.wait()
        return "met"

    agent = calling(*[("meet", {})] * 3, tools=[meet])

    assert results(face(agent).messages) == ["met"] * 3


@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)])
async def test_asynchronous_calls_of_one_turn_are_under_way_at_once(limits):
    meeting = asyncio.Barrier(3)

    async def meet() -> str:
        async with asyncio.timeout(5):
            await meeting.wait()
        return "met"

    agent = calling(*[("meet", {})] * 3, tools=[meet], limits=limits)

    assert results((await agent.arun("hi")).messages) == ["met"] * 3


class Gauge:
    """Counts how many calls are under way at once, at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def enter(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def leave(self) -> None:
        with self.lock:
            self.now -= 1


@every_face
@pytest.mark.parametrize("cap", [1, 2])
def test_no_more_calls_at_once_than_allowed(face, cap):
    gauge = Gauge()

    async def later() -> None:
        gauge.enter()
        await asyncio.sleep(0.005)
        gauge.leave()

    def after() -> None:
        gauge.enter()
        time.sleep(0.005)
        gauge.leave()

    agent = calling(
        *[("later", {}), ("after", {})] * 3,
        tools=[later, after],
        limits=Limits(parallel_tools=cap),
    )

    assert results(face(agent).messages) == [""] * 6
    assert gauge.most == cap


@pytest.mark.parametrize("face", [by_run, by_arun])
def test_a_machine_that_has_no_more_threads(face, monkeypatch):
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_threads, "_Worker", refuse)
    # Of no length, because threads of earlier tests come back to it.
    monkeypatch.setattr(_threads, "_idle", deque(maxlen=0))

    messages = face(calling(*[("add", {"a": 1})] * 2, tools=[add])).messages

    assert results(messages) == ["RuntimeError: can't start new thread"] * 2


@every_face
@pytest.mark.parametrize("calls", [1, 2])
def test_a_quick_tool_is_called_where_the_run_is(face, calls):
    """Also under a time limit for tools, which would need a thread."""

    @tool(quick=True)
    def where() -> str:
        return threading.current_thread().name

    agent = calling(*[("where", {})] * calls, tools=[where], limits=Limits(tool_seconds=5))

    assert results(face(agent).messages) == ["MainThread"] * calls


def test_where_synchronous_tools_run():
    def where() -> str:
        return threading.current_thread().name

    agent = calling(("where", {}), tools=[where])

    assert results(agent.run("hi").messages) == ["MainThread"]
    assert results(asyncio.run(agent.arun("hi")).messages) == ["agno-worker"]


@every_face
def test_a_tools_own_timeout_goes_before_the_runs(face):
    @tool(timeout=0.02)
    def slow() -> None:
        time.sleep(0.2)

    @tool(timeout=5)
    def fast() -> str:
        time.sleep(0.05)
        return "fast"

    agent = calling(
        ("slow", {}), ("fast", {}), tools=[slow, fast], limits=Limits(tool_seconds=0.03)
    )

    assert results(face(agent).messages) == ["TimeoutError: timed out after 0.02 s", "fast"]


@every_face
@pytest.mark.parametrize("calls", [1, 2])
def test_a_coroutine_that_takes_too_long_is_cancelled(face, calls):
    ended = []

    @tool(timeout=0.02)
    async def slow() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    face(calling(*[("slow", {})] * calls, tools=[slow]))

    assert ended == ["cancelled"] * calls


request_id = contextvars.ContextVar("request_id", default="none")


@every_face
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60, tool_seconds=60)])
def test_tools_see_the_context_variables_of_the_run(face, limits):
    def here() -> str:
        return request_id.get()

    async def there() -> str:
        return request_id.get()

    agent = calling(("here", {}), ("there", {}), ("here", {}), tools=[here, there], limits=limits)
    request_id.set("r-7")

    assert results(face(agent).messages) == ["r-7"] * 3
    request_id.set("none")


@every_face
def test_an_agent_may_be_a_tool_of_another(face):
    inner = Agent(ScriptedModel(lambda request: f"re: {request.messages[0].content}"))

    def ask(question: str) -> str:
        return inner.run(question).content

    async def aask(question: str) -> str:
        return (await inner.arun(question)).content

    agent = calling(("ask", {"question": "a"}), ("aask", {"question": "b"}), tools=[ask, aask])

    assert results(face(agent).messages) == ["re: a", "re: b"]


ASKS_ITSELF = """
from agno_cli import Agent, ScriptedModel, say

def ask() -> str:
    return agent.run("hi").content

agent = Agent(ScriptedModel([say("", ("ask", {})), "done"]), tools=[ask])
print(agent.run("hi").content)
"""


def test_an_agent_that_asks_itself_without_end_is_told_so():
    # In a process of its own: at the recursion limit Python drops errors of its own as well.
    command = [sys.executable, "-W", "ignore", "-c", ASKS_ITSELF]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "done\n"


@every_face
def test_a_tool_may_run_an_agent_whose_run_fails(face):
    def ask() -> str:
        return Agent(ScriptedModel([ValueError("inner")])).run("hi").content

    assert outcome(face, calling(("ask", {}), tools=[ask]))[2] == (
        "tool!: RunFailed: ValueError: inner"
    )


@every_face
def test_a_tool_may_be_a_method_or_an_object(face):
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def increase(self, by: int = 1) -> int:
            self.count += by
            return self.count

        async def __call__(self, start: int) -> str:
            return f"from {start}"

    counter = Counter()
    agent = calling(
        ("increase", {"by": 3}),
        ("Counter", {"start": 2}),
        tools=[counter.increase, counter],
    )

    assert results(face(agent).messages) == ["3", "from 2"]


@every_face
def test_a_tool_may_give_an_awaitable_without_being_a_coroutine_function(face):
    def promise(a: int) -> Any:
        return double(a)

    async def double(a: int) -> int:
        await asyncio.sleep(0)
        return 2 * a

    assert results(face(calling(("promise", {"a": 4}), tools=[promise])).messages) == ["8"]


async def test_a_synchronous_run_inside_a_running_loop():
    """As in a notebook: `run` may be called there, with asynchronous tools too."""

    async def later() -> str:
        await asyncio.sleep(0)
        return "async"

    assert results(calling(("later", {}), ("later", {}), tools=[later]).run("hi").messages) == [
        "async",
        "async",
    ]


@pytest.mark.parametrize("face", [by_run, by_arun])
@pytest.mark.parametrize("calls", [1, 2])
def test_the_wish_to_end_the_process_ends_the_run(face, calls):
    def interrupted() -> None:
        raise KeyboardInterrupt

    agent = calling(*[("interrupted", {})] * calls, tools=[interrupted])

    with pytest.raises(KeyboardInterrupt):
        face(agent)


@every_face
def test_the_model_is_shown_the_tools_in_the_order_given(face):
    shown: list[list[str]] = []

    class Note(Model):
        def complete(self, request: ModelRequest) -> Any:
            shown.append([item.name for item in request.tools])
            return say("ok")

    face(Agent(Note(), tools=[sub, Toolkit("kit", [wait]), add], output_type=None))

    assert shown == [["sub", "wait", "add"]]


def test_a_tool_with_context_and_hooks():
    def who(context: RunContext, greeting: str = "Hello") -> str:
        return f"{greeting}, {context.user}"

    agent = calling(
        ("who", {}),
        ("who", {"greeting": "Bye"}),
        tools=[who],
        hooks=Hooks(before_tool=(lambda *_: None,)),
    )

    assert results(agent.run("hi", context=RunContext(user="Ada")).messages) == [
        "Hello, Ada",
        "Bye, Ada",
    ]


@every_face
def test_a_tool_that_exits_is_told_to_the_model(face):
    def leave() -> None:
        sys.exit(4)

    agent = Agent(ScriptedModel([say("", ("leave", {})), "Still here."]), tools=[leave])
    assert outcome(face, agent)[2:4] == ["tool!: SystemExit: 4", "assistant: Still here."]
