"""The configuration file and the folders of this package."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from agno_cli import ConfigurationError
from agno_cli._settings import Settings, cache_folder, config_file, expanded, load_settings


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings() == Settings(model="")


def test_the_file_names_a_model() -> None:
    config_file().write_text('model = "ollama:llama3.2:3b"\n', "utf-8")

    assert load_settings() == Settings(model="ollama:llama3.2:3b")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("modle = 'x'", "Object contains unknown field `modle`"),
        ("model = 3", "Expected `str`, got `int` - at `$.model`"),
        ("model = ", "Invalid value (at end of document)"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_problem(text: str, problem: str) -> None:
    path = config_file()
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert str(caught.value) == (
        f"the configuration file `{path}` cannot be used: {problem}; mend it or remove it"
    )


def test_a_file_that_is_not_text_is_named() -> None:
    config_file().write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"cannot read the configuration file .*config"):
        load_settings()


def test_a_file_below_a_file_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGNO_CONFIG", str(tmp_path / "file" / "config.toml"))

    assert load_settings() == Settings()


def test_without_variables_the_user_s_own_folders_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AGNO_CONFIG")
    monkeypatch.delenv("AGNO_CACHE")

    assert (config_file(), cache_folder()) == (
        Path(platformdirs.user_config_dir("agno-cli", appauthor=False), "config.toml"),
        Path(platformdirs.user_cache_dir("agno-cli", appauthor=False)),
    )


def test_a_home_is_put_in_full_where_there_is_one() -> None:
    assert expanded("~/x") == Path.home() / "x"
    assert expanded("~no-one/x") == Path("~no-one/x")
