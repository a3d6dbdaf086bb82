"""Members of teams: agents that say what a test wants, and what became of them."""

from __future__ import annotations

from typing import Any

import pytest

from agno_cli import (
    Agent,
    AgnoError,
    ModelError,
    ModelRequest,
    ScriptedModel,
    Team,
    tool,
)


class Notes:
    """Keeps what models are asked, in order of members' names."""

    def __init__(self) -> None:
        self.prompts: dict[str, list[str]] = {}

    def agent(self, name: str, *answers: Any, **fields: Any) -> Agent:
        def answer(request: ModelRequest) -> Any:
            asked = self.prompts.setdefault(name, [])
            asked.append(request.messages[-1].content)
            return answers[min(len(asked), len(answers)) - 1]

        return Agent(ScriptedModel(answer), name=name, **fields)


def saying(name: str, answer: Any = None, **fields: Any) -> Agent:
    """Make an agent that never waits."""
    return Agent(ScriptedModel([answer or f"{name}'s answer"]), name=name, **fields)


def failing(name: str) -> Agent:
    error = ModelError("overloaded", provider="scripted", status=529, retryable=True)
    return Agent(ScriptedModel([error]), name=name)


def results(output: Any) -> list[tuple[str, str, str]]:
    return [(r.name, r.output.content if r.output else "", r.error) for r in output.members]


def work(caught: pytest.ExceptionInfo[AgnoError]) -> Any:
    """Give the work done of a run that was stopped."""
    return caught.value.output


OVERLOADED = "scripted: overloaded (status 529, a retry could help)"


@tool(quick=True)
def add(a: int, b: int = 0) -> int:
    return a + b


def leading(*plans: str, **fields: Any) -> Team:
    """Make a team whose leader offers one plan after another."""
    lines = [*plans, "never used"]

    def answer(request: ModelRequest) -> str:
        if "Its members have done" in request.system:
            return "written from " + request.messages[-1].content.count("<result").__str__()
        return lines[min(request.turn, len(plans)) - 1]

    members = [saying("a", instructions="You  are\nA."), saying("b", instructions=lambda _: "B")]
    return Team(members, mode="leader", model=ScriptedModel(answer), **fields)
