"""A folder with a user's agents in it, and the command line called in this process."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from agno_cli.cli import main

TEAM = '''
"""What a user's file looks like."""

import time
from pathlib import Path

from agno_cli import Agent, JsonSchema, Limits, ScriptedModel, Toolkit, say, tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def sleep(seconds: float) -> str:
    """Wait."""
    Path("asleep").touch()
    time.sleep(seconds)
    return "slept"


def double(number: int) -> int:
    """Double a number."""
    return 2 * number


greeter = Agent(ScriptedModel(["Hello **you**."]))
adder = Agent(
    ScriptedModel([say("Let me see.", ("add", {"a": 1, "b": 2}), reasoning="Add."), "It is 3."]),
    tools=[add],
    instructions="Be brief.",
)
endless = Agent(ScriptedModel([say("Again.", ("add", {"a": 1, "b": 2}))]), tools=[add])
sleeper = Agent(ScriptedModel([say("Wait.", ("sleep", {"seconds": 60}))]), tools=[sleep])
shape = JsonSchema({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
counter = Agent(ScriptedModel(['{"n": 3}'], native_schema=True), output_type=shape)
babbler = Agent(ScriptedModel(["no json"], native_schema=True), output_type=shape)
writer = Agent(ScriptedModel(["word " * 20_000]))
slow_writer = Agent(ScriptedModel(["word " * 200], delay=60))
echo = Agent(ScriptedModel(lambda request: request.messages[-1].content))
history = Agent(ScriptedModel(lambda request: f"{len(request.messages)} messages"))
personal = Agent(ScriptedModel(["ok"]), instructions=lambda context: f"For {context.user}.")
sums = Toolkit("sums", [add])
stuck = Agent(
    ScriptedModel([say("Wait.", ("sleep", {"seconds": 60}))]),
    tools=[tool(quick=True)(sleep.function)],
)
number = 3
'''


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Agno(Protocol):
    """Runs one command; `stdin` is a file with that text."""

    def __call__(self, *arguments: str, stdin: str = "") -> Outcome: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a user's `team.py` in it, and a place for sessions."""
    (tmp_path / "team.py").write_text(TEAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGNO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def agno(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Agno:
    """The command line, in this process."""

    def call(*arguments: str, stdin: str = "") -> Outcome:
        source = folder / "stdin"
        source.write_text(stdin, encoding="utf-8")
        with source.open(encoding="utf-8") as opened:
            monkeypatch.setattr(sys, "stdin", opened)
            code = main(arguments)
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def silent_pipe() -> Iterator[int]:
    """The end to read of a pipe that its writer keeps open and never uses."""
    end, writer = os.pipe()
    yield end
    os.close(end)
    os.close(writer)
