"""Which peers there are, and at which versions."""

import ast
from pathlib import Path

import pytest

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.bench.peers import _worker
from agno_cli.bench.peers._pins import COUNTER, newest, read_pins, update_pins
from agno_cli.bench.peers._registry import OURS, PEERS, Peer, find_peers

PINS = '# A comment.\n\n[pins]\nagno = "3.1.10"\nmemray = "1.20.0"\n'


def test_peers_are_found_by_name_each_once_in_the_order_given():
    names = [peer.name for peer in find_peers(["strands", "agno", "strands"])]
    assert names == ["strands", "agno"]


def test_an_unknown_peer_is_refused_with_the_nearest_name():
    with pytest.raises(InputError) as caught:
        find_peers(["langgrap"])
    assert str(caught.value) == (
        "there is no peer `langgrap`; did you mean `langgraph`? A path to a worker file ends in .py"
    )


def test_a_worker_file_of_ones_own_is_a_peer_of_this_interpreter(tmp_path):
    worker = tmp_path / "mine.py"
    worker.touch()
    assert find_peers([str(worker)]) == [Peer("mine", worker)]
    with pytest.raises(InputError, match=r"there is no worker file nowhere\.py;"):
        find_peers(["nowhere.py"])


def test_every_peer_has_a_pin():
    distributions = [peer.distribution for peer in PEERS]
    assert sorted(read_pins()) == sorted([*distributions, COUNTER])
    assert OURS.distribution == ""


@pytest.mark.parametrize("peer", [OURS, *PEERS], ids=lambda peer: peer.name)
def test_a_worker_file_says_all_that_it_must(peer):
    """Read, not run: its library is in another environment."""
    tree = ast.parse(peer.worker.read_text(encoding="utf-8"))
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imports = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    imports |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert names >= {"IMPORT", "DISTRIBUTION", "EQUAL", "DIFFERENT"}
    assert "prepare" in functions
    assert imports <= {"__future__", "collections.abc", "typing", "json"}


def test_the_runner_needs_nothing_but_the_standard_library():
    tree = ast.parse(Path(_worker.__file__).with_name("runner.py").read_text(encoding="utf-8"))
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name for name in modules if name.startswith("agno")} == set()
    assert modules & {"memray", "msgspec", "pyperf"} == {"memray"}


def test_updating_pins_keeps_the_comment_and_tells_what_changed(tmp_path):
    path = tmp_path / "pins.toml"
    path.write_text(PINS)
    changes = update_pins(path, ask=lambda name: {"agno": "3.2.0", "memray": "1.20.0"}[name])
    assert changes == {"agno": ("3.1.10", "3.2.0")}
    assert path.read_text() == PINS.replace("3.1.10", "3.2.0")


def test_an_update_that_fails_leaves_the_pins_as_they_were(tmp_path):
    path = tmp_path / "pins.toml"
    path.write_text(PINS)

    def ask(name: str) -> str:
        if name == "memray":
            raise ConfigurationError("the index is gone")
        return "9"

    with pytest.raises(ConfigurationError, match="the index is gone"):
        update_pins(path, ask=ask)
    assert path.read_text() == PINS


def test_pins_that_cannot_be_written_say_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "pins.toml"
    path.write_text(PINS)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("agno_cli.bench._folders.NamedTemporaryFile", refuse)
    with pytest.raises(ConfigurationError) as caught:
        update_pins(path, ask=lambda _: "9")
    assert str(caught.value) == (
        f"cannot write {path}: Permission denied; update the pins from an installation of agno-cli"
        " that you may write in"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[pins", "cannot use the pins of .*; restore it"),
        ("", "cannot use the pins of .*; restore it"),
        ("[pins]\nagno = 3", "cannot use the pins of .*; restore it"),
        ('[pins]\nagno = "; rm"', "pins agno to '; rm', which is no version"),
    ],
)
def test_damaged_pins_are_refused(tmp_path, text, complaint):
    path = tmp_path / "pins.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        read_pins(path)


def test_pip_is_asked_for_the_newest_release(tmp_path, monkeypatch):
    """An index that is a folder: only file names count."""
    for version in ("1.2", "1.10", "2.0rc1"):
        (tmp_path / f"agno_test_peer-{version}-py3-none-any.whl").touch()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert newest("agno-test-peer") == "1.10"
    with pytest.raises(ConfigurationError, match=r"pip found no version of agno-no-peer: ERROR"):
        newest("agno-no-peer")
