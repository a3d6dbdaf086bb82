"""Toolkits are found by name, and each works inside a run."""

import subprocess
import sys

import pytest

from agno_cli import Agent, ConfigurationError, ScriptedModel, Toolkit, say
from agno_cli._tools import Tool, tool_table
from agno_cli.toolkits import TOOLKITS, toolkit


def names(kit: Toolkit) -> list[str]:
    return list(tool_table([kit]))


def test_each_name_gives_its_tools(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert {name: names(toolkit(name)) for name in TOOLKITS} == {
        "calculator": ["calculate"],
        "files": ["list_files", "read_file", "search_files"],
        "files-rw": ["list_files", "read_file", "search_files", "write_file"],
        "http": ["http_get", "http_post"],
    }


def test_every_tool_and_every_parameter_is_described(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    for name in TOOLKITS:
        for tool in toolkit(name).tools:
            assert isinstance(tool, Tool)
            assert tool.description
            assert all("description" in item for item in tool.parameters["properties"].values())


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(ConfigurationError, match="no toolkit `calc`; did you mean `calculator`"):
        toolkit("calc")


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(ConfigurationError, match="toolkits are: calculator, files, files-rw, http"):
        toolkit("xyzzy")


def test_the_files_toolkit_reads_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("Hello")
    monkeypatch.chdir(tmp_path)

    read_file = toolkit("files").tools[1]

    assert isinstance(read_file, Tool)
    assert read_file("a.txt") == "Hello"


def test_a_model_calculates_and_reads_the_answer():
    model = ScriptedModel([say("", ("calculate", {"expression": "6 * 7"})), "It is 42."])

    output = Agent(model, tools=[toolkit("calculator")]).run("What is 6 times 7?")

    assert [message.content for message in output.messages] == [
        "What is 6 times 7?",
        "",
        "42",
        "It is 42.",
    ]


def test_a_refused_call_is_told_to_the_model():
    model = ScriptedModel([say("", ("calculate", {"expression": "1 / 0"})), "I cannot."])

    output = Agent(model, tools=[toolkit("calculator")]).run("What is 1 / 0?")

    assert output.messages[2].is_error
    assert output.messages[2].content.endswith(": division by zero in `/`")


def test_making_the_toolkits_loads_no_http_library():
    code = (
        "import sys; from agno_cli.toolkits import TOOLKITS, toolkit;"
        "[toolkit(name) for name in TOOLKITS];"
        "print({'httpx', 'anyio', 'ssl', 'asyncio'} & set(sys.modules) or 'none')"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "none\n"
