"""Checks at the prompt, the answer, the arguments and results of tools, on every face."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple, Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    Agent,
    ConfigurationError,
    Event,
    Hooks,
    Memory,
    Message,
    ModelRequest,
    ModelResponse,
    Rejected,
    RunFailed,
    RunFinished,
    RunRejected,
    ScriptedModel,
    TextDelta,
    ToolCall,
    say,
)
from agno_cli._events import MemberEvent
from agno_cli.guardrails import ahold_back, deny, guard, hold_back, max_length, redact
from agno_cli.guardrails._structured import apply_to_json
from tests.faces import every_face, outcome, transcript

MAIL = "ada@example.com"
GONE = "[redacted email address]"
CARD = "4111111111111111"


def lookup(name: str) -> str:
    return f"{name} is {MAIL}"


def charge(card: int) -> str:
    return f"charged {card}"


def asking(name: str = "Ada", *, answer: str = f"It is {MAIL}.") -> ScriptedModel:
    return ScriptedModel([say(f"Asking for {MAIL}.", ("lookup", {"name": name})), answer])


def seen(requests: list[list[Message]], script: list[ModelResponse]) -> ScriptedModel:
    def answer(request: ModelRequest) -> ModelResponse:
        requests.append(list(request.messages))
        return script[request.turn - 1]

    return ScriptedModel(answer)


@every_face
def test_a_prompt_is_rewritten_before_the_model_sees_it(face):
    requests: list[list[Message]] = []
    memory = Memory()
    agent = Agent(seen(requests, [say("ok")]), hooks=guard(prompt=[redact()]), memory=memory)

    assert outcome(face, agent, prompt=f"I am {MAIL}") == [
        f"user: I am {GONE}",
        "assistant: ok",
        "[completed] None",
    ]
    assert [message.content for message in requests[0]] == [f"I am {GONE}"]
    assert [message.content for message in memory.load()] == [f"I am {GONE}", "ok"]


@every_face
def test_a_prompt_is_refused(face):
    memory = Memory()
    agent = Agent(ScriptedModel(), hooks=guard(max_length(3)), memory=memory)

    assert outcome(face, agent, prompt="Hello") == [
        "[rejected] RunRejected: prompt: has 5 characters, at most 3 are allowed"
    ]
    assert memory.load() == []


@every_face
def test_an_answer_is_rewritten_wherever_it_stands(face):
    memory = Memory()
    agent = Agent(asking(), tools=[lookup], hooks=guard(answer=[redact()]), memory=memory)

    output = face(agent)
    assert output.content == f"It is {GONE}."
    assert transcript(output) == [
        "user: hi",
        f'assistant: Asking for {GONE}. -> lookup{{"name":"Ada"}}',
        f"tool: Ada is {MAIL}",  # what comes of a tool is `results`' to check
        f"assistant: It is {GONE}.",
    ]
    assert memory.load() == output.messages


@every_face
def test_an_answer_is_refused(face):
    memory = Memory()
    agent = Agent(asking(), tools=[lookup], hooks=guard(answer=[deny("@")]), memory=memory)

    with pytest.raises(RunRejected, match="answer: matches `@`, which is denied"):
        face(agent)
    assert memory.load() == []


@every_face
def test_arguments_and_results_are_rewritten(face):
    calls = []

    def send(to: str) -> str:
        calls.append(to)
        return f"sent to {to} and bob@example.com"

    model = ScriptedModel([say("", ("send", {"to": MAIL})), "done"])
    agent = Agent(model, tools=[send], hooks=guard(arguments=[redact()], results=[redact()]))

    assert outcome(face, agent) == [
        "user: hi",
        f'assistant:  -> send{{"to":"{GONE}"}}',
        f"tool: sent to {GONE} and {GONE}",
        "assistant: done",
        "[completed] None",
    ]
    assert calls == [GONE]


@every_face
def test_arguments_and_results_are_refused_and_the_run_goes_on(face):
    model = ScriptedModel([say("", ("lookup", {"name": "x" * 40})), "done"])
    hooks = guard(arguments=[max_length(20)])

    assert outcome(face, Agent(model, tools=[lookup], hooks=hooks)) == [
        "user: hi",
        "assistant:  -> lookup{}",  # not kept either
        "tool!: `lookup` was refused: arguments: has 51 characters, at most 20 are allowed",
        "assistant: done",
        "[completed] None",
    ]
    hooks = guard(results=[deny("@")])
    assert outcome(face, Agent(asking(answer="done"), tools=[lookup], hooks=hooks))[2:] == [
        "tool!: `lookup` was refused: results: matches `@`, which is denied",
        "assistant: done",
        "[completed] None",
    ]


def test_what_is_no_string_cannot_be_rewritten_and_is_refused():
    model = ScriptedModel([say("", ("charge", {"card": int(CARD)})), "done"])
    agent = Agent(model, tools=[charge], hooks=guard(redact()))

    _, call, result, _ = transcript(agent.run("hi"))
    assert call == "assistant:  -> charge{}"
    assert result == (
        "tool!: `charge` was refused: arguments: what is to be rewritten stands in a key or a"
        " number, which cannot be"
    )


def test_a_text_on_the_way_that_is_refused_is_withheld_and_the_run_goes_on():
    hooks = guard(answer=[max_length(10)])
    agent = Agent(asking(answer="short"), tools=[lookup], hooks=hooks)

    assert transcript(agent.run("hi"))[1] == 'assistant: [withheld] -> lookup{"name":"Ada"}'


def test_reasoning_that_would_be_changed_is_dropped_with_its_signature():
    def reasoned(reasoning: str) -> ScriptedModel:
        message = Message("assistant", "ok", reasoning=reasoning, signature="signed")
        return ScriptedModel([ModelResponse(message)])

    hooks = guard(answer=[redact()])
    kept = Agent(reasoned("Easy."), hooks=hooks).run("hi").messages[-1]
    dropped = Agent(reasoned(f"It is {MAIL}."), hooks=hooks).run("hi").messages[-1]

    assert (kept.reasoning, kept.signature) == ("Easy.", "signed")
    assert (dropped.reasoning, dropped.signature) == ("", "")


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    label: str
    x: int


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    name: str
    point: Point


class Person(msgspec.Struct, frozen=True):
    mail: str
    others: list[str]
    scores: dict[str, float]
    place: Place
    pair: tuple[str, int]
    tags: frozenset[str]
    colour: Colour
    nothing: None = None


def person(mail: str) -> Person:
    place = Place(f"at {mail}", Point(mail, 1))
    pair, tags = (f"{mail}!", 7), frozenset({mail})
    return Person(mail, [mail, "x"], {"a": 0.5}, place, pair, tags, Colour.RED)


@every_face
@pytest.mark.parametrize("native", [True, False])
def test_structured_answers_are_rewritten_as_text_and_as_data(face, native):
    text = msgspec.json.encode(person(MAIL)).decode()
    script = [text] if native else [say("", ("final_answer", msgspec.json.decode(text)))]
    agent = Agent(
        ScriptedModel(script, native_schema=native),
        output_type=Person,
        hooks=guard(answer=[redact()]),
        memory=(memory := Memory()),
    )

    output = face(agent)
    expected = person(GONE)
    assert output.data == expected
    assert msgspec.json.decode(output.content, type=Person) == expected
    assert MAIL not in str(memory.load())


def test_structured_answers_that_cannot_be_rewritten_are_refused():
    hooks = guard(answer=[redact()])
    numbers = Agent(
        ScriptedModel([f'{{"value":[{CARD}]}}'], native_schema=True),
        output_type=list[int],
        hooks=hooks,
    )
    keys = Agent(
        ScriptedModel([f'{{"{MAIL}":1}}'], native_schema=True),
        output_type=dict[str, int],
        hooks=hooks,
    )

    for agent in (numbers, keys):
        with pytest.raises(RunRejected, match="answer: what is to be rewritten stands in a key"):
            agent.run("hi")


def test_structured_answers_that_need_no_change_are_left_as_they_are():
    agent = Agent(
        ScriptedModel(['{ "a": 1 }'], native_schema=True),
        output_type=dict[str, int],
        hooks=guard(redact()),
    )

    output = agent.run("hi")
    assert (output.content, output.data) == ('{ "a": 1 }', {"a": 1})


def test_an_answer_that_did_not_fit_is_looked_at_too():
    model = ScriptedModel(
        [say("", ("final_answer", {"mail": MAIL})), say("", ("final_answer", {"n": 1}))]
    )
    agent = Agent(model, output_type=dict[str, int], hooks=guard(answer=[redact()]))

    output = agent.run("hi")
    assert output.data == {"n": 1}
    assert MAIL not in str([message.tool_calls for message in output.messages])


def test_escapes_in_arguments_hide_nothing():
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in MAIL)
    assert apply_to_json(redact(), f'["{escaped}"]') == f'["{GONE}"]'


def test_arguments_that_are_no_json_are_a_text():
    assert apply_to_json(redact(), f"mail={MAIL}") == f"mail={GONE}"
    assert apply_to_json(redact(), "[" * 100_000) == "[" * 100_000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-999, 999) | st.text() | st.just(MAIL),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_json_stays_the_same_but_for_what_is_redacted(value):
    def swapped(item: Any) -> Any:
        if isinstance(item, list):
            return [swapped(one) for one in item]
        if isinstance(item, dict):
            return {key: swapped(one) for key, one in item.items()}
        return GONE if item == MAIL else item

    text = msgspec.json.encode(value).decode()
    changed = apply_to_json(redact("secrets", more={"email address": r"ada@example\.com"}), text)
    assert msgspec.json.decode(changed) == swapped(value)


@every_face
def test_checks_everywhere_come_after_a_place_s_own(face):
    order: list[str] = []

    def note(name: str) -> Callable[[str], None]:
        return lambda _: order.append(name)

    agent = Agent(ScriptedModel(), hooks=guard(note("all"), note("too"), prompt=[note("own")]))
    face(agent)
    assert order == ["own", "all", "too", "all", "too"]


def test_checks_are_joined_with_other_hooks():
    def sign(_: object, prompt: str) -> str:
        return f"{prompt} {MAIL}"

    agent = Agent(ScriptedModel(), hooks=Hooks(before_run=(sign,)) + guard(prompt=[redact()]))
    assert agent.run("From").messages[0].content == f"From {GONE}"


def test_no_checks_are_no_hooks():
    assert guard() == Hooks()
    assert guard(prompt=[redact()]).after_run == ()


def test_a_check_that_gives_something_else_is_a_bug():
    def wrong(_: str) -> Any:
        return 7

    with pytest.raises(RunFailed, match="TypeError: a check gave 7; let it give a text or None"):
        Agent(ScriptedModel(), hooks=guard(wrong)).run("hi")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prompt": redact()}, "`prompt` is <function .*; give a list of checks"),
        ({"answer": ["no"]}, "'no' is no check; give a function of a text"),
    ],
)
def test_what_is_no_check(given, message):
    with pytest.raises(ConfigurationError, match=message):
        guard(**given)


def test_a_refusal_has_the_check_s_own_as_its_cause():
    hooks = guard(arguments=[deny("x")])

    with pytest.raises(Rejected, match="arguments: matches") as caught:
        hooks.before_tool[0](None, ToolCall("1", "t", '"x"'))  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, Rejected)


def streaming() -> Agent:
    return Agent(asking(), tools=[lookup], hooks=guard(answer=[redact()]))


HELD_BACK = [
    "RunStarted",
    "ToolCallStarted",
    "ToolCallFinished",
    "TurnFinished",
    "TurnFinished",
    "TextDelta",
    "RunFinished",
]


def test_a_stream_that_is_held_back_shows_the_checked_answer_only():
    events = list(hold_back(streaming().stream("hi")))

    assert [type(event).__name__ for event in events] == HELD_BACK
    assert [event.text for event in events if isinstance(event, TextDelta)] == [f"It is {GONE}."]
    assert MAIL in "".join(e.text for e in streaming().stream("hi") if isinstance(e, TextDelta))


async def test_the_same_with_await():
    events = [event async for event in ahold_back(streaming().astream("hi"))]

    assert [type(event).__name__ for event in events] == HELD_BACK


async def test_a_stream_that_is_held_back_and_refused_shows_nothing():
    agent = Agent(ScriptedModel(["A secret."]), hooks=guard(answer=[deny("secret")]))
    shown: list[Event] = []

    async def show() -> None:
        async for event in ahold_back(agent.astream("hi")):
            shown.append(event)  # noqa: PERF401 - also those before it raises

    with pytest.raises(RunRejected):
        shown.extend(hold_back(agent.stream("hi")))
    with pytest.raises(RunRejected):
        await show()
    assert [type(event).__name__ for event in shown] == ["RunStarted", "TurnFinished"] * 2


async def test_closing_what_is_held_back_closes_the_stream():
    ended: list[str] = []
    hooks = Hooks(on_end=(lambda _, output: ended.append(output.status),))
    agent = streaming().replace(hooks=hooks)

    events = hold_back(agent.stream("hi"))
    assert [type(event).__name__ for event in islice(events, 2)] == [
        "RunStarted",
        "ToolCallStarted",
    ]
    events.close()
    assert ended == ["cancelled"]

    later = ahold_back(agent.astream("hi"))
    assert type(await anext(later)).__name__ == "RunStarted"
    assert type(await anext(later)).__name__ == "ToolCallStarted"
    await later.aclose()
    assert ended == ["cancelled", "cancelled"]


async def test_events_that_are_no_generator_are_held_back_too():
    class Events:
        def __init__(self, events: list[Event]) -> None:
            self._events = iter(events)

        def __aiter__(self) -> Self:
            return self

        async def __anext__(self) -> Event:
            try:
                return next(self._events)
            except StopIteration:
                raise StopAsyncIteration from None

    events = list(streaming().stream("hi"))
    held = list(hold_back(events))
    assert [type(event).__name__ for event in held] == HELD_BACK
    assert [event async for event in ahold_back(Events(events))] == held


def test_what_a_member_says_is_held_back_too():
    output = Agent(ScriptedModel(["Hi there"])).run("hi")
    events = [MemberEvent("ada", TextDelta("Hi ")), MemberEvent("ada", RunFinished(output))]

    assert list(hold_back(events)) == [
        MemberEvent("ada", TextDelta("Hi there")),
        MemberEvent("ada", RunFinished(output)),
    ]


def test_an_answer_without_a_text_shows_none():
    agent = Agent(ScriptedModel([say("")]))
    assert [type(event).__name__ for event in hold_back(agent.stream("hi"))] == [
        "RunStarted",
        "TurnFinished",
        "RunFinished",
    ]


def test_escapes_in_a_markdown_fence_hide_nothing():
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in MAIL)
    model = ScriptedModel([f'```json\n{{"mail":"{escaped}"}}\n```'], native_schema=True)
    agent = Agent(model, output_type=dict[str, str], hooks=guard(answer=[redact()]))

    output = agent.run("hi")
    assert (output.content, output.data) == (f'{{"mail":"{GONE}"}}', {"mail": GONE})
