"""A revision is measured in a worktree and an environment of its own, and leaves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from agno_cli._errors import ConfigurationError
from agno_cli.bench import _revision
from agno_cli.bench._interleave import run_side
from agno_cli.bench._revision import (
    Revision,
    dependencies,
    find_revision,
    install_command,
    paths_of,
    revision_side,
)

PYPROJECT = '[project]\nname = "shop"\ndependencies = ["b", "a"]\n'


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A project of two revisions: `first`, and a later one that is checked out."""
    folder = tmp_path / "project"
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "bench").mkdir()
    git(folder.parent, "init", "--quiet", str(folder))
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "bench" / "here.txt").write_text("")
    for number in ("1", "2"):
        (folder / "src" / "shop" / "__init__.py").write_text(f"REVISION = {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", number)
        git(folder, "tag", f"v{number}")
    return folder


def show(side, statement: str) -> str:
    program = f"import sys; open(sys.argv[-1], 'w').write(str({statement}))"
    return run_side(side, ["-c", program], seconds=60.0).decode()


def test_a_revision_is_anything_that_names_a_commit(project):
    first = git(project, "rev-parse", "v1")
    for text in ("v1", "HEAD~1", first, first[:10]):
        assert find_revision(text, project / "src") == Revision(text, first, project)
    for text in ("main", "nothing", "-h", "--all", "", "a\0b", "HEAD:pyproject.toml"):
        if text != git(project, "branch", "--show-current"):
            assert find_revision(text, project) is None


def test_outside_of_a_repository_there_is_none(tmp_path):
    assert find_revision("HEAD", tmp_path) is None


def test_without_git_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="git is not installed, so there are no revisions"):
        find_revision("HEAD", tmp_path)


def test_a_git_that_hangs_finds_nothing(tmp_path, monkeypatch):
    script = tmp_path / "git"
    script.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    script.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_revision, "_GIT_SECONDS", 0.2)
    assert find_revision("HEAD", tmp_path) is None


def test_a_side_imports_its_own_code_and_what_is_installed_here(project, monkeypatch):
    monkeypatch.syspath_prepend(str(project / "src"))
    revision = find_revision("v1", project)
    assert revision is not None
    with revision_side(revision, project / "bench") as side:
        assert show(side, "__import__('shop').REVISION") == "1"
        assert show(side, "__import__('msgspec').__file__") == __import__("msgspec").__file__
        folder = Path(show(side, "__import__('os').getcwd()"))
        assert (folder.name, (folder / "here.txt").exists()) == ("bench", True)
        assert folder.is_relative_to(project) is False
        assert Path(side.python).parent != Path(sys.executable).parent
    assert not folder.exists()
    assert not Path(side.python).exists()
    assert git(project, "worktree", "list").count("\n") == 0


def test_this_package_is_measured_at_its_revision_too(project, monkeypatch):
    """The checkout that `agno_cli` comes from is a path of the project like any other."""
    package = project / "agno_cli"
    package.mkdir()
    (package / "__init__.py").write_text("WHICH = 'revision'\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "3")
    (package / "__init__.py").write_text("WHICH = 'changed since'\n")
    revision = find_revision("HEAD", project)
    assert revision is not None
    with revision_side(revision, project) as side:
        assert show(side, "__import__('agno_cli').WHICH") == "revision"


def test_an_interrupt_leaves_nothing(project):
    revision = find_revision("v1", project)
    assert revision is not None
    with pytest.raises(KeyboardInterrupt), revision_side(revision, project) as side:
        raise KeyboardInterrupt
    assert not Path(side.python).exists()
    assert git(project, "worktree", "list").count("\n") == 0


def test_other_dependencies_are_installed(project, monkeypatch):
    """The installer is told where; that it fails here, without a network, is reported."""
    (project / "pyproject.toml").write_text(PYPROJECT.replace('"a"', '"c"'))
    asked = []

    def command(python, tree):
        asked.append((python, (tree / "pyproject.toml").read_text()))
        return [sys.executable, "-c", "raise SystemExit('no network')"]

    monkeypatch.setattr(_revision, "install_command", command)
    monkeypatch.setattr("agno_cli.bench._revision.shutil.which", lambda _: "/bin/uv")
    revision = find_revision("v1", project)
    assert revision is not None
    with (
        pytest.raises(
            ConfigurationError, match=r"cannot install the revision: .* said: no network"
        ),
        revision_side(revision, project),
    ):
        pass
    ((python, text),) = asked
    assert (python.name, text) == ("python", PYPROJECT)
    assert git(project, "worktree", "list").count("\n") == 0


def test_a_commit_that_is_gone_cannot_be_checked_out(project):
    gone = Revision("gone", "0" * 40, project)
    with (
        pytest.raises(ConfigurationError, match="cannot check out the revision: "),
        revision_side(gone, project),
    ):
        pass


def test_a_command_that_hangs_is_ended():
    with pytest.raises(
        ConfigurationError, match=r"cannot install the revision: it did not end within 0\.2 s"
    ):
        _revision._must([sys.executable, "-c", "import time; time.sleep(60)"], 0.2, "install")


def test_the_installer_is_uv_where_it_is_there(monkeypatch):
    python, tree = Path("/e/bin/python"), Path("/t")
    monkeypatch.setattr("agno_cli.bench._revision.shutil.which", lambda _: "/bin/uv")
    assert install_command(python, tree) == [
        *("/bin/uv", "pip", "install", "--quiet", "--python", "/e/bin/python", "/t")
    ]
    monkeypatch.setattr("agno_cli.bench._revision.shutil.which", lambda _: None)
    assert install_command(python, tree) == [
        *("/e/bin/python", "-m", "pip", "install", "--quiet", "/t")
    ]


def test_dependencies_are_those_of_the_project(tmp_path):
    assert dependencies(tmp_path) == ()
    path = tmp_path / "pyproject.toml"
    for text, expected in [
        (PYPROJECT, ("a", "b")),
        ("[project]\n", ()),
        ("project = 1\n", ()),
        ("[", ()),
        ('[project]\ndependencies = "a"\n', ()),
    ]:
        path.write_text(text)
        assert dependencies(tmp_path) == expected


def test_paths_of_the_project_are_moved_if_git_knows_them(tmp_path):
    project, tree = tmp_path / "project", tmp_path / "tree"
    (tree / "src").mkdir(parents=True)
    (tree / "lib").mkdir()
    paths = ["", str(project / "lib"), str(project / ".venv"), "/usr/lib", str(project / "src")]
    assert paths_of(paths, project, tree) == [
        str(tree / "src"),
        str(tree),
        str(tree / "lib"),
        str(project / ".venv"),
        "/usr/lib",
    ]
