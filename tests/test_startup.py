"""What starting up loads: nothing heavy that the command does not need."""

import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp",
    "asyncio",
    "concurrent.futures",
    "docstring_parser",
    "httpx",
    "importlib.metadata",
    "jsonschema",
    "markdown_it",
    "memray",
    "platformdirs",
    "pydantic",
    "pygments",
    "pyperf",
    "rich",
    "sqlite3",
    "tomllib",
    "xllamacpp",
}


def loaded(code: str) -> set[str]:
    """Give the heavy modules that a program has loaded in the end."""
    report = f"import sys\n{code}\nprint('loaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", report],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return HEAVY & set(done.stdout.splitlines()[-1].split())


def of_command(*arguments: str) -> set[str]:
    return loaded(f"from agno_cli.cli import main\nassert main({list(arguments)!r}) == 0")


def test_importing_the_package() -> None:
    assert loaded("import agno_cli") == set()


def test_creating_and_running_an_agent() -> None:
    code = "from agno_cli import Agent, ScriptedModel\nAgent(ScriptedModel(['Hi'])).run('Hi')"
    assert loaded(code) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version(arguments: list[str]) -> None:
    assert of_command(*arguments) == set()


def test_a_run_in_a_pipe() -> None:
    assert of_command("run", "-q", "-m", "scripted:Hi", "Hi") == set()


def test_a_light_command(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNO_DATA", str(tmp_path))
    assert of_command("sessions", "list") <= {"sqlite3"}
