import pytest

from tests.cli.conftest import Agno


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("agno se", ["sessions"]),
        ("agno run -T fi", ["files", "files-rw"]),
        ("agno run -m anth", ["anthropic:"]),
        ("agno run --session wo", ["work"]),
        ("agno sessions show ", ["work", "play"]),
        ("agno sessions delete pl", ["play"]),
    ],
)
def test_values_are_completed(
    agno: Agno, monkeypatch: pytest.MonkeyPatch, words: str, offered: list[str]
) -> None:
    for session in ("play", "work"):
        agno("run", "--agent", "team.py:greeter", "--session", session, "Hi")
    monkeypatch.setenv("_AGNO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    code, out, err = agno()
    assert (code, out.split(), err) == (0, offered, "")


def test_the_script_of_a_shell(agno: Agno, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AGNO_COMPLETE", "source_fish")
    assert "complete --command agno" in agno().out
