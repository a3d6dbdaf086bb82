"""Teams written down in TOML files: read whole, or refused with the key that is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from agno_cli import (
    Agent,
    ConfigurationError,
    InputError,
    JsonSchema,
    Limits,
    ScriptedModel,
    Team,
    TeamLimits,
    team_from_file,
)

CODE = """
from agno_cli import ScriptedModel, tool

@tool(quick=True)
def look(thing: str) -> str:
    return thing

def choose(prompt: str) -> str:
    return prompt

def agree(answers: dict[str, str]) -> bool:
    return True

model = ScriptedModel(["from code"])
number = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path


def read(folder: Path, text: str, name: str = "news.toml") -> Team:
    (folder / name).write_text(dedent(text), encoding="utf-8")
    return team_from_file(folder / name)


def test_everything_that_can_be_written(folder, monkeypatch):
    monkeypatch.chdir("/")  # files are looked for beside the TOML file

    team = read(
        folder,
        """
        mode = "leader"
        name = "newsroom"
        model = "code.py:model"
        leader = "boss"
        on_error = "collect"
        members = ["writer", "research"]

        [limits]
        seconds = 60
        tokens = 1000

        [agents.boss]
        instructions = "Lead."

        [agents.writer]
        model = "scripted:written"
        instructions = "Wörds."
        tools = ["calculator", "code.py:look"]
        schema = "title, score float"
        options = { temperature = 0.5 }
        limits = { turns = 3, tool_seconds = 1.5 }

        [agents.finder]

        [teams.research]
        mode = "route"
        route = "code.py:choose"
        members = ["finder", "deep"]

        [teams.deep]
        mode = "consensus"
        agree = "code.py:agree"
        max_rounds = 2
        members = ["finder"]
        """,
    )

    writer, research = team.members
    assert isinstance(writer, Agent)
    assert isinstance(research, Team)
    assert (team.mode, team.name, team.on_error) == ("leader", "newsroom", "collect")
    assert team.limits == TeamLimits(seconds=60, tokens=1000)
    assert isinstance(team.model, ScriptedModel)
    assert isinstance(team.leader, Agent)
    assert (team.leader.name, team.leader.instructions) == ("boss", "Lead.")
    assert (writer.model, writer.instructions) == ("scripted:written", "Wörds.")
    assert [tool.name for tool in writer.tools] == ["calculator", "look"]  # type: ignore[union-attr]
    assert isinstance(writer.output_type, JsonSchema)
    assert (writer.options, writer.limits) == (
        {"temperature": 0.5},
        Limits(turns=3, tool_seconds=1.5),
    )
    assert (research.mode, [member.name for member in research.members]) == (
        "route",
        ["finder", "deep"],
    )
    assert research.route is not None
    assert research.route("x") == "x"
    deep = research.members[1]
    assert isinstance(deep, Team)
    assert (deep.max_rounds, deep.agree({}) if deep.agree else None) == (2, True)


def test_little_need_be_written(folder):
    team = read(folder, '[agents.a]\nmodel = "scripted:A"\n[agents.b]\nmodel = "scripted:B"\n')

    assert (team.name, team.mode, team.run("hi").content) == ("news", "sequential", "B")


def test_without_members_all_who_are_in_no_team_take_part(folder):
    team = read(
        folder,
        """
        mode = "leader"
        leader = "boss"
        [agents.boss]
        [agents.a]
        [agents.b]
        [teams.t]
        members = ["a"]
        """,
    )

    assert [member.name for member in team.members] == ["b", "t"]


AGENT = '[agents.a]\nmodel = "scripted:x"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mode = [", "it is not TOML: "),
        (f'modes = "x"\n{AGENT}', "`modes`: there is no such key; did you mean `mode`"),
        (f"zzz = 1\n{AGENT}", "`zzz`: there is no such key; there are: members, mode, name"),
        (f'mode = "swarm"\n{AGENT}', "`mode`: Invalid enum value 'swarm'"),
        (f"max_rounds = 0\n{AGENT}", "a team's `max_rounds` is 0"),
        (f'route = "code.py:choose"\n{AGENT}', "`route` means nothing in mode `sequential`"),
        (f"limits = 5\n{AGENT}", "`limits`: it is 5; write a table"),
        (f"limits = {{ secondz = 5 }}\n{AGENT}", "`limits.secondz`: there is no such key; did"),
        (f"limits = {{ turns = 0 }}\n{AGENT}", "`limits`: team limit `turns` is 0"),
        (f'members = ["b"]\n{AGENT}', "`members`: there is no agent or team `b`; there are: a"),
        (f'members = ["aa"]\n{AGENT}', "there is no agent or team `aa`; did you mean `a`?"),
        (f'members = "a"\n{AGENT}', "`members`: Expected `array`, got `str`"),
        ("", "`members`: a team has no members; list their names"),
        ('members = ["x"]', "there is no agent or team `x`; there are none"),
        ("agents = 5", "`agents`: it is 5; write `[agents.NAME]`"),
        (f"teams = 5\n{AGENT}", "`teams`: it is 5; write `[teams.NAME]`"),
        ("[agents]\na = 5", "`agents.a`: it is 5; write a table"),
        ("[agents.a]\ntool = []", "`agents.a.tool`: there is no such key; did you mean `tools`?"),
        ('[agents.a]\ntools = ["calc"]', "`agents.a.tools`: there is no toolkit `calc`; did you"),
        ("[agents.a]\nlimits = { turns = 0 }", "`agents.a.limits`: limit `turns` is 0"),
        ('[agents.a]\nschema = "a nonsense-type"', "`agents.a.schema`: "),
        (f"{AGENT}[teams.t]", "`teams.t.members`: a team has no members; list their names"),
        (f'{AGENT}[teams.a]\nmembers = ["a"]', "`teams.a`: an agent has this name too; rename"),
        (
            f'{AGENT}[teams.t]\nmembers = ["u"]\n[teams.u]\nmembers = ["t"]',
            "`teams.t`: it is part of itself; take it out of its members",
        ),
        (
            f'mode = "leader"\nleader = "t"\nmembers = ["a"]\n{AGENT}[teams.t]\nmembers = ["a"]',
            "`leader`: `t` is a team; name an agent",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder, text, problem):
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text)

    assert str(caught.value).startswith(f"`{folder / 'news.toml'}`: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[agents.a]\nmodel = "missing.py:model"', "`agents.a.model`: there is no file"),
        ('[agents.a]\nmodel = "code.py:number"', "is of type `int`; it has "),
        ('[agents.a]\ntools = ["code.py:lok"]', "`agents.a.tools`: "),
        (f'mode = "route"\nroute = "code.py:number"\n{AGENT}', "`route`: "),
    ],
)
def test_code_that_is_not_there(folder, text, problem):
    with pytest.raises(InputError) as caught:
        read(folder, text)

    assert problem in str(caught.value)


def test_a_file_that_is_not_there_or_is_no_text(tmp_path):
    with pytest.raises(InputError, match=r"cannot read `.*none\.toml`: No such file"):
        team_from_file(tmp_path / "none.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="it is not UTF-8 text"):
        team_from_file(tmp_path / "odd.toml")


def test_a_module_may_be_named_too(folder, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    (folder / "team_file_code.py").write_text(CODE)

    team = read(folder, '[agents.a]\ntools = ["team_file_code:look"]')

    (agent,) = team.members
    tool: Any = agent.tools[0]  # type: ignore[attr-defined]  # an agent's
    assert tool("x") == "x"
