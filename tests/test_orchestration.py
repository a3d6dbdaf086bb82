"""The drivers of teams and workflows, from the steps they carry out; all four do the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from agno_cli import (
    Agent,
    AgnoError,
    CancelToken,
    ConfigurationError,
    InputError,
    LimitReached,
    MemberEvent,
    ModelError,
    ModelRequest,
    RunCancelled,
    RunError,
    RunFailed,
    RunFinished,
    RunOutput,
    RunStarted,
    ScriptedModel,
    TextDelta,
    Usage,
)
from agno_cli import _orchestration_drivers as drivers
from agno_cli._async_orchestration_drivers import adrive, adrive_events
from agno_cli._orchestration import (
    Emit,
    Halt,
    OStep,
    Pause,
    RunMember,
    Together,
    halting,
    is_runnable,
    named,
    summed,
    take_down_stop,
)
from agno_cli._orchestration_drivers import drive, drive_events
from agno_cli._tools import Invoke

Steps = Generator[OStep, None, None]
STARTED = RunStarted("1", "test", "")


def output(content: str = "done") -> RunOutput:
    return RunOutput("1", content, [], Usage(), 1, 0.0, 0.0, 0.0)


class Driven:
    """One of the four drivers: gives the events, of which a plain run has only the last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.streams = "events" in name

    def __repr__(self) -> str:
        return self.name

    def __call__(self, steps: Any, **given: Any) -> list[Any]:
        if self.name == "drive":
            return [RunFinished(drive(steps, **given))]
        if self.name == "drive_events":
            return list(drive_events(steps, STARTED, **given))
        return asyncio.run(self.awaited(steps, **given))

    async def awaited(self, steps: Any, **given: Any) -> list[Any]:
        if self.name == "adrive":
            return [RunFinished(await adrive(steps, **given))]
        return [event async for event in adrive_events(steps, STARTED, **given)]


ALL = [Driven(name) for name in ("drive", "adrive", "drive_events", "adrive_events")]
every_driver = pytest.mark.parametrize("driven", ALL, ids=repr)
every_stream = pytest.mark.parametrize("driven", ALL[2:], ids=repr)
every_async = pytest.mark.parametrize("driven", ALL[1::2], ids=repr)


def agent(name: str, answer: Any = "ok", **model: Any) -> Agent:
    return Agent(ScriptedModel([answer] if isinstance(answer, str) else answer, **model), name=name)


def member(name: str, answer: Any = "ok", **model: Any) -> RunMember:
    return RunMember(agent(name, answer, **model), name, "hi")


def content(event: Any) -> str:
    text: str = event.output.content
    return text


@every_driver
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("at_most", [1, 2, 100])
def test_branches_give_their_values_in_order(driven, quick, at_most):
    def branch(number: int) -> Generator[OStep, None, int]:
        first = member(f"m{number}", delay=0.01 * (3 - number) * (not quick))
        yield first
        yield Pause(0.001)
        return len(first.result().content) + number

    def steps() -> Steps:
        together = Together(
            [branch(0), member("m"), branch(2), branch(3)], "abcd", at_most, quick=quick
        )
        yield together
        values = together.result()
        yield output(f"{values[0]} {values[1].content} {values[2:]}")

    assert content(driven(steps())[-1]) == "2 ok [4, 5]"


@every_driver
@pytest.mark.parametrize("quick", [True, False])
def test_a_branch_waits_for_those_before_it(driven, quick):
    ended: list[str] = []

    def branch(name: str) -> Generator[OStep, None, None]:
        yield Pause(0.01 if name == "b" else 0)
        ended.append(name)

    def steps() -> Steps:
        together = Together(
            [branch("a"), branch("b"), branch("c")], "abc", quick=quick, after=[[2], [], [1]]
        )
        yield together
        together.result()
        yield output()

    driven(steps())

    assert ended == ["b", "c", "a"]


@every_driver
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("stop_at_error", [True, False])
def test_a_branch_that_fails(driven, quick, stop_at_error):
    def failing() -> Generator[OStep, None, None]:
        yield Pause(0)
        raise KeyError("x")

    together = Together(
        [failing(), member("b", delay=0 if quick or not stop_at_error else 30), member("c")],
        ["a", "b", "c"],
        at_most=2,
        stop_at_error=stop_at_error,
        quick=quick,
    )

    def steps() -> Steps:
        yield together
        together.result()
        yield output()

    if stop_at_error:
        with pytest.raises(KeyError, match="x"):
            driven(steps())
        told = "`b` was not begun" if quick else "stopped, as `a` had failed"
        assert [str(error) for error in together.errors] == ["'x'", told, "`c` was not begun"]
    else:
        driven(steps())
        assert [value and value.content for value in together.values] == [None, "ok", "ok"]
    assert (together.first_error, together.stopped) == (0, None)


@every_driver
@pytest.mark.parametrize("quick", [True, False])
def test_togethers_stand_in_each_other(driven, quick):
    def inner(number: int) -> Generator[OStep, None, list[str]]:
        together = Together(
            [member(f"m{number}{k}", f"{number}{k}") for k in range(2)], "ab", quick=quick
        )
        yield together
        return [value.content for value in together.result()]

    def steps() -> Steps:
        together = Together([inner(0), inner(1)], "ab", quick=quick)
        yield together
        yield output(str(together.result()))

    assert content(driven(steps())[-1]) == "[['00', '01'], ['10', '11']]"


@every_driver
def test_a_member_has_its_time(driven):
    slow = member("slow", delay=30)
    slow.timeout = 0.02
    quick = member("quick")
    quick.timeout = 30

    def steps() -> Steps:
        yield quick
        yield slow
        yield output(f"{quick.result().content}; {slow.error}")

    assert content(driven(steps())[-1]) == "ok; timed out after 0.02 s"
    assert isinstance(slow.error, LimitReached)
    assert slow.error.output is not None
    assert slow.error.output.status == "cancelled"
    assert (slow.stopped, slow.error.kind) == (None, "time")
    assert 0.01 < slow.seconds < 20


@every_driver
def test_a_member_that_fails_within_its_time(driven):
    broken = member("broken", [KeyError("x")])
    broken.timeout = 30

    def steps() -> Steps:
        yield broken
        yield output(str(broken.error))

    assert content(driven(steps())[-1]) == "KeyError: 'x'"
    with pytest.raises(RunFailed):
        broken.result()


def waiting_steps(what: str, seen: list[Any]) -> Steps:
    """Wait for something for a long time; take down what stopped it."""
    step: Any = {
        "member": lambda: member("m", delay=30),
        "together": lambda: Together([member("m", delay=30), member("n", delay=30)], "mn"),
        "branches": lambda: Together([in_branch(), in_branch()], "mn"),
        "pause": lambda: Pause(30),
        "call": lambda: Invoke(time.sleep, (0.5,), blocking=True),
    }[what]()
    yield step
    stopped: Any = step.error if isinstance(step, Invoke) else step.stopped
    seen.append(stopped)
    late = Invoke(seen.append, ("recorded",), must_finish=True)
    yield late
    further: Any = RunMember(agent("late"), "late", "hi")
    yield further
    seen.append(type(further.stopped))
    raise stopped


def in_branch() -> Generator[OStep, None, None]:
    pause = Pause(30)
    yield pause
    pause.result()


WAITS = ["member", "together", "branches", "pause", "call"]


@every_driver
@pytest.mark.parametrize("what", WAITS)
def test_the_time_limit_stops_whatever_waits(driven, what):
    seen: list[Any] = []
    began = time.monotonic()

    with pytest.raises(LimitReached, match=r"limit of 0\.02 seconds reached; raise it with"):
        driven(waiting_steps(what, seen), seconds=0.02)

    assert time.monotonic() - began < 5
    assert seen[1:] == ["recorded", LimitReached]


@every_driver
@pytest.mark.parametrize("what", WAITS)
def test_a_token_stops_whatever_waits(driven, what):
    seen: list[Any] = []
    token = CancelToken()
    timer = threading.Timer(0.03, token.cancel)
    timer.start()

    with pytest.raises(RunCancelled, match="the run was cancelled"):
        driven(waiting_steps(what, seen), seconds=30, cancel=token)

    assert seen[1:] == ["recorded", RunCancelled]
    assert token._callbacks == []


@every_driver
@pytest.mark.parametrize("quick", [True, False])
def test_a_token_that_was_used_before(driven, quick):
    token = CancelToken()
    token.cancel()
    together = Together([member("a")], "a", quick=quick)

    def steps() -> Steps:
        yield together
        together.result()

    with pytest.raises(RunCancelled):
        driven(steps(), cancel=token)

    assert [str(error) for error in together.errors] == ["`a` was not begun"]


@every_driver
def test_nothing_stops_what_has_time(driven):
    def steps() -> Steps:
        pause = Pause(0.001)
        yield pause
        pause.result()
        step = member("m")
        yield step
        called = Invoke(len, ("abc",))
        yield called
        failed = Invoke(int, ("x",))
        yield failed
        told = f"{step.result().content} {called.result()} {type(failed.error).__name__}"
        yield Emit(TextDelta("!"))
        yield output(told)

    events = driven(steps(), seconds=30, cancel=CancelToken())

    assert content(events[-1]) == "ok 3 ValueError"
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert texts == (["!", "ok 3 ValueError"] if driven.streams else [])


@every_async
@pytest.mark.parametrize("what", WAITS)
async def test_cancelling_the_task_ends_everything_and_lets_it_be_recorded(driven, what):
    seen: list[Any] = []
    task = asyncio.create_task(driven.awaited(waiting_steps(what, seen)))
    await asyncio.sleep(0.03)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert type(seen[0]) is asyncio.CancelledError
    assert seen[1] == "recorded"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@every_async
async def test_a_task_that_is_cancelled_twice_leaves_nothing_behind(driven):
    class Careful:
        """A member that takes a while to end."""

        name = "careful"

        async def arun(self, *_: Any, **__: Any) -> RunOutput:
            try:
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.05)
            raise AssertionError

        async def astream(self, *_: Any, **__: Any) -> Any:
            yield RunFinished(await self.arun())

    careful: Any = Careful()

    def steps() -> Steps:
        together = Together([RunMember(careful, "careful", "hi")], ["careful"])
        yield together
        together.result()

    task = asyncio.create_task(driven.awaited(steps()))
    for _ in range(3):
        await asyncio.sleep(0.015)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert asyncio.all_tasks() == {asyncio.current_task()}


@every_async
@pytest.mark.parametrize("place", ["alone", "branch", "inside"])
def test_a_member_that_cancels_itself_has_failed(driven, place):
    class Odd:
        name = "odd"

        async def arun(self, *_: Any, **__: Any) -> RunOutput:
            raise asyncio.CancelledError

        async def astream(self, *_: Any, **__: Any) -> Any:
            yield RunStarted("1", "odd", "")
            raise asyncio.CancelledError

    odd: Any = Odd()
    step = RunMember(odd, "odd", "hi")

    def branch() -> Generator[OStep, None, None]:
        yield Pause(0)
        raise asyncio.CancelledError

    def steps() -> Steps:
        if place == "alone":
            yield step
            yield output(str(step.error))
            return
        together = Together([step if place == "branch" else branch()], "o", stop_at_error=False)
        yield together
        together.result()
        yield output(str(together.errors[0]))

    assert content(driven(steps())[-1]) == "it was cancelled from within"


@every_stream
@pytest.mark.parametrize("quick", [True, False])
def test_events_of_branches_come_wrapped(driven, quick):
    def branch() -> Generator[OStep, None, None]:
        yield Emit(TextDelta("x"))
        yield member("inner")

    def steps() -> Steps:
        together = Together([member("m"), branch()], "mb", at_most=1, quick=quick)
        yield together
        together.result()
        yield output("done")

    events = driven(steps())

    told = [
        (event.member, type(event.event).__name__)
        if isinstance(event, MemberEvent)
        else type(event).__name__
        for event in events
    ]
    whole = ["RunStarted", "TextDelta", "TurnFinished", "RunFinished"]
    assert told == [
        "RunStarted",
        *[("m", name) for name in whole],
        "TextDelta",
        *[("inner", name) for name in whole],
        "TextDelta",
        "RunFinished",
    ]


@pytest.mark.parametrize("what", ["one", "quick", "threads", "nested", "first", "emit", "last"])
@every_stream
async def test_a_stream_that_is_closed_ends_everything_and_lets_it_be_recorded(driven, what):
    seen: list[Any] = []
    words = "one two three four five"

    def branch() -> Generator[OStep, None, None]:
        yield member("deep", words, delay=0.2)

    def steps() -> Steps:
        step: Any = {
            "one": lambda: member("m", words),
            "quick": lambda: Together([member("m", words), member("n")], "mn", quick=True),
            "threads": lambda: Together([member(n, words, delay=0.1) for n in "ab"], "ab"),
            "nested": lambda: Together([branch(), branch()], "ab"),
            "emit": lambda: Emit(TextDelta("x")),
        }.get(what, output)()
        yield step
        seen.append(getattr(step, "stopped", None))
        yield Invoke(seen.append, ("recorded",), must_finish=True)
        skipped = Invoke(seen.append, ("never",))
        yield skipped
        seen.append(str(skipped.error))
        raise RunCancelled("as was to be expected")

    if driven.name == "drive_events":
        stream = drive_events(steps(), STARTED)
        for _ in range(1 if what == "first" else 2):
            next(stream)
        await asyncio.to_thread(stream.close)
    else:
        events = adrive_events(steps(), STARTED)
        for _ in range(1 if what == "first" else 2):
            await anext(events)
        await events.aclose()

    if what == "first":
        assert seen == []
    else:
        told = None if what in {"emit", "last"} else "the stream was closed"
        assert (seen[0] and str(seen[0])) == told
        assert seen[1:] == ["recorded", "the stream was closed"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@every_stream
async def test_a_slow_reader_holds_parallel_members_back(driven):
    """They do not fill memory, and a reader who leaves ends them."""
    written: list[int] = []

    class Endless(ScriptedModel):
        def stream(self, request: ModelRequest) -> Any:
            for number in range(10_000):
                written.append(number)
                yield TextDelta("word ")

        async def astream(self, request: ModelRequest) -> Any:
            for delta in self.stream(request):
                yield delta
                await asyncio.sleep(0)

    def steps() -> Steps:
        yield Together([RunMember(Agent(Endless()), "m", "hi")], "m")
        raise RunCancelled("over")

    if driven.name == "drive_events":
        stream = drive_events(steps(), STARTED)
        for _ in range(5):
            next(stream)
        await asyncio.to_thread(time.sleep, 0.05)
        stream.close()
    else:
        events = adrive_events(steps(), STARTED)
        for _ in range(5):
            await anext(events)
        await asyncio.sleep(0.05)
        await events.aclose()

    assert 4 <= len(written) < 1_000


@pytest.mark.parametrize("driven", [ALL[0], ALL[2]], ids=repr)
def test_ctrl_c_while_threads_work(driven, monkeypatch):
    """The main thread is interrupted where it waits; the members learn of it."""
    ends: list[str] = []

    def interrupted(crew: Any, *_: Any) -> Any:
        if ends:
            return original(crew, *_)
        ends.append("interrupted")
        raise KeyboardInterrupt

    together = Together([member("a", delay=30), member("b", delay=30)], "ab")

    def steps() -> Steps:
        yield together
        together.result()

    original = drivers._Crew.next_item
    monkeypatch.setattr(drivers._Crew, "next_item", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        driven(steps())

    assert time.monotonic() - began < 5
    assert [str(error) for error in together.errors] == ["KeyboardInterrupt stopped the run"] * 2


@pytest.mark.parametrize("driven", [ALL[0], ALL[2]], ids=repr)
def test_no_more_threads_can_be_had(driven, monkeypatch):
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(drivers, "start", refuse)
    together = Together([member("a"), member("b")], "ab", stop_at_error=False)

    def steps() -> Steps:
        yield together
        together.result()
        yield output(str(together.errors[1]))

    assert content(driven(steps())[-1]) == "can't start new thread"


@pytest.mark.parametrize("driven", [ALL[0], ALL[2]], ids=repr)
@pytest.mark.parametrize("quick", [True, False])
def test_what_is_no_exception_ends_the_run(driven, quick):
    class Leaving:
        name = "leaving"

        def run(self, *_: Any, **__: Any) -> RunOutput:
            raise SystemExit(3)

        def stream(self, *_: Any, **__: Any) -> Any:
            yield RunStarted("1", "leaving", "")
            raise SystemExit(3)

    leaving: Any = Leaving()
    together = Together([RunMember(leaving, "l", "hi"), member("b")], "lb", 1, quick=quick)
    together.stop_at_error = False

    def steps() -> Steps:
        yield together
        together.result()

    with pytest.raises(SystemExit):
        driven(steps())
    assert str(together.errors[1]) == "`b` was not begun"


def test_a_halt_keeps_its_first_reason():
    with halting(None) as outer, halting(outer) as inner:
        outer.halt(LimitReached("time", "too late"))
        inner.halt(RunCancelled("no more"))

        assert (str(outer.error()), str(inner.error())) == ("too late", "too late")
        assert outer.error() is not outer.error()


def test_a_halt_that_somebody_used_as_a_token():
    halt = Halt()
    halt.cancel()

    assert str(halt.error()) == "the run was cancelled"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (KeyError("x"), RunFailed, "step `a`: KeyError: 'x'"),
        (InputError("empty"), RunFailed, "step `a`: empty"),
        (RunCancelled("stop"), RunCancelled, "step `a`: stop"),
        (LimitReached("turns", "many"), LimitReached, "step `a`: many"),
        (ConfigurationError("bad"), ConfigurationError, "step `a`: bad"),
        (
            ModelError("down", provider="openai", retryable=True),
            ModelError,
            "openai: step `a`: down (a retry could help)",
        ),
    ],
)
def test_an_error_says_whose_it_is(error, kind, text):
    error.output = output()

    told = named("step `a`", error)

    assert (type(told), str(told)) == (kind, text)
    assert isinstance(told, AgnoError)
    assert (told.output, told.__cause__) == (error.output, error)
    assert str(error) != str(told)


def test_sums_are_of_everything():
    one = RunOutput("1", "", [], Usage(1, 2, 3, 4, 5), 6, 9.0, 7.0, 8.0)

    assert summed([]) == (Usage(requests=0), 0, 0.0, 0.0)
    assert summed([one, one]) == (Usage(2, 4, 6, 8, 10), 12, 14.0, 16.0)


def test_what_can_be_a_member():
    assert is_runnable(agent("a"))
    assert not is_runnable(Agent)
    assert not is_runnable("a")


def test_an_event_and_an_output_cannot_be_stopped():
    for step in (Emit(TextDelta("x")), output()):
        take_down_stop(step, RunError("x"))
