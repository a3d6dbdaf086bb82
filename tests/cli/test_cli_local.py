"""The whole command line with a real model in the process."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Agno

pytestmark = pytest.mark.local


@pytest.fixture(autouse=True)
def model(folder: Path, smollm2_in_cache: Path) -> Path:
    return smollm2_in_cache


def test_the_first_command_of_the_readme(agno: Agno, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    code, out, err = agno("run", "What is the capital of France? Answer in one sentence.")
    assert (code, err) == (0, "")
    assert "Paris" in out


def test_structured_output_and_usage(agno: Agno) -> None:
    arguments = ("-m", "local:smollm2", "--schema", "city, country", "-o", "temperature", "0")
    code, out, _ = agno("run", "--json", *arguments, "Where is the Eiffel Tower?")
    result = json.loads(out)["result"]
    assert code == 0
    assert set(result["data"]) == {"city", "country"}
    assert result["usage"]["output_tokens"] > 0


def test_a_conversation(agno: Agno) -> None:
    arguments = ("run", "-m", "local:smollm2", "--session", "chat", "-o", "max_tokens", "8")
    assert agno(*arguments, "My name is Ada.").code == 0
    assert agno(*arguments, "What is my name?").code == 0
    assert agno("sessions", "show", "chat").out.count("[user]") == 2


def test_an_interrupt_stops_the_generation(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agno_cli", "run", "-m", "local:smollm2", "Tell a long story."],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"")
