"""Scenario files: those that come with the package, and what is said of bad ones."""

from pathlib import Path

import pytest

from agno_cli import ConfigurationError, InputError, scenarios
from agno_cli.scenarios._definition import ApiRun, BatchRun, Load, ModelTable
from agno_cli.scenarios._options import Options, changed
from agno_cli.scenarios._quantities import read_latency
from agno_cli.scenarios._thresholds import parse_threshold


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_every_scenario_of_the_package_can_be_read():
    names = scenarios.names()
    assert {"api-10k", "batch-1000", "batch-1m", "multi-agent-100"} <= set(names)
    for name in names:
        scenario = scenarios.load(name)
        assert scenario.name == name
        assert scenario.summary


def test_the_api_scenario_asks_for_what_was_stated():
    first, second = scenarios.load("api-10k").runs
    assert isinstance(first, ApiRun)
    assert isinstance(second, ApiRun)
    assert first.load.rate == second.load.rate == 10_000
    assert first.stated == {"memory": "12 MB", "response": "< 1 ms"}
    assert second.model.latency.parameters[0] == 0.3


def test_a_file_of_ones_own_needs_little(tmp_path):
    scenario = scenarios.load(write(tmp_path, 'workload = "api"\n'))
    assert scenario.name == "mine"
    assert scenario.runs == (ApiRun(),)


def test_a_run_changes_what_all_share(tmp_path):
    text = """
workload = "api"
thresholds = ["errors:count<=0"]
[load]
rate = "500/s"
duration = "3s"
[[run]]
name = "slow"
load.duration = "9s"
model.latency = "1s"
thresholds = ["lag:max<1s"]
[[run]]
name = "fast"
"""
    slow, fast = scenarios.load(write(tmp_path, text)).runs
    assert isinstance(slow, ApiRun)
    assert isinstance(fast, ApiRun)
    assert slow.load == Load(rate=500.0, duration=9.0)
    assert slow.model == ModelTable(latency=read_latency("x", "1s"))
    assert [threshold.text for threshold in slow.thresholds] == ["lag:max<1s"]
    assert fast.load == Load(rate=500.0, duration=3.0)
    assert [threshold.text for threshold in fast.thresholds] == ["errors:count<=0"]


API = 'workload = "api"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1", 0, "there is no `workload`; give one of api, batch, multi-agent"),
        (
            'workload = "apy"',
            1,
            "workload: there is no workload 'apy'; did you mean `api`?",
        ),
        (f"{API}summary = 3", 2, "summary: 3 is no text"),
        (f"{API}[load]\nrat = '1/s'", 3, "load.rat: there is no such key; did you mean `rate`?"),
        (f"{API}load.rat = '1/s'", 2, "load.rat: there is no such key; did you mean `rate`?"),
        (
            f"{API}[load]\n# rate\nrate = 10",
            4,
            'load.rate: 10 has no unit; write a text such as "10_000/s"',
        ),
        (
            f"{API}[load]\nrate = '10'",
            3,
            "load.rate: expected a unit (/s, k/s, M/s) after `10`, and nothing stands there",
        ),
        (f"{API}load = 3", 2, "load: 3 is no table; write `[load]`"),
        (f"{API}[load]\nconnections = 0", 3, "load.connections: expected `int` >= 1"),
        (
            f"{API}[[run]]\nname = 'a'\n[[run]]\nname = 'b'\n[run.load]\nwarmup = 'x'",
            7,
            "run[1].load.warmup: expected a number at the beginning, not `x`",
        ),
        (
            f"{API}[[run]]\nload.connections = 'a'",
            3,
            "run[0].load.connections: expected `int`, got `str`",
        ),
        (f"{API}run = 3", 2, "run: write each run as a table of its own: `[[run]]`"),
        (f"{API}run = [3]", 0, "run[0]: 3 is no table; write `[[run]]`"),
        (
            f"{API}thresholds = ['lag:max<1s', 'lag']",
            2,
            "thresholds[1]: expected `:` and an aggregation after `lag`, and nothing stands there",
        ),
        (f"{API}load.arrival = 'burst'", 2, "load.arrival: invalid enum value 'burst'"),
        (
            f"{API}[stated]\nlagg = '1'",
            3,
            "stated.lagg: there is no metric `lagg`; did you mean `lag`?",
        ),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path, text, line, message):
    path = write(tmp_path, text)
    where = f", line {line}" if line else ""
    with pytest.raises(ConfigurationError) as caught:
        scenarios.load(path)
    assert str(caught.value) == f"in scenario {path}{where}: {message}"


def test_what_is_no_toml_or_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"is not TOML: .*line 1"):
        scenarios.load(write(tmp_path, "workload = \n"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        scenarios.load(str(tmp_path / "binary.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match="there is no file"):
        scenarios.load(str(tmp_path / "folder.toml"))
    with pytest.raises(InputError, match=r"no scenario `api-1k`.*did you mean `api-10k`\?$"):
        scenarios.load("api-1k")


def test_options_change_every_run():
    options = Options(
        rate=50.0,
        duration=2.0,
        thresholds=(parse_threshold("x", "response:p(99)<9ms"),),
        latency=read_latency("x", "5ms"),
        agent="shop:support",
        only="NO MODEL",
    )
    (run,) = changed(scenarios.load("api-10k"), options).runs
    assert isinstance(run, ApiRun)
    assert (run.load.rate, run.load.duration, run.load.warmup) == (50.0, 2.0, 3.0)
    assert run.thresholds[-1].text == "response:p(99)<9ms"
    assert "response:p(99)<=1ms" not in [threshold.text for threshold in run.thresholds]
    assert (run.agent.reference, run.model.latency.text) == ("shop:support", "5ms")


def test_how_many_agents_can_be_given():
    for run in changed(scenarios.load("batch-1000"), Options(agents=7)).runs:
        assert isinstance(run, BatchRun)
        assert run.agents == 7


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "batch-1000",
            Options(rate=1.0),
            "`--rate` is for the workload api; `batch-1000` is of `batch`",
        ),
        (
            "api-10k",
            Options(engine="ray"),
            "`--engine` is for the workload batch or multi-agent; `api-10k` is of `api`",
        ),
        (
            "batch-1m",
            Options(find_max=True),
            "`--find-max` is for the workload api; `batch-1m` is of `batch`",
        ),
        (
            "api-10k",
            Options(only="slow"),
            (
                "no run of `api-10k` has `slow` in its name; they are `no model time`,"
                " `model takes 300 ms`"
            ),
        ),
    ],
)
def test_an_option_that_does_nothing_is_refused(name, options, message):
    with pytest.raises(InputError) as caught:
        changed(scenarios.load(name), options)
    assert str(caught.value) == message
