"""Teams on the scripted model, in each mode and by the hundred."""

from __future__ import annotations

from typing import Literal

from agno_cli import (
    Agent,
    ModelRequest,
    ScriptedModel,
    Team,
    TeamOutput,
    Usage,
)
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import ANSWER, PROMPT

Ways = Literal["sequential", "parallel"]

HUNDRED = 100
WAIT = 0.01  # seconds, so that members which are not run at once take a second
_NAMES = ("research", "draft", "polish")
_PLAN = """{"subtasks": [
    {"member": "research", "task": "Find the capital."},
    {"member": "draft", "task": "Find its river."},
    {"member": "polish", "task": "Write it down.", "after": [1, 2]}
]}"""


def three(mode: Ways) -> Operation:
    """Run a team of three."""
    return _run("result = team.run(prompt)", Team(_members(), mode=mode), requests=3)


def leader() -> Operation:
    """Run a team of three that a leader plans for: two subtasks, then one on their results."""

    def lead(request: ModelRequest) -> str:
        return ANSWER if request.output_schema is None else _PLAN

    boss = Agent(ScriptedModel(lead, native_schema=True), name="boss")
    team = Team(_members(), mode="leader", leader=boss)
    return _run("result = team.run(prompt)", team, requests=5)


def consensus() -> Operation:
    """Run a team of three that answers and votes, and agrees in the first round."""

    def answer(request: ModelRequest) -> str:
        return ANSWER if request.output_schema is None else '{"answer_of": "draft"}'

    model = ScriptedModel(answer, native_schema=True)
    model.quick = True  # it takes microseconds, as a list of answers does
    team = Team([Agent(model, name=name) for name in _NAMES], mode="consensus")
    return _run("result = team.run(prompt)", team, requests=6)


def route() -> Operation:
    """Run a team of three of which a function chooses one."""
    team = Team(_members(), mode="route", route=lambda _: "draft")
    return _run("result = team.run(prompt)", team, requests=1, names=("draft",))


def hundred() -> Operation:
    """Await a run of a team of 100 at once."""
    return _hundred("result = await team.arun(prompt)", delay=0.0)


def hundred_waiting() -> Operation:
    """Run a team of 100 at once, whose members each wait 10 ms."""
    return _hundred("result = team.run(prompt)", delay=WAIT)


def hundred_waiting_async() -> Operation:
    """Await a run of a team of 100 at once, whose members each wait 10 ms."""
    return _hundred("result = await team.arun(prompt)", delay=WAIT)


def _members() -> list[Agent]:
    model = ScriptedModel([ANSWER])
    return [Agent(model, name=name, instructions="Be brief.") for name in _NAMES]


def _hundred(statement: str, *, delay: float) -> Operation:
    model = ScriptedModel([ANSWER], delay=delay)
    names = tuple(f"member{number}" for number in range(HUNDRED))
    team = Team([Agent(model, name=name) for name in names], mode="parallel")
    return _run(statement, team, requests=HUNDRED, names=names)


def _run(
    statement: str, team: Team, *, requests: int, names: tuple[str, ...] = _NAMES
) -> Operation:
    def check(output: TeamOutput) -> None:
        _check(output, names, requests)

    return Operation(statement=statement, names={"team": team, "prompt": PROMPT}, check=check)


def _check(output: TeamOutput, names: tuple[str, ...], requests: int) -> None:
    """Expect an answer of every member, in their order, and all of it to be counted."""
    expect(tuple(result.name for result in output.members), names)
    expect({result.output and result.output.content for result in output.members}, {ANSWER})
    expect(output.usage, Usage(requests, requests, requests=requests))
    expect((ANSWER in output.content, output.status), (True, "completed"))
