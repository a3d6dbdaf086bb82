"""Teams: what members share and are told, and whose fault it was."""

from __future__ import annotations

from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    InputError,
    LimitReached,
    MemberEvent,
    Memory,
    Message,
    ModelError,
    ModelRequest,
    OutputInvalid,
    RunContext,
    RunFailed,
    RunFinished,
    RunRejected,
    ScriptedModel,
    Team,
    TeamLimits,
    TeamOutput,
    TextDelta,
    Usage,
    say,
)
from agno_cli._hooks import Hooks
from tests.faces import by_astream, by_stream, every_face, outcome
from tests.members import OVERLOADED, Notes, add, failing, leading, results, saying, work

# One after another


@every_face
def test_each_member_sees_the_task_and_the_answer_before(face):
    notes = Notes()
    members = [notes.agent("a", "one"), notes.agent("b", "two"), notes.agent("c", "three")]

    output = face(Team(members), "Count.")

    assert notes.prompts == {
        "a": ["Count."],
        "b": ['Count.\n\n<previous_answer member="a">\none\n</previous_answer>'],
        "c": ['Count.\n\n<previous_answer member="b">\ntwo\n</previous_answer>'],
    }
    assert (output.content, output.status) == ("three", "completed")
    assert output.messages == [Message("user", "Count."), Message("assistant", "three")]
    assert results(output) == [("a", "one", ""), ("b", "two", ""), ("c", "three", "")]


@every_face
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_usage_turns_and_seconds_are_summed(face, mode):
    usage = Usage(5, 3, cached_tokens=2, reasoning_tokens=1)
    model = ScriptedModel([say("hm", ("add", {"a": 1}), usage=usage), say("1", usage=usage)])
    members = [Agent(model, name=name, tools=[add]) for name in ("a", "b")]

    output = face(Team(members, mode=mode))

    assert output.usage == Usage(20, 12, cached_tokens=8, reasoning_tokens=4, requests=4)
    assert output.turns == 4
    inner = [result.output for result in output.members]
    assert output.model_seconds == sum(one.model_seconds for one in inner)
    assert output.tool_seconds == sum(one.tool_seconds for one in inner)
    assert [result.seconds > 0 for result in output.members] == [True, True]
    assert output.timings.framework >= 0


@every_face
def test_the_last_members_data_is_the_teams(face):
    member = saying("b", '{"value": 7}', output_type=int)

    assert face(Team([saying("a"), member])).data == 7


@every_face
def test_a_failure_names_the_member_and_keeps_the_work(face):
    team = Team([saying("a"), failing("b"), saying("c")])

    with pytest.raises(ModelError, match="member `b`: overloaded") as caught:
        face(team)

    assert (caught.value.status, caught.value.retryable) == (529, True)
    assert isinstance(caught.value.__cause__, ModelError)
    output = work(caught)
    assert output is not None
    assert (output.content, output.status, output.usage.requests) == ("a's answer", "failed", 1)
    assert output.messages == [Message("user", "hi"), Message("assistant", "a's answer")]
    assert results(output) == [("a", "a's answer", ""), ("b", "", OVERLOADED)]


@every_face
@pytest.mark.parametrize("memory", [None, Memory()])
def test_what_can_be_collected_is_kept(face, memory):
    """With and without a memory, which takes another way through the code."""
    team = Team([saying("a"), failing("b")], on_error="collect")

    output = face(team, memory=memory)

    assert isinstance(output, TeamOutput)
    assert (output.content, output.status, output.failed) == ("a's answer", "completed", ("b",))
    assert results(output) == [("a", "a's answer", ""), ("b", "", OVERLOADED)]


@every_face
@pytest.mark.parametrize("mode", ["sequential", "parallel", "consensus"])
@pytest.mark.parametrize("memory", [None, Memory()])
def test_nobody_is_left(face, mode, memory):
    team = Team([failing("a"), failing("b")], mode=mode, on_error="collect")

    lines = outcome(face, team, memory=memory)

    told = f"`a`: {OVERLOADED}; `b`: {OVERLOADED}"
    assert lines == ["user: hi", f"[failed] RunFailed: every member failed: {told}"]


@every_face
@pytest.mark.parametrize(
    ("error", "kind", "text", "status"),
    [
        (KeyError("x"), RunFailed, "member `a`: RunFailed", "failed"),
        (RunRejected("no"), RunRejected, "member `a`: no", "rejected"),
        (OutputInvalid("odd"), OutputInvalid, "member `a`: odd", "invalid"),
        (LimitReached("turns", "too many"), LimitReached, "member `a`: too many", "limited"),
        (InputError("what?"), RunFailed, "member `a`: what?", "failed"),
    ],
    ids=["unexpected", "rejected", "invalid", "limited", "input"],
)
def test_an_error_keeps_its_class(face, error, kind, text, status):
    with pytest.raises(kind, match=text.replace("RunFailed", "KeyError")) as caught:
        face(Team([Agent(ScriptedModel([error]), name="a")]))

    assert work(caught).status == status


# All at once


@every_face
def test_parallel_members_get_the_same_task_and_keep_their_order(face):
    notes = Notes()
    delays = {"a": 0.03, "b": 0.0, "c": 0.01}
    members = [Agent(ScriptedModel([f"is {n}"], delay=d), name=n) for n, d in delays.items()]

    output = face(Team([*members, notes.agent("d", "is d")], mode="parallel"), "Who?")

    assert notes.prompts == {"d": ["Who?"]}
    assert [name for name, _, _ in results(output)] == ["a", "b", "c", "d"]
    assert output.content == "## a\n\nis a\n\n## b\n\nis b\n\n## c\n\nis c\n\n## d\n\nis d"


@every_face
def test_data_of_parallel_members_is_kept_by_name(face):
    members = [saying("a", '{"value": 1}', output_type=int), saying("b")]

    assert face(Team(members, mode="parallel")).data == {"a": 1, "b": None}


@every_face
@pytest.mark.parametrize("memory", [None, Memory()])
def test_the_first_failure_is_the_teams(face, memory):
    team = Team([saying("a"), failing("b"), saying("c")], mode="parallel")

    with pytest.raises(ModelError, match="member `b`: overloaded") as caught:
        face(team, memory=memory)

    assert results(work(caught)) == [
        ("a", "a's answer", ""),
        ("b", "", OVERLOADED),
        ("c", "", "`c` was not begun"),
    ]


@every_face
def test_a_failure_stops_the_others_who_wait(face):
    waiting = Agent(ScriptedModel(delay=30), name="waiting")

    with pytest.raises(ModelError, match="member `b`: overloaded") as caught:
        face(Team([waiting, failing("b")], mode="parallel"))

    assert work(caught).members[0].error == "stopped, as `b` had failed"


@every_face
def test_collected_failures_leave_the_others_answers(face):
    team = Team([saying("a"), failing("b"), saying("c")], mode="parallel", on_error="collect")

    output = face(team)

    assert output.content == "## a\n\na's answer\n\n## c\n\nc's answer"
    assert output.failed == ("b",)
    assert output["c"].output.content == "c's answer"
    with pytest.raises(KeyError, match="no member `z` ran; those who did: a, b, c"):
        output["z"]


# What is shared


@every_face
def test_members_without_a_model_get_the_teams_and_are_not_changed(face):
    own = saying("own", "mine")
    bare, inner = Agent(name="bare"), Team([Agent(name="deep")], name="inner")

    output = face(Team([own, bare, inner], mode="parallel", model=ScriptedModel(["shared"])))

    assert [content for _, content, _ in results(output)] == ["mine", "shared", "shared"]
    assert (bare.model, inner.model) == (None, None)


class Foreign:
    """A member that is none of ours, with the four faces and a name."""

    name = "foreign"

    def run(self, prompt: str, **given: Any) -> Any:
        return saying("inner", f"I heard {prompt!r}.").run(prompt, **given)

    async def arun(self, prompt: str, **given: Any) -> Any:
        return self.run(prompt, **given)

    def stream(self, prompt: str, **given: Any) -> Any:
        yield RunFinished(self.run(prompt, **given))

    async def astream(self, prompt: str, **given: Any) -> Any:
        yield RunFinished(self.run(prompt, **given))


@every_face
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_whatever_has_the_four_faces_may_be_a_member(face, mode):
    members: list[Any] = [Foreign()]

    assert "I heard 'hi'." in face(Team(members, mode=mode, model="scripted:x")).content


@every_face
def test_names_that_occur_more_than_once_are_numbered(face):
    same = saying("agent", "x")

    output = face(Team([same, same, saying("agent-1", "y"), same], mode="parallel"))

    assert [r.name for r in output.members] == ["agent-2", "agent-3", "agent-1", "agent-4"]


@every_face
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_team_may_be_a_member(face, mode):
    inner = Team([saying("a"), saying("b")], mode=mode, name="inner")

    output = face(Team([inner, saying("c")], mode=mode))

    assert [r.name for r in output.members] == ["inner", "c"]
    assert [r.name for r in output.members[0].output.members] == ["a", "b"]
    assert output.usage.requests == 3


@every_face
def test_a_failure_deep_within_names_the_way(face):
    inner = Team([failing("a")], name="inner")

    with pytest.raises(ModelError, match="member `inner`: member `a`: overloaded"):
        face(Team([inner]))


@every_face
def test_members_know_whom_the_run_is_for_and_have_run_ids_of_their_own(face):
    seen: list[RunContext] = []
    hooks = Hooks(before_run=(lambda context, _: seen.append(context),))
    members = [saying("a", hooks=hooks), saying("b", hooks=hooks)]

    output = face(
        Team(members), context=RunContext(user="ada", session="s1", dependencies={"db": 1})
    )

    assert [(c.user, c.session, c.dependencies, c.agent) for c in seen] == [
        ("ada", "s1", {"db": 1}, "a"),
        ("ada", "s1", {"db": 1}, "b"),
    ]
    ids = [output.run_id, *(r.output.run_id for r in output.members)]
    assert len(set(ids)) == 3
    assert [c.run_id for c in seen] == ids[1:]


# Memory


@every_face
def test_a_team_remembers_prompts_and_answers_and_shows_them_to_members(face):
    seen: dict[str, list[str]] = {}

    def member(name: str, **fields: Any) -> Agent:
        def answer(request: ModelRequest) -> str:
            seen[name] = [message.content for message in request.messages]
            return f"{name} {len(request.messages)}"

        return Agent(ScriptedModel(answer), name=name, **fields)

    memory, own = Memory(), Memory()
    team = Team([member("a"), member("b", memory=own)], memory=memory)

    face(team, "one")
    face(team, "two")

    assert [message.content for message in memory.load()] == ["one", "b 1", "two", "b 3"]
    assert seen["a"] == ["one", "b 1", "two"]
    assert seen["b"][0] == 'one\n\n<previous_answer member="a">\na 1\n</previous_answer>'
    assert len(own) == 2


@every_face
def test_the_memory_of_a_run_takes_the_place_of_the_teams(face):
    memory, other = Memory(), Memory()
    team = Team([saying("a")], memory=memory)

    face(team, memory=other)

    assert (len(memory), len(other)) == (0, 1)


@every_face
def test_a_failed_run_leaves_memory_as_it_was(face):
    memory = Memory()

    outcome(face, Team([saying("a"), failing("b")], memory=memory))

    assert memory.load() == []


@every_face
def test_a_memory_that_fails(face):
    class Broken(Memory):
        blocking = True

        def commit(self, messages: Any) -> None:
            raise OSError(28, "disk full")

    lines = outcome(face, Team([saying("a")], memory=Broken()))

    assert lines == [
        "user: hi",
        "assistant: a's answer",
        "[failed] RunFailed: OSError: [Errno 28] disk full",
    ]


@every_face
def test_one_error_raised_in_two_runs_belongs_to_each_alone(face):
    error = RunRejected("no")

    def refuse(_: str) -> str:
        raise error

    team = Team([saying("a")], mode="route", route=refuse)
    caught = []
    for prompt in ("one", "two"):
        with pytest.raises(RunRejected) as info:
            face(team, prompt)
        caught.append(info.value)

    assert [c.output.messages[0].content for c in caught if c.output] == ["one", "two"]


# Limits


@every_face
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize(
    ("limits", "kind", "used"),
    [
        (TeamLimits(turns=3), "turns", "limit of 3 turns"),
        (TeamLimits(tool_calls=1), "tool_calls", "limit of 1 tool calls"),
        (TeamLimits(tokens=5), "tokens", "limit of 5 tokens"),
    ],
)
def test_limits_bound_all_members_together(face, mode, limits, kind, used):
    model = ScriptedModel([say("", ("add", {"a": 1})), "done"])
    members = [Agent(model, name=name, tools=[add]) for name in "ab"]
    inner = Team(members, mode=mode, name="inner")

    with pytest.raises(LimitReached, match=f"{used} for the whole team reached") as caught:
        face(Team([inner], mode=mode, limits=limits))

    assert caught.value.kind == kind
    assert work(caught).status == "limited"
    assert len(work(caught).members[0].output.members) == 2


@every_face
def test_limits_count_what_the_team_asks_on_its_own_behalf(face):
    model = ScriptedModel(['{"member": "a"}'])

    with pytest.raises(
        LimitReached, match="before `a`: limit of 1 turns for the whole team reached; raise it"
    ):
        face(Team([saying("a")], mode="route", model=model, limits=TeamLimits(turns=1)))


@every_face
def test_no_limit_is_reached(face):
    limits = TeamLimits(turns=9, tool_calls=9, tokens=99, seconds=60)

    assert face(Team([saying("a"), saying("b")], limits=limits)).content == "b's answer"


@pytest.mark.parametrize(
    "fields",
    [
        {"turns": 0},
        {"tokens": True},
        {"seconds": 0},
        {"parallel_members": None},
        {"output_retries": -1},
    ],
    ids=str,
)
def test_a_limit_that_cannot_be(fields):
    (name,) = fields

    with pytest.raises(ConfigurationError, match=f"team limit `{name}` is"):
        TeamLimits(**fields)


# Events


def told(events: list[Any]) -> list[str]:
    """Write events down, with the members in whom they happened."""
    lines = []
    for event in events:
        names = []
        while isinstance(event, MemberEvent):
            names.append(event.member)
            event = event.event  # noqa: PLW2901 - unwrapped
        text = f" {event.text}" if isinstance(event, TextDelta) else ""
        lines.append(f"{'>'.join(names)}:{type(event).__name__}{text}")
    return lines


async def events_of(team: Team, face: Any) -> list[Any]:
    if face is by_stream:
        return list(team.stream("hi"))
    return [event async for event in team.astream("hi")]


@pytest.mark.parametrize("face", [by_stream, by_astream])
async def test_events_name_the_member_and_the_answer_is_the_teams_own(face):
    inner = Team([saying("a", "x")], name="inner")

    events = await events_of(Team([inner, saying("b", "y")], name="outer"), face)

    assert told(events) == [
        ":RunStarted",
        "inner:RunStarted",
        "inner>a:RunStarted",
        "inner:TextDelta x",
        "inner>a:TurnFinished",
        "inner>a:RunFinished",
        "inner:RunFinished",
        "b:RunStarted",
        ":TextDelta y",
        "b:TurnFinished",
        "b:RunFinished",
        ":RunFinished",
    ]
    assert events[0].agent == "outer"
    assert events[0].run_id == events[-1].output.run_id


@pytest.mark.parametrize("face", [by_stream, by_astream])
@pytest.mark.parametrize(
    "team",
    [
        Team([saying("a", "x"), saying("b", "y z")], mode="parallel"),
        Team([saying("a", "x"), failing("b")], on_error="collect"),
        Team([saying("a", "x")], mode="consensus", agree=lambda _: "agreed on x"),
        leading('{"subtasks": [{"member": "a", "task": "x"}]}'),
        Team([saying("a", "x y")], mode="route", route=lambda _: "a"),
    ],
    ids=["parallel", "collect", "consensus", "leader", "route"],
)
async def test_the_texts_at_the_top_end_with_the_answer(face, team):
    events = await events_of(team, face)

    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert isinstance(events[-1], RunFinished)
    assert text.endswith(events[-1].output.content)
    assert text
