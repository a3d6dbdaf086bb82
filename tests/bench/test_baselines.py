"""Named results: kept whole, never lost by accident, never taken from elsewhere unasked."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.bench import _baselines
from agno_cli.bench._folders import bench_folder, machine_folder, write_whole
from tests.bench.records import HERE, record, result

MINE = record(result("run", [1.0]))


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("AGNO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_is_saved_is_found_and_loaded():
    path = _baselines.save(MINE, "main")
    assert _baselines.find("main", HERE) == path
    assert _baselines.load(path, HERE) == MINE
    assert _baselines.saved_names(HERE) == ["main"]
    assert [p.name for p in path.parent.iterdir()] == ["main.json"]


def test_nothing_is_overwritten_without_force():
    path = _baselines.save(MINE, "main")
    other = record(result("run", [2.0]))
    with pytest.raises(InputError) as caught:
        _baselines.save(other, "main")
    assert str(caught.value).startswith("there is a saved result `main`; give another name, or")
    assert _baselines.load(path, HERE) == MINE
    _baselines.save(other, "main", force=True)
    assert _baselines.load(path, HERE) == other


def test_nothing_is_overwritten_when_another_process_was_faster(monkeypatch):
    path = _baselines.save(MINE, "main")
    monkeypatch.setattr(_baselines, "save_path", lambda *_, **__: path)
    with pytest.raises(InputError, match="there is a saved result `main`"):
        _baselines.save(record(), "main")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "-f", ".a", "a b", "é", "CON", "a.", "x" * 65]
)
def test_a_name_that_is_no_files_is_refused(name):
    with pytest.raises(InputError, match="a result cannot be called"):
        _baselines.check_name(name)


def test_a_file_is_a_baseline_too(tmp_path):
    path = _baselines.save(MINE, "main").rename(tmp_path / "elsewhere.json")
    assert _baselines.find(str(path), HERE) == path
    assert _baselines.find("elsewhere", HERE) is None


def test_a_saved_result_goes_before_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("main").write_text("")
    assert _baselines.find("main", HERE) == Path("main")
    path = _baselines.save(MINE, "main")
    assert _baselines.find("main", HERE) == path


def test_another_environment_is_refused_and_named_unless_forced():
    path = _baselines.save(MINE, "main")
    here = replace(HERE, python="3.13.0")
    with pytest.raises(ConfigurationError) as caught:
        _baselines.load(path, here)
    assert str(caught.value) == (
        f"{path} was measured elsewhere: python 3.12.1 there, 3.13.0 here; save a baseline here,"
        " or give `--force` to compare all the same"
    )
    assert _baselines.load(path, here, force=True) == MINE


def test_a_damaged_or_unreadable_file_says_so(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(ConfigurationError, match=r"cannot read .*a\.json: No such file"):
        _baselines.load(path, HERE)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"a\.json is damaged: it is not UTF-8 text"):
        _baselines.load(path, HERE)


def test_an_unknown_name_offers_the_nearest():
    nothing = str(_baselines.unknown("main", HERE))
    assert nothing == (
        "there is no saved result, file `main`; none is saved here; `agno bench --save NAME` does"
    )
    _baselines.save(MINE, "main")
    assert str(_baselines.unknown("mian", HERE, ["revision"])) == (
        "there is no saved result, file, revision `mian`; did you mean `main`?"
    )
    elsewhere = replace(HERE, cpu="Other")
    assert "`main` was saved on another machine (a-processor" in str(
        _baselines.unknown("main", elsewhere)
    )


def test_a_machine_is_its_processor_and_system_not_its_kernel_or_python():
    folder = machine_folder(HERE)
    assert folder.parent == bench_folder()
    assert folder.name.startswith("a-processor-2-0ghz-2-")
    assert machine_folder(replace(HERE, os="Linux 7", python="3.13.0")) == folder
    assert machine_folder(replace(HERE, cores=4)) != folder
    assert machine_folder(replace(HERE, cpu="???")).name.startswith("machine-2-")


def test_without_agno_data_the_users_folder_is_taken(monkeypatch, tmp_path):
    monkeypatch.delenv("AGNO_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert bench_folder().name == "bench"
    assert tmp_path in bench_folder().parents


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot write .*; set AGNO_DATA to a folder"):
        write_whole(tmp_path / "file" / "a.json", "{}", replace=True)


def test_a_file_system_without_links_will_do(monkeypatch, tmp_path):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    write_whole(tmp_path / "a", "1", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", "2", replace=False)
    assert [p.read_text() for p in tmp_path.glob("*a*")] == ["1"]
