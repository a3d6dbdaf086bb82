"""What nobody asked to look on costs nothing: shown by what runs, not by how long it takes."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import pytest

from agno_cli import Agent, Hooks, ScriptedModel, _context, say, tool
from agno_cli.bench._bytecodes import NEEDS, count_bytecodes
from agno_cli.bench.benchmarks import agents
from agno_cli.guardrails import guard, redact
from agno_cli.metrics import Metrics

PARTS = {"hooks", *Hooks.__struct_fields__}


def executed(agent: Agent) -> set[CodeType]:
    """Give the code of every Python function that a run executes, but for the first run's."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    agent.run("hi")
    sys.setprofile(note)
    try:
        agent.run("hi")
    finally:
        sys.setprofile(None)
    return codes


def hooked(agent: Agent) -> set[str]:
    """Give the parts of Hooks that those functions so much as mention."""
    return {name for code in executed(agent) for name in code.co_names} & PARTS


@tool(quick=True)
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def test_a_run_without_hooks_executes_no_function_that_knows_of_them():
    assert hooked(Agent(ScriptedModel())) == set()


def test_a_run_with_tools_looks_once_whether_somebody_observes_its_end():
    model = ScriptedModel([say("", ("double", {"number": 2})), "4"])
    assert hooked(Agent(model, tools=[double])) <= {"hooks", "on_end"}


def test_a_run_with_hooks_does():
    assert {"before_run", "after_run", "on_end"} <= hooked(
        Metrics().observe(Agent(ScriptedModel()))
    )


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason=NEEDS)
@pytest.mark.parametrize("prepare", [agents.run, agents.run_tool, agents.create])
def test_metrics_and_guardrails_of_other_agents_add_no_instruction(prepare, monkeypatch):
    def count() -> float | None:
        # As in a fresh process, where the harness counts: every 4,096th id takes some more.
        monkeypatch.setattr(_context, "run_ids", _context._run_ids())
        return count_bytecodes(prepare)

    before = count()
    observed = Metrics().observe(Agent(ScriptedModel(), hooks=guard(redact())))
    observed.run("hi")

    assert count() == before
