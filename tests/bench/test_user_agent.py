"""A user's agent is measured without paying for its model."""

from pathlib import Path

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.bench._operations import Workbench, WorkNotDoneError
from agno_cli.bench._registry import Source
from agno_cli.bench._sources import load_benchmarks

SHOP = '''
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from agno_cli import Agent, Memory, Toolkit, tool


class Order(Struct):
    id: Annotated[int, Meta(gt=0)]
    state: Literal["new", "sent"]


calls = []


@tool
def find(order: int, at: datetime, exact: bool = False) -> str:
    """Find an order."""
    calls.append(order)
    return "found"


def price(items: Annotated[list[str], Meta(min_length=1)], factor: float) -> float:
    """Price items."""
    calls.append(items)
    if not factor:
        raise ValueError("no factor")
    return factor


def check(code: Annotated[str, Meta(pattern="^[A-Z]{7}$")]) -> str:
    """Check a code."""
    return code


memory = Memory()
support = Agent(
    "openai:no-such-model",
    name="support",
    instructions=lambda context: "Be kind.",
    tools=[find, price],
    memory=memory,
    output_type=Order,
)
finder = Agent("openai:no-such-model", tools=[find])
plain = Agent("openai:no-such-model")
strict = Agent("openai:no-such-model", tools=[check])


class Staff:
    clerk = plain


number = 3
'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text(SHOP)
    return path


def benchmarks_of(shop: Path, name: str, *, call_tools: bool = False):
    return load_benchmarks(Source("agent", f"{shop}:{name}", call_tools))


def test_an_agent_is_created_run_and_run_with_its_tools(shop):
    import sys

    found = benchmarks_of(shop, "support")
    assert [(one.name, one.operation) for one in found] == [
        ("support.create", "agent"),
        ("support.first_run", "run"),
        ("support.run", "run"),
        ("support.arun", "run"),
        ("support.run_tools", "run"),
    ]
    assert found[-1].summary == (
        "a run with one call of each of its 2 tools, their functions not called"
    )
    for one in found:
        assert one.prepare is not None
        with Workbench(one.prepare()) as bench:
            bench.verify()
            assert bench.time(1) > 0
    module = sys.modules[f"agno_cli file {shop}"]
    assert (module.calls, len(module.memory)) == ([], 0)


def test_tools_are_called_when_that_is_asked_for(shop):
    import sys

    (*_, calling) = benchmarks_of(shop, "finder", call_tools=True)
    assert calling.summary == "a run with one call of its tool, its function called"
    assert calling.prepare is not None
    with Workbench(calling.prepare()) as bench:
        bench.verify()
    assert sys.modules[f"agno_cli file {shop}"].calls == [0]


def test_a_tool_that_fails_with_made_up_arguments_is_a_problem(shop):
    (*_, calling) = benchmarks_of(shop, "support", call_tools=True)
    assert calling.prepare is not None
    with (
        Workbench(calling.prepare()) as bench,
        pytest.raises(WorkNotDoneError, match="tool `price` failed: ValueError: no factor"),
    ):
        bench.verify()


def test_an_agent_without_tools_runs_without_them(shop):
    names = [one.name for one in benchmarks_of(shop, "Staff.clerk")]
    assert names == ["clerk.create", "clerk.first_run", "clerk.run", "clerk.arun"]


def test_arguments_that_cannot_be_made_up_are_said(shop):
    (*_, calling) = benchmarks_of(shop, "strict")
    assert calling.prepare is not None
    with pytest.raises(ConfigurationError, match=r"arguments of tool `check` could not be made up"):
        calling.prepare()


def test_something_else_is_refused(shop):
    with pytest.raises(InputError, match=r"`.*shop\.py:number` is of type `int`"):
        benchmarks_of(shop, "number")
