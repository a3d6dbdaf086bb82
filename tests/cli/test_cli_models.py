import json
import os
from pathlib import Path

import pytest

from agno_cli import ConfigurationError
from agno_cli.cli import _model
from agno_cli.cli._console import Console
from agno_cli.cli._model import fetch
from agno_cli.cli._progress import progress
from agno_cli.models._download import DOWNLOADS
from tests.cli.conftest import Agno


@pytest.fixture
def fetched() -> Path:
    """A file that passes for the fetched model: its size is looked at, not its content."""
    download = DOWNLOADS["smollm2"]
    path = Path(os.environ["AGNO_CACHE"]) / "models" / download.file
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(download.size)
    return path


def test_models_are_listed(agno: Agno, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    code, out, err = agno("models")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert (code, err) == (0, "")
    assert rows["openai:gpt-5-mini"] == ["yes", "OPENAI_API_KEY", "asked by default"]
    assert rows["local:smollm2"][:2] == ["no", "not fetched"]
    assert "sk-secret" not in out
    document = json.loads(agno("models", "--json").out)
    assert document["command"] == "models"
    assert {row["provider"] for row in document["result"]} >= {"openai", "anthropic", "local"}


def test_a_configuration_file_that_cannot_be_used(
    agno: Agno, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.toml").write_text("model = ")
    monkeypatch.setenv("AGNO_CONFIG", str(folder / "config.toml"))
    code, out, err = agno("models", "--json")
    assert (code, json.loads(out)["error"]["type"]) == (5, "ConfigurationError")
    assert err.startswith("error: the configuration file `")
    assert agno("run", "Hi").code == 5


def test_the_model_of_the_environment_is_asked(agno: Agno, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGNO_MODEL", "scripted:From the environment.")
    code, out, err = agno("run", "-v", "Hi")
    assert (code, out) == (0, "From the environment.\n")
    assert err.startswith("model: scripted:From the environment. (AGNO_MODEL is set)\n")


def test_a_key_that_is_missing(agno: Agno, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, out, err = agno("run", "-m", "openai:gpt-5-mini", "Hi")
    assert (code, out) == (5, "")
    assert "OPENAI_API_KEY" in err
    assert err.count("\n") == 1


def test_pull_says_where_the_model_is(agno: Agno, fetched: Path) -> None:
    assert agno("models", "pull", "smollm2") == (0, f"{fetched}\n", "")
    assert agno("models", "pull", "local:smollm2").out == f"{fetched}\n"


def test_pull_of_an_unknown_model(agno: Agno) -> None:
    code, out, err = agno("models", "pull", "smol")
    assert (code, out) == (5, "")
    assert err.startswith("error: no local model is named `smol`; ")


def test_a_model_that_cannot_be_fetched(agno: Agno) -> None:
    Path(os.environ["AGNO_CACHE"]).write_text("in the way")
    code, out, err = agno("models", "pull", "smollm2")
    assert (code, out) == (5, "")
    assert err.splitlines()[0] == (
        "note: fetching the model `smollm2` (93 MB) into the cache, this once"
    )
    assert err.splitlines()[-1].startswith("error: could not fetch `smollm2`: ")


def test_a_model_by_path_is_not_fetched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch("some/where.gguf", Console())
    assert capsys.readouterr() == ("", "")


def test_the_package_is_missed_before_the_fetch() -> None:
    with pytest.raises(ConfigurationError, match="pip install 'agno-cli"):
        _model.check_runtime("local:smollm2", package="no_such_package")


def test_progress_in_a_log_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(Console(), "smollm2") as report:
        for done in range(0, 101, 5):
            report(done * 1_000_000, 100_000_000)
    assert capsys.readouterr().err == (
        "smollm2: 0 % of 100 MB\nsmollm2: 25 % of 100 MB\nsmollm2: 50 % of 100 MB\n"
        "smollm2: 75 % of 100 MB\nsmollm2: 100 % of 100 MB\n"
    )


def test_progress_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(Console(quiet=True), "smollm2") as report:
        report(1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = Console()
    console.err_is_terminal = True
    with progress(console, "smollm2") as report:
        report(50_000_000, 100_000_000)
    assert "smollm2" in capsys.readouterr().err
