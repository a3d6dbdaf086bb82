"""A team is an immutable description, checked once."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    InputError,
    Limits,
    MemberResult,
    Memory,
    ModelError,
    ModelRequest,
    ModelResponse,
    RunFailed,
    ScriptedModel,
    Team,
    say,
)
from tests.faces import by_arun, by_run, every_face
from tests.members import failing, saying

NO_LIMITS: Any = 5

# What a team is


def test_a_team_never_changes():
    team: Any = Team([saying("a")], name="t")

    with pytest.raises(AttributeError, match=r"`name` cannot be set.*team\.replace\(name="):
        team.name = "u"
    with pytest.raises(AttributeError, match="`name` cannot be deleted"):
        del team.name
    assert repr(team) == "<Team 't', sequential, of 1 members>"


def test_replace_makes_another():
    team = Team([saying("a")], name="t")
    team.check()

    other = team.replace(members=[saying("b")])

    assert (team.run("hi").content, other.run("hi").content) == ("a's answer", "b's answer")
    with pytest.raises(ConfigurationError, match="a team has no field `prompt`; the fields are:"):
        team.replace(prompt="x")


class Plain(ScriptedModel):
    """A model that can be pickled."""

    def __init__(self) -> None:
        super().__init__()

    def __reduce__(self) -> Any:
        return Plain, ()

    def complete(self, request: ModelRequest) -> ModelResponse:
        return say("plain")


def test_a_team_is_copied_and_sent_to_another_process():
    team = Team([Agent(Plain(), name="a")], name="t")
    team.check()

    for other in (copy.copy(team), copy.deepcopy(team), pickle.loads(pickle.dumps(team))):
        assert (other.name, other.run("hi").content) == ("t", "plain")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"members": []}, "a team has no members"),
        ({"members": "ab"}, "a team's `members` is 'ab'; give a list"),
        ({"members": [5]}, "5 cannot be a member"),
        ({"members": [Agent]}, "cannot be a member"),
        ({"members": [Agent(ScriptedModel(), name="")]}, "a member's name is ''"),
        ({"members": [Agent(ScriptedModel(), name="a\nb")]}, "a text of one line"),
        (
            {"members": [Agent(ScriptedModel(), name="a", limits=NO_LIMITS)]},
            "member `a`: an agent's `limits` is 5",
        ),
        ({"mode": "swarm"}, "`mode` is 'swarm'; give one of: sequential, parallel, leader"),
        ({"name": 5}, "`name` is 5"),
        ({"on_error": "ignore"}, "`on_error` is 'ignore'; give `fail` or `collect`"),
        ({"limits": Limits()}, "give a `TeamLimits`, which bounds all members together"),
        ({"limits": 5}, "`limits` is 5"),
        ({"memory": Memory}, "`memory` is"),
        ({"max_rounds": 0}, "`max_rounds` is 0"),
        ({"route": 5}, "`route` is 5"),
        ({"agree": 5, "mode": "consensus"}, "`agree` is 5"),
        ({"leader": 5}, "`leader` is 5"),
        ({"instructions": 5}, "`instructions` is 5"),
        ({"route": len}, "`route` means nothing in mode `sequential`; leave it out, or choose"),
        ({"instructions": "x"}, "choose mode `leader` or `route`"),
        (
            {"mode": "route", "route": len, "instructions": "x"},
            "`instructions` and `route` exclude each other",
        ),
        (
            {"mode": "leader", "leader": Agent(ScriptedModel()), "instructions": "x"},
            "`instructions` and `leader` exclude each other",
        ),
    ],
    ids=str,
)
def test_a_field_that_cannot_be_is_named(fields, problem):
    given = {"members": [saying("a")], **fields}

    with pytest.raises(ConfigurationError) as caught:
        Team(**given).check()
    with pytest.raises(ConfigurationError):
        Team(**given).run("hi")

    assert problem in str(caught.value)


@every_face
@pytest.mark.parametrize("memory", [None, Memory()])
def test_an_empty_prompt_is_told_so(face, memory):
    with pytest.raises(InputError, match="the prompt is ' '; give a text"):
        face(Team([saying("a")]), " ", memory=memory)


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize("on_error", ["fail", "collect"])
@pytest.mark.parametrize("broken", ["", "a", "c", "abc"])
def test_the_straight_way_gives_what_the_long_one_gives(mode, on_error, broken):
    """A memory leads the long way."""
    members = [failing(name) if name in broken else saying(name) for name in "abc"]
    team = Team(members, mode=mode, on_error=on_error)

    assert described(team) == described(team, memory=Memory())


def described(team: Team, **given: Any) -> Any:
    error = None
    try:
        output: Any = team.run("hi", **given)
    except (ModelError, RunFailed) as raised:
        error, output = f"{type(raised).__name__}: {raised}", raised.output
    members = [(r.name, r.output and r.output.content, r.error, r.round) for r in output.members]
    told = (output.content, output.messages, output.usage, output.turns, output.status)
    return error, told, (output.finish_reason, output.model, output.data), members


def test_a_result_is_a_plain_value():
    assert MemberResult("a", None, "x") == MemberResult("a", None, "x")
    assert by_run(Team([saying("a")])).members[0].name == "a"  # type: ignore[attr-defined]  # a team's
    assert by_arun(Team([saying("a")])).content == "a's answer"
