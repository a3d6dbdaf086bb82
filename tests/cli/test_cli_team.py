"""`agno run --team`: a team from a file, its answer on stdout, its members on stderr."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Agno

EXAMPLES = Path(__file__).parents[2] / "examples"

FILE = """
[agents.drafter]
model = "scripted:A draft."

[agents.editor]
model = "scripted:Better words."
"""

ANSWERS = {
    "sequential": "Air scatters blue light more than red, so blue reaches us from all sides.\n",
    "parallel": (
        "## optimist\n\nYes, the tests are green.\n\n"
        "## pessimist\n\nNo, nobody is there on Saturday.\n"
    ),
    "leader": "No: 17 * 23 = 391 has the divisors 17 and 23.\n",
    "consensus": "SQLite.\n",
    "route": "The calculator says 391.\n",
    "nested": "Bees eat nectar and pollen and, in winter, honey.\n",
}


@pytest.fixture(autouse=True)
def file(folder: Path) -> Path:
    path = folder / "news.toml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("name", ANSWERS)
def test_the_examples(agno: Agno, name: str) -> None:
    assert agno("run", "--team", str(EXAMPLES / f"team_{name}.toml"), "Question?") == (
        0,
        ANSWERS[name],
        "",
    )


def test_every_example_is_tested() -> None:
    names = {path.stem.removeprefix("team_") for path in EXAMPLES.glob("team_*.toml")}

    assert names == {*ANSWERS, "local"}


@pytest.mark.local
def test_the_example_on_a_local_model(agno: Agno, smollm2_in_cache: Path) -> None:
    file = EXAMPLES / "team_local.toml"
    code, out, err = agno("run", "--team", str(file), "What is the capital of France?")

    assert (code, err) == (0, "")
    assert "Paris" in out


def test_members_are_told_on_stderr(agno: Agno) -> None:
    code, out, err = agno("run", "-v", "--team", "news.toml", "Hi")

    assert (code, out) == (0, "Better words.\n")
    assert re.sub(r"\(.*\)", "(time)", err).splitlines() == [
        "member drafter begins",
        "member drafter gave A draft. (time)",
        "member editor begins",
        "member editor is done (time)",
    ]


def test_members_of_members_and_their_tools_are_told(agno: Agno, folder: Path) -> None:
    (folder / "models.py").write_text(
        "from agno_cli import ScriptedModel, say\n"
        "asks = ScriptedModel([say('', ('calculate', {'expression': '1+1'})), 'two'])\n"
    )
    (folder / "nested.toml").write_text(
        'members = ["inner", "b"]\n[teams.inner]\nmembers = ["a"]\n[agents.b]\n'
        'model = "scripted:B"\n[agents.a]\nmodel = "models.py:asks"\ntools = ["calculator"]\n'
    )
    _, out, err = agno("run", "-v", "--team", "nested.toml", "Hi")

    assert out == "B\n"
    assert 'member inner > a: tool calculate {"expression":"1+1"}\n' in err


def test_json_contains_the_members(agno: Agno) -> None:
    code, out, err = agno("run", "--json", "--team", "news.toml", "Hi")
    result = json.loads(out)["result"]

    assert (code, err) == (0, "")
    assert [(one["name"], one["output"]["content"]) for one in result["members"]] == [
        ("drafter", "A draft."),
        ("editor", "Better words."),
    ]
    assert result["usage"]["requests"] == 2


def test_jsonl_tells_in_whom_an_event_happened(agno: Agno) -> None:
    _, out, _ = agno("run", "--jsonl", "--team", "news.toml", "Hi")
    events = [json.loads(line) for line in out.splitlines()]

    assert events[0]["event"] == "run_started"
    assert (events[1]["event"], events[1]["member"]) == ("member_event", "drafter")
    assert events[1]["inner"]["event"] == "run_started"
    assert events[-1]["output"]["members"][1]["name"] == "editor"


def test_options_change_the_team(agno: Agno, folder: Path) -> None:
    (folder / "bare.toml").write_text("[agents.a]\n[agents.b]\n")

    assert agno("run", "-m", "scripted:shared", "--team", "bare.toml", "Hi").out == "shared\n"
    code, out, err = agno("run", "--max-turns", "1", "--team", "news.toml", "Hi")
    assert (code, out) == (7, "A draft.\n")
    assert err == (
        "error: before `editor`: limit of 1 turns for the whole team reached; raise it with"
        " `--max-turns`\n"
    )


def test_a_session_holds_what_user_and_team_said(agno: Agno) -> None:
    for _ in range(2):
        assert agno("run", "--session", "chat", "--team", "news.toml", "Hi").code == 0

    assert agno("sessions", "show", "chat").out.count("Better words.") == 2
    assert "A draft." not in agno("sessions", "show", "chat").out


def test_members_that_failed_are_named(agno: Agno, folder: Path) -> None:
    (folder / "models.py").write_text(
        "from agno_cli import ModelError, ScriptedModel\n"
        "down = ScriptedModel([ModelError('down', provider='x')])\n"
    )
    broken = '[agents.broken]\nmodel = "models.py:down"\n'
    (folder / "collect.toml").write_text(f'on_error = "collect"\n{FILE}{broken}')
    (folder / "fail.toml").write_text(f"{FILE}{broken}")

    assert agno("run", "--team", "collect.toml", "Hi") == (
        0,
        "Better words.\n",
        "warning: member `broken` failed: x: down (a retry would not help)\n",
    )
    code, out, err = agno("run", "--json", "--team", "fail.toml", "Hi")
    document = json.loads(out)
    assert (code, document["error"]["type"]) == (6, "ModelError")
    assert [one["name"] for one in document["result"]["members"]] == ["drafter", "editor", "broken"]
    assert err == "error: x: member `broken`: down (a retry would not help)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--team", "none.toml"], 2, "cannot read `none.toml`: No such file or directory"),
        (["--team", "news.toml", "-T", "calculator"], 2, "-T changes one agent, not a team"),
        (["--team", "news.toml", "--agent", "team.py:adder"], 2, "--agent changes one agent"),
        (["--team", "news.toml", "-s", "x"], 2, "-s changes one agent"),
        (["--team", "news.toml", "--dry-run"], 2, "--dry-run changes one agent"),
        (["--team", "wrong.toml"], 5, "`mod`: there is no such key; did you mean `mode`"),
        (["--team", "news.toml", "-m", "nonsense"], 0, ""),
        (["--team", "bare.toml", "-m", "nonsense"], 5, "`nonsense` names no provider"),
    ],
    ids=str,
)
def test_what_cannot_be(
    agno: Agno, folder: Path, arguments: list[str], code: int, text: str
) -> None:
    (folder / "wrong.toml").write_text(f'mod = "parallel"\n{FILE}')
    (folder / "bare.toml").write_text("[agents.a]\n")

    outcome = agno("run", *arguments, "Hi")

    assert outcome.code == code
    assert text in outcome.err
