"""Whom a run is for, its id, and the token that stops it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from agno_cli import Agent, CancelToken, Hooks, RunContext, ScriptedModel, _context, say
from tests.faces import every_face


def test_run_ids_of_many_threads_are_all_different():
    """More than 4,096, where a new block of ids is begun."""
    ids: list[list[str]] = [[] for _ in range(8)]
    together = threading.Barrier(8)

    def take(mine: list[str]) -> None:
        together.wait()
        mine.extend(next(_context.run_ids) for _ in range(3000))

    threads = [threading.Thread(target=take, args=(mine,)) for mine in ids]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert len({run_id for mine in ids for run_id in mine}) == 8 * 3000


FORK = """
import os
from agno_cli import Agent, ScriptedModel

def nap() -> str:
    return "rested"

from agno_cli import Limits, say
model = ScriptedModel([say("", ("nap", {}), ("nap", {})), "ok"])
agent = Agent(model, tools=[nap], limits=Limits(tool_seconds=5))
agent.run("hi")  # has worker threads now, which a child does not inherit
read, write = os.pipe()
child = os.fork()
output = agent.run("hi")
assert output.content == "ok"
if child == 0:
    os.write(write, output.run_id.encode())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(output.run_id, os.read(read, 100).decode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_runs_agents_and_does_not_repeat_its_parents_ids():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    parents, childs = done.stdout.split()
    assert parents[:12] != childs[:12]


def test_ids_begin_anew_in_a_forked_child(monkeypatch):
    """What `os.fork` calls in the child."""
    monkeypatch.setattr(_context, "run_ids", _context.run_ids)
    before = next(_context.run_ids)

    _context._reseed_after_fork()

    assert next(_context.run_ids)[:12] != before[:12]


@every_face
def test_the_context_reaches_hooks_tools_and_instructions(face):
    seen: list[Any] = []

    def note(context: RunContext, *_: Any) -> None:
        seen.append(context)

    def told(context: RunContext) -> str:
        seen.append(context)
        return f"You serve {context.user}."

    async def asked(context: RunContext) -> str:
        seen.append(context)
        return "yes"

    def systems(request: Any) -> Any:
        return say("", ("asked", {})) if request.turn == 1 else request.system

    agent = Agent(
        ScriptedModel(systems),
        name="clerk",
        instructions=told,
        tools=[asked],
        hooks=Hooks(before_run=(note,), after_run=(note,)),
    )

    output = face(agent, context=RunContext(user="ada", session="s-1", dependencies={"db": 1}))

    assert output.content == "You serve ada."
    whole = RunContext(
        user="ada",
        session="s-1",
        dependencies={"db": 1},
        run_id=output.run_id,
        agent="clerk",
    )
    assert seen == [whole] * 4


@every_face
def test_a_context_that_was_not_given_is_there_all_the_same(face):
    def who(context: RunContext) -> str:
        return f"{context.user!r} {context.dependencies!r} {context.agent}"

    agent = Agent(ScriptedModel([say("", ("who", {})), "ok"]), tools=[who])

    assert face(agent).messages[2].content == "'' None agent"


@every_face
def test_a_context_that_nobody_asks_for_does_no_harm(face):
    assert face(Agent(ScriptedModel(["ok"])), context=RunContext(user="ada")).content == "ok"


def test_a_token_calls_each_subscriber_once():
    token, calls = CancelToken(), list[str]()
    token.subscribe(lambda: calls.append("stays"))
    unsubscribe = token.subscribe(lambda: calls.append("leaves"))

    unsubscribe()
    unsubscribe()
    token.cancel()
    token.cancel()

    assert (calls, token.cancelled) == (["stays"], True)


def test_a_subscriber_that_comes_late_is_called_at_once():
    token, calls = CancelToken(), list[str]()
    token.cancel()

    unsubscribe = token.subscribe(lambda: calls.append("late"))
    unsubscribe()

    assert calls == ["late"]


def test_a_subscriber_may_use_the_token():
    token, calls = CancelToken(), list[bool]()
    token.subscribe(lambda: calls.append(token.cancelled))
    token.subscribe(token.cancel)

    token.cancel()

    assert calls == [True]
