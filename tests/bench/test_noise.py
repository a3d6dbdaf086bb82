"""The noise of a machine, measured once and remembered."""

import pytest
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError
from agno_cli.bench import _noise
from agno_cli.bench._folders import machine_folder
from agno_cli.bench._interleave import Process, Relative
from agno_cli.bench._measure import Progress
from agno_cli.bench._noise import (
    BenchmarkNoise,
    Noise,
    effects,
    load_noise,
    measure_noise,
    noise_of,
    save_noise,
)
from agno_cli.bench._registry import Benchmark, select
from agno_cli.bench.benchmarks import BENCHMARKS, agents
from tests.bench.records import HERE


@pytest.fixture(autouse=True)
def _data(monkeypatch, tmp_path):
    monkeypatch.setenv("AGNO_DATA", str(tmp_path))


def noise(**effects: float) -> Noise:
    return Noise(
        started="2026-11-22",
        environment=HERE,
        benchmarks={name: BenchmarkNoise((), 0.0, 0.0, effect) for name, effect in effects.items()},
    )


def test_one_of_28_pairs_may_differ_by_more():
    """Seven runs are equal, one is half as long again: 7 of 28 pairs differ."""
    runs = [(1.0,)] * 7 + [(1.5,)]
    found = noise_of(runs)
    assert (found.together, found.apart, found.effect) == (0.5, 0.5, 0.5)
    graded = noise_of([(1.0 + number / 10,) for number in range(8)])
    assert graded.apart == pytest.approx(0.7)
    assert graded.effect == pytest.approx(0.6)
    assert graded.together == pytest.approx(0.1)


def test_of_fewer_pairs_none_may_and_an_effect_below_5_percent_is_none():
    assert noise_of([(1.0,), (1.01,), (1.02,), (1.03,)]).effect == 0.05
    assert noise_of([(1.0,), (1.2,), (1.0,), (1.0,)]).effect == pytest.approx(0.2)


def test_what_was_not_measured_has_the_largest_known_effect():
    known = effects(noise(run=0.06, create=0.2))
    assert [known("run"), known("create"), known("mine")] == [0.06, 0.2, 0.2]
    assert effects(noise())("run") == 0.10
    assert effects(None)("run") == 0.10


def test_noise_is_remembered_for_this_machine_and_python():
    assert load_noise(HERE) is None
    save_noise(noise(run=0.06))
    save_noise(noise(run=0.07))
    assert load_noise(replace(HERE, commit="def")) == noise(run=0.07)
    assert load_noise(replace(HERE, python="3.13.0")) is None
    assert load_noise(replace(HERE, cpu="Other")) is None


def test_nothing_measured_is_not_remembered():
    nothing = replace(noise(), problems={"run": "it broke"})
    with pytest.raises(ConfigurationError, match="no noise was measured: run: it broke"):
        save_noise(nothing)
    with pytest.raises(ConfigurationError, match="no noise was measured: no benchmark was given"):
        save_noise(noise())
    assert load_noise(HERE) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"started"', "", r"noise.json is damaged: .*; measure again with `agno bench --aa`"),
        ('"schema_version": 1', '"schema_version": 0', "has schema version 0, this agno-cli reads"),
    ],
)
def test_a_damaged_or_older_file_says_so(old, new, problem):
    path = save_noise(noise(run=0.06))
    assert path.parent == machine_folder(HERE)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigurationError, match=problem):
        load_noise(HERE)


def test_what_is_too_long_for_reference_loops_has_no_noise(monkeypatch):
    sometimes = Relative({"x": (Process(0.5, 9.0), Process(0.6, None))}, {})
    monkeypatch.setattr(_noise, "measure_relative", lambda *_, **__: (sometimes, sometimes))
    assert measure_noise([], HERE).benchmarks == {}


def test_equal_code_is_measured_against_itself():
    unknown = Benchmark(name="arunn", summary="", operation="", prepare=agents.create)
    seen: list[Progress] = []
    chosen = [*select(BENCHMARKS, ["create"]), unknown]
    found = measure_noise(chosen, HERE, runs=4, processes=1, on_progress=seen.append)
    assert [len(run) for run in found.benchmarks["create"].runs] == [1, 1, 1, 1]
    assert found.benchmarks["create"].effect >= 0.05
    assert list(found.benchmarks) == ["create"]
    assert "there is no benchmark `arunn`" in found.problems["arunn"]
    assert [(p.step, p.steps) for p in seen] == [(1, 8), (2, 8), (3, 8), (4, 8), (3, 4), (4, 4)]
    assert seen[0].what == "comparing, process 1 of 1, pair 1 of 2"
    assert seen[0].seconds_left == pytest.approx(2 * 4 * 0.5)
