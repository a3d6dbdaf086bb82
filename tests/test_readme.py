"""README says what is so: its table is the committed result, its Python runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agno_cli.reports._document import BenchReport
from agno_cli.reports.markdown import to_markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_result():
    result = (ROOT / "results" / "bench.json").read_bytes()
    table = README.partition("<!-- table:begin -->\n")[2].partition("<!-- table:end -->")[0]

    assert table == to_markdown(msgspec.json.decode(result, type=BenchReport))


def test_the_python_runs(monkeypatch, tmp_path):
    """In order, as each block knows what those before it defined."""
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "unused")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    exec(compile("".join(map(before_it_costs, blocks)), "README.md", "exec"), {})


def before_it_costs(block: str) -> str:
    """Leave out what asks a paid model or listens, and all after it."""
    return re.split(r"^(?:output = \w+\.run\(|metrics\.serve)", block, flags=re.MULTILINE)[0]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agno_cli", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.local
def test_the_first_command_answers():
    command = re.search(r"agno run (\"What is the capital.*?\")", README)
    assert command is not None

    done = run("run", *shlex.split(command[1]))

    assert (done.returncode, "Paris" in done.stdout) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("agno bench --all --fast", "\n soak "),
        ("agno profile cpu", "slowdown "),
        ("agno profile mem", "bytes per agent: live 112"),
        ("agno scenario batch-1000", "batch-1000"),
    ],
)
def test_a_command_of_the_card_runs(command, shown):
    """A target may be missed (3) or not be judged (4) on whatever machine this is."""
    assert f"$ {command.removesuffix(' --fast')}" in README

    done = run(*command.split()[1:])

    assert done.returncode in {0, 3, 4}, done.stderr
    assert shown in done.stdout
