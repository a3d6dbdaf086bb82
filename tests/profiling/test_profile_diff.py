"""Two profiles of one kind, compared."""

import msgspec
import pytest
from msgspec.structs import replace

from agno_cli import ConfigurationError, InputError
from agno_cli.profiling._diff import Change, compare, read_profile
from tests.profiling.profiles import cpu, memory, startup


def test_functions_are_compared_by_their_time_of_an_operation():
    difference = compare(cpu(hot=300.0), cpu(hot=600.0))
    assert (difference.unit, difference.before, difference.after) == ("second", 4e-6, 4e-6)
    first, second, *rest = difference.changes
    assert (first.name, second.name) == ("<hot> & [bold]", "Agent.run")
    assert first.change == pytest.approx(1.2e-6)
    assert second.change == pytest.approx(-1.2e-6)
    assert first.is_sure
    assert second.is_sure
    assert [row.is_sure for row in rest] == [False, False]


def test_what_chance_explains_is_not_sure():
    changes = compare(cpu(hot=300.0), cpu(hot=310.0)).changes
    assert not any(change.is_sure for change in changes)


def test_shares_are_compared_where_times_are_unknown():
    difference = compare(replace(cpu(), bare=0.0), cpu(hot=600.0))
    assert (difference.unit, difference.what) == ("share", "share of own time")
    assert difference.changes[0].change == pytest.approx(0.3)


def test_sites_are_compared_by_their_bytes():
    before = memory()
    grown = replace(before.sites[0], bytes=before.sites[0].bytes + 50, line=99)
    after = replace(before, sites=(grown, *before.sites[1:]))
    difference = compare(before, after)
    first = difference.changes[0]
    assert (first.name, first.place, first.change, first.is_sure) == (
        "<hot> & [bold]",
        "shop.py",
        50.0,
        True,
    )
    assert all(change.change == 0 for change in difference.changes[1:])


def test_modules_come_and_go():
    before = startup()
    after = replace(before, modules=before.modules[:2])
    assert compare(before, after).changes[0] == Change("json", "", 0.01, None)


def test_what_was_different_is_said():
    other = replace(cpu(), target="create", engine="pyinstrument", clock="wall")
    assert [note.partition(";")[0] for note in compare(other, cpu()).notes] == [
        "before, the target was `create`",
        "before, the engine was pyinstrument",
        "times of two runs differ with the machine, too",
        "before, wall time was sampled",
    ]


def test_kinds_cannot_be_mixed():
    with pytest.raises(InputError, match="a mem profile and a cpu profile cannot be compared"):
        compare(memory(), cpu())


@pytest.mark.parametrize("profile", [cpu(), memory(), startup()])
def test_a_profile_is_read_as_it_was_written(profile, tmp_path):
    path = tmp_path / "profile.json"
    path.write_bytes(msgspec.json.encode(profile))
    assert read_profile(path) == profile


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"command":"bench"}', '{"command":"profile cpu"}', "\x00"]
)
def test_a_damaged_profile_is_said(text, tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="is damaged or no profile"):
        read_profile(path)


def test_a_profile_of_another_version_is_refused(tmp_path):
    path = tmp_path / "profile.json"
    path.write_bytes(msgspec.json.encode(replace(cpu(), schema_version=99)))
    with pytest.raises(ConfigurationError, match="schema version 99"):
        read_profile(path)


def test_a_profile_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_profile(tmp_path / "none.json")
