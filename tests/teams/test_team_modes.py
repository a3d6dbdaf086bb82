"""The modes in which a team asks on its own behalf: leader, consensus, route."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agno_cli import (
    Agent,
    Memory,
    ModelError,
    ModelRequest,
    OutputInvalid,
    RunContext,
    ScriptedModel,
    Subtask,
    Team,
    TeamLimits,
    TeamOutput,
)
from tests.faces import every_face, outcome
from tests.members import OVERLOADED, Notes, add, failing, leading, results, saying, work

# A leader

PLAN = """{"subtasks": [
    {"member": "writer", "task": "Write.", "after": [2]},
    {"member": "finder", "task": "Find."},
    {"member": "finder", "task": "Find more."}
]}"""


@every_face
def test_a_leader_plans_members_do_and_the_leader_writes(face):
    notes = Notes()
    leader = notes.agent("boss", PLAN, "All done.")
    members = [notes.agent("finder", "found"), notes.agent("writer", "written")]

    output = face(Team(members, mode="leader", leader=leader), "Report.")

    whole = "<whole_task>\nReport.\n</whole_task>"
    first = '<result number="1" member="writer">\n<task>Write.</task>\nwritten\n</result>'
    second = '<result number="2" member="finder">\n<task>Find.</task>\nfound\n</result>'
    third = '<result number="3" member="finder">\n<task>Find more.</task>\nfound\n</result>'
    assert notes.prompts["writer"] == [f"Write.\n\n{whole}\n\n{second}"]
    assert sorted(notes.prompts["finder"]) == [f"Find more.\n\n{whole}", f"Find.\n\n{whole}"]
    assert notes.prompts["boss"] == ["Report.", f"Report.\n\n{first}\n\n{second}\n\n{third}"]
    assert isinstance(output, TeamOutput)
    assert output.content == "All done."
    assert [(r.name, r.task) for r in output.members] == [
        ("finder", "Find."),
        ("finder", "Find more."),
        ("writer", "Write."),
    ]
    assert output.subtasks == (
        Subtask("writer", "Write.", (2,)),
        Subtask("finder", "Find."),
        Subtask("finder", "Find more."),
    )
    assert [result.name for result in output.own] == ["boss", "boss"]
    assert output.usage.requests == 5


@every_face
@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        ('{"subtasks": [{"member": "z", "task": "x"}]}', "Invalid enum value 'z'"),
        ('{"subtasks": []}', "length >= 1"),
        ('{"subtasks": [{"member": "a", "task": ""}]}', "length >= 1"),
        (
            '{"subtasks": [{"member": "a", "task": "x", "after": [3]}]}',
            "subtask 1 comes after subtask 3, but there are 1; they are counted from 1",
        ),
        (
            (
                '{"subtasks": [{"member": "a", "task": "x", "after": [2]},'
                '{"member": "a", "task": "y", "after": [1]}]}'
            ),
            "subtasks 1, 2 wait for each other; break the circle",
        ),
        ('{"subtasks": [{"member": "a", "task": "x", "after": [1]}]}', "subtasks 1 wait"),
        ("I would ask a.", "JSON is malformed"),
    ],
)
def test_a_bad_plan_is_asked_for_again_then_it_is_an_error(face, plan, problem):
    good = '{"subtasks": [{"member": "a", "task": "x"}]}'

    assert face(leading(plan, plan, good)).content == "written from 1"
    with pytest.raises(OutputInvalid, match="`leader`: no answer of 2 fitted") as caught:
        face(leading(plan, plan, good, limits=TeamLimits(output_retries=1)))

    assert problem in str(caught.value)
    assert work(caught).usage.requests == 2


def test_a_leader_is_told_who_is_there():
    asked: list[str] = []

    def answer(request: ModelRequest) -> str:
        asked.append(request.system)
        return '{"subtasks": [{"member": "a", "task": "x"}]}'

    long = saying("long", instructions="word " * 200)
    members = [saying("a", instructions="You  are\nA."), saying("b"), long]
    Team(members, mode="leader", model=ScriptedModel(answer), instructions="Be kind.").run("hi")

    assert asked[0].startswith("Be kind.\n\nYou lead a team.")
    assert asked[0].endswith(
        "The members of your team:\n- `a`: You are A.\n- `b`\n- `long`: " + "word " * 80 + "…"
    )
    assert asked[1].startswith("Be kind.\n\nYou lead a team. Its members have done")


def test_a_leader_may_have_a_function_for_instructions_and_a_memory():
    asked: list[tuple[str, int]] = []

    def answer(request: ModelRequest) -> str:
        asked.append((request.system[:14], len(request.messages)))
        return '{"subtasks": [{"member": "a", "task": "x"}]}'

    memory = Memory()
    leader = Agent(name="boss", instructions=lambda c: f"For {c.user}.", memory=memory)
    team = Team([saying("a")], mode="leader", leader=leader, model=ScriptedModel(answer))
    team.run("hi", context=RunContext(user="ada"))

    assert asked == [("For ada.\n\nYou ", 1), ("For ada.\n\nYou ", 3)]
    assert len(memory) == 2


@every_face
@pytest.mark.parametrize("on_error", ["fail", "collect"])
def test_a_subtask_that_fails(face, on_error):
    plan = '{"subtasks": [{"member": "a", "task": "x"}, {"member": "b", "task": "y"}]}'

    def answer(request: ModelRequest) -> str:
        done = "Its members have done" in request.system
        return request.messages[-1].content if done else plan

    members = [saying("a"), failing("b")]
    team = Team(members, mode="leader", model=ScriptedModel(answer), on_error=on_error)

    if on_error == "fail":
        with pytest.raises(ModelError, match="member `b`: overloaded") as caught:
            face(team)
        assert work(caught).subtasks[1] == Subtask("b", "y")
    else:
        output = face(team)
        assert f"(There is no result: {OVERLOADED})" in output.content
        assert output.failed == ("b",)


@every_face
def test_a_leader_that_cannot_write_leaves_the_work_done(face):
    plan = '{"subtasks": [{"member": "a", "task": "x"}]}'

    def answer(request: ModelRequest) -> Any:
        done = "Its members have done" in request.system
        return ModelError("down", provider="scripted") if done else plan

    with pytest.raises(ModelError, match="`leader`: down") as caught:
        face(Team([saying("a")], mode="leader", model=ScriptedModel(answer)))

    assert results(work(caught)) == [("a", "a's answer", "")]
    assert [bool(result.error) for result in work(caught).own] == [False, True]


# Rounds


@every_face
def test_members_answer_until_a_function_says_that_they_agree(face):
    notes = Notes()
    members = [notes.agent("a", "7", "8"), notes.agent("b", "8")]
    asked: list[dict[str, str]] = []

    def agree(answers: dict[str, str]) -> bool:
        asked.append(answers)
        return len(set(answers.values())) == 1

    output = face(Team(members, mode="consensus", agree=agree), "How many?")

    assert asked == [{"a": "7", "b": "8"}, {"a": "8", "b": "8"}]
    answers = '<answer member="a">\n7\n</answer>\n\n<answer member="b">\n8\n</answer>'
    assert notes.prompts["a"] == [
        "How many?",
        (
            f"How many?\n\n{answers}\n\nThese are the team's answers so far; yours is that of `a`."
            " Weigh them, and give your answer to the task anew."
        ),
    ]
    assert isinstance(output, TeamOutput)
    assert (output.content, output.outcome, output.rounds) == ("8", "agreed", 2)
    assert [(r.name, r.round) for r in output.members] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


@every_face
def test_rounds_end(face):
    members = [saying("a", "x"), saying("b", "y"), saying("c", "y")]
    team = Team(members, mode="consensus", agree=lambda _: False, max_rounds=2)

    output = face(team)

    assert isinstance(output, TeamOutput)
    assert (output.content, output.outcome, output.rounds) == ("y", "round limit", 2)
    assert len(output.members) == 6


@every_face
def test_a_function_may_word_the_agreement_and_be_asynchronous(face):
    async def agree(answers: dict[str, str]) -> str:
        await asyncio.sleep(0)
        return " and ".join(answers.values())

    output = face(Team([saying("a", "x"), saying("b", "y")], mode="consensus", agree=agree))

    assert (output.content, output.data) == ("x and y", None)


@every_face
def test_a_function_that_answers_something_else(face):
    team = Team([saying("a")], mode="consensus", agree=lambda _: 5)

    assert outcome(face, team)[-1] == (
        "[failed] RunFailed: `agree` gave 5; let it return True, False or the agreed answer"
    )


def voting(name: str, answer: str, vote: str) -> Agent:
    def answers(request: ModelRequest) -> str:
        votes = any(offered.name == "final_answer" for offered in request.tools)
        return f'{{"answer_of": "{vote}"}}' if votes else answer

    return Agent(ScriptedModel(answers), name=name, tools=[add], memory=Memory())


@every_face
@pytest.mark.parametrize(
    ("votes", "content", "how"),
    [
        ("aaa", "A", "agreed"),
        ("bba", "B", "agreed"),
        ("abc", "A", "round limit"),
        ("cbz", "B", "round limit"),
        ("zzz", "A", "round limit"),
    ],
)
def test_members_vote(face, votes, content, how):
    """Two thirds must choose one answer; who votes for none that is there has abstained."""
    members = [voting(n, n.upper(), vote) for n, vote in zip("abc", votes, strict=True)]
    limits = TeamLimits(output_retries=0)

    output = face(Team(members, mode="consensus", max_rounds=2, limits=limits))

    assert isinstance(output, TeamOutput)
    assert (output.content, output.outcome) == (content, how)
    assert output.rounds == (1 if how == "agreed" else 2)
    assert len(output.own) == 3 * output.rounds


@every_face
def test_a_member_that_is_no_agent_votes_in_words(face):
    inner = Team([saying("x", "My answer. I prefer that of inner.")], name="inner")
    both = Team([saying("y", "inner or a, who knows")], name="both")
    members: list[Any] = [inner, both, voting("a", "A", "inner")]

    output = face(Team(members, mode="consensus", max_rounds=1))

    assert output.outcome == "agreed"
    assert output.content == "My answer. I prefer that of inner."


@every_face
@pytest.mark.parametrize("on_error", ["fail", "collect"])
def test_a_voter_that_fails(face, on_error):
    def once(request: ModelRequest) -> Any:
        votes = any(offered.name == "final_answer" for offered in request.tools)
        return ModelError("gone", provider="scripted") if votes else "C"

    members = [voting("a", "A", "a"), voting("b", "B", "a"), Agent(ScriptedModel(once), name="c")]
    team = Team(members, mode="consensus", on_error=on_error)

    if on_error == "fail":
        with pytest.raises(ModelError, match="member `c`: gone"):
            face(team)
    else:
        assert face(team).content == "A"


@every_face
def test_a_member_that_fails_in_one_round_is_asked_in_the_next(face):
    notes = Notes()
    gone = ModelError("gone", provider="scripted")
    members = [notes.agent("a", gone, "x"), notes.agent("b", "x")]
    both = Team(members, mode="consensus", agree=lambda a: len(a) == 2, on_error="collect")

    output = face(both)

    assert isinstance(output, TeamOutput)
    assert (output.rounds, output.outcome, output.failed) == (2, "agreed", ("a",))


# One of them


@every_face
def test_a_function_chooses(face):
    def by_user(context: RunContext, prompt: str) -> str:
        return context.user or prompt

    members = [saying("ada"), saying("bob")]

    by_prompt = face(Team(members, mode="route", route=lambda prompt: prompt), "bob")
    by_context = face(Team(members, mode="route", route=by_user), context=RunContext(user="ada"))
    without = face(Team(members, mode="route", route=by_user), "ada")

    assert [r.name for r in by_prompt.members] == ["bob"]
    assert (by_prompt.content, by_context.content) == ("bob's answer", "ada's answer")
    assert without.content == "ada's answer"


@every_face
def test_a_function_that_chooses_nobody(face):
    team = Team([saying("a"), saying("b")], mode="route", route=lambda _: "z")

    assert outcome(face, team)[-1] == (
        "[failed] RunFailed: `route` gave 'z'; the members are: a, b"
    )


@every_face
def test_a_function_that_raises(face):
    team = Team([saying("a")], mode="route", route=lambda prompt: prompt[99])

    assert outcome(face, team)[-1].startswith("[failed] RunFailed: IndexError: string index")


@every_face
def test_a_model_chooses_and_a_bad_choice_is_asked_for_again(face):
    model = ScriptedModel(['{"member": "nobody"}', '{"member": "b"}'])
    notes = Notes()

    output = face(Team([saying("a"), notes.agent("b", "B")], mode="route", model=model), "Who?")

    assert (output.content, notes.prompts["b"]) == ("B", ["Who?"])
    assert [(r.name, r.output.turns) for r in output.own] == [("router", 2)]


@every_face
def test_the_chosen_one_fails(face):
    def team(on_error: Any) -> Team:
        return Team([failing("a")], mode="route", route=lambda _: "a", on_error=on_error)

    assert outcome(face, team("fail"))[-1].startswith("[failed] ModelError: scripted: member `a`")
    assert outcome(face, team("collect"))[-1].startswith("[failed] RunFailed: every member failed")
