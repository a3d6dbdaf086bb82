"""The history of a machine."""

import pytest
from msgspec.structs import replace

from agno_cli.bench._history import Entry, history, remember
from tests.bench.records import HERE, record, result


@pytest.fixture(autouse=True)
def _data(monkeypatch, tmp_path):
    monkeypatch.setenv("AGNO_DATA", str(tmp_path))


def test_runs_are_listed_oldest_first():
    late = remember(
        record(result("run", [3.0, 1.0, 2.0], bytes=8.0), started="2026-11-22T10:00:01")
    )
    early = remember(record(result("run", problem="it broke"), started="2026-11-22T10:00:00+00:00"))
    assert history(HERE) == [
        Entry(path=early, started="2026-11-22T10:00:00+00:00", commit="abc", python="3.12.1"),
        Entry(
            path=late,
            started="2026-11-22T10:00:01",
            commit="abc",
            python="3.12.1",
            medians={"run": 2.0},
            counts={"run": {"bytes": 8.0}},
        ),
    ]
    assert [entry.path for entry in history(HERE, newest=1)] == [late]
    assert history(HERE, newest=0) == []


def test_two_runs_of_one_second_are_two():
    names = [remember(record()).name for _ in range(2)]
    assert names == ["20261122T100000-001.json", "20261122T100000-002.json"]


def test_a_run_without_a_moment_has_a_name():
    assert remember(record(started="")).name == "unknown-001.json"


def test_a_damaged_file_is_an_entry_that_says_so():
    path = remember(record())
    path.write_text("{")
    (entry,) = history(HERE)
    assert (entry.path, entry.medians) == (path, {})
    assert entry.problem.startswith(f"{path} is damaged: Input data was truncated")


def test_another_machine_has_another_history():
    remember(record())
    assert history(replace(HERE, cpu="Other")) == []
