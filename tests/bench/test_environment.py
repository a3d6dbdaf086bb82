"""The environment says what must be equal for two results to be comparable."""

import platform
import subprocess

from agno_cli import __version__
from agno_cli.bench._environment import _commit, _versions, cpu_model, read_environment


def test_it_names_interpreter_packages_and_variables(monkeypatch):
    monkeypatch.setenv("PYTHONMALLOC", "pymalloc")
    found = read_environment()
    assert found.python == platform.python_version()
    assert found.packages["agno-cli"] == __version__
    assert found.variables["PYTHONMALLOC"] == "pymalloc"
    assert found.cpu


def test_the_processor_is_read_from_cpuinfo():
    lines = ["processor\t: 0", "model name\t: Imaginary 9000: fast", "model name\t: other"]
    assert cpu_model(lines) == "Imaginary 9000: fast"
    assert cpu_model(["Hardware\t: a board"]) == ""


def test_a_package_that_is_not_there_is_left_out():
    assert [name for name, _ in _versions(["pytest", "no-such-package"])] == ["pytest"]


def test_only_a_checkout_has_a_commit(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    assert _commit(package) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert len(_commit(package)) == 12
