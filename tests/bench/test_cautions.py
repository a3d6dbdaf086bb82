"""Each caution is a named case with the next step."""

import pytest
from msgspec.structs import replace

from agno_cli.bench._noise import Noise
from agno_cli.bench._results import Timing
from agno_cli.bench._warnings import Caution, cautions, read_governors
from tests.bench.records import HERE, record, result

QUIET = [1.0] * 8
NOISE = Noise(started="", environment=HERE, benchmarks={})


def cases(*args, **kwargs):
    return [caution.case for caution in cautions(*args, **kwargs)]


def test_a_quiet_machine_needs_no_caution():
    mine = record(result("run", QUIET), result("soak", growth=1.0))
    assert cautions(mine, noise=NOISE, baseline=mine, governors=frozenset({"performance"})) == []


def test_processes_that_disagree():
    mine = record(
        result("run", [1.0, 1.0, 1.2, 1.2, 1.2, 1.4, 1.4, 1.4]), result("few", [1.0, 9.0])
    )
    (caution,) = cautions(mine)
    assert caution == Caution(
        "noisy",
        "processes disagree: the middle half spans run 17%",
        "close what else is running and measure again, or with --rigorous",
    )


def test_too_few_processes_matter_to_a_comparison():
    mine = record(result("run", [1.0] * 6))
    assert cases(mine, noise=NOISE) == []
    assert cases(mine, noise=NOISE, baseline=mine) == ["few-processes"]


def test_a_first_value_that_is_slower():
    slow = replace(result("run", QUIET), timing=Timing(((1.3, 1.0, 1.0),) * 8, 1))
    steady = replace(result("create", QUIET), timing=Timing(((1.1, 1.0, 1.0),) * 8, 1))
    (caution,) = cautions(record(slow, steady))
    assert (caution.case, caution.text) == (
        "slow-first",
        "the first value of each process is more than 20 % slower: run",
    )


@pytest.mark.parametrize(
    ("environment", "governors", "case"),
    [
        ({"load": 1.7}, set(), "load"),
        ({"load": None}, {"powersave", "performance"}, "governor"),
        ({"gc": False}, set(), "collector"),
    ],
)
def test_a_machine_that_is_not_ready(environment, governors, case):
    assert cases(record(**environment), governors=frozenset(governors)) == [case]


def test_a_comparison_without_known_noise_between_environments():
    before = record(python="3.13.0", packages={"msgspec": "0.20"})
    assert cases(record(), baseline=before) == ["no-noise", "environment", "packages"]


def test_governors_are_read_where_the_system_has_them(tmp_path):
    for number, governor in enumerate(["powersave", "performance"]):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    (tmp_path / "cpu2" / "cpufreq" / "scaling_governor").mkdir(parents=True)
    assert read_governors(tmp_path) == {"powersave", "performance"}
    assert read_governors(tmp_path / "nothing") == frozenset()
