"""Many agents at once: what is measured of them, beside what was stated."""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from agno_cli import InputError, scenarios
from agno_cli.scenarios import _batch
from agno_cli.scenarios._batch import _shares
from agno_cli.scenarios._batch_job import BatchDone, BatchJob
from agno_cli.scenarios._batch_work import make_batch
from agno_cli.scenarios._concluded import Findings
from agno_cli.scenarios._creation import creation, loops_of
from agno_cli.scenarios._definition import AgentTable, BatchRun, ModelTable, Scenario
from agno_cli.scenarios._engines import Loss, ProcessEngine
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._result import Progress, RunResult, ScenarioResult
from agno_cli.scenarios._thresholds import parse_threshold

MINE = """
from agno_cli import Agent, Memory, ScriptedModel, tool
@tool
def look_up(key: str) -> str:
    "Look something up."
    raise AssertionError("tools are not called")
mine = Agent("nobody:nothing", tools=[look_up], memory=Memory(), instructions="Be brief.")
"""


def scenario(**changes) -> Scenario:
    run = BatchRun(**{"agents": 200, "repeats": 1, "warm": 2, **changes})
    return Scenario(name="few", summary="", workload="batch", runs=(run,))


def measured(result: ScenarioResult) -> dict[str, float]:
    (run,) = result.runs
    return {name: metric.value for name, metric in run.metrics.items()}


@pytest.fixture
def light(monkeypatch):
    monkeypatch.setattr(_batch, "_LEAST_RESIDENT", 10_000)


@pytest.mark.usefixtures("light")
def test_a_batch_is_made_cold_and_warm_kept_and_dropped():
    thresholds = (parse_threshold("t", "time:value<1s"), parse_threshold("t", "bytes:value<1B"))
    steps: list[Progress] = []
    result = scenarios.run(
        scenario(thresholds=thresholds, stated={"time": "0.18 ms"}), report=steps.append
    )
    (run,) = result.runs
    assert (run.conclusion, run.reason) == ("too slow", "missed bytes:value<1B")
    assert set(run.metrics) == {
        *("startup", "time", "time_per_agent", "cold", "dropped", "throughput", "create"),
        *("teardown", "bytes", "bytes_per_agent", "allocations", "rss_per_agent"),
    }
    values = measured(result)
    assert values["bytes"] == 200 * values["bytes_per_agent"]
    assert 50 < values["bytes_per_agent"] < 300
    assert values["allocations"] == 1
    assert values["time"] == pytest.approx(200 * values["time_per_agent"])
    assert run.histograms["create"].count == 2_000
    assert "reading the clock takes" in run.metrics["create"].note
    (time_row,) = [row for row in run.rows if row.subject == "time:value"]
    assert (time_row.stated, time_row.verdicts[0].outcome) == ("0.18 ms", "pass")
    (note,) = run.notes
    assert note == (
        "200 of 200 agents were run once, outside of what is timed: all answered, with 200"
        " different run ids"
    )
    assert [step.what for step in steps] == [
        "starting",
        "checking that the agents work",
        "making batches",
        "counting live bytes and allocations",
        "weighing 10,000 agents",
    ]
    assert (steps[-1].done, steps[-1].total) == (3, 4)


@pytest.mark.usefixtures("light")
def test_two_processes_are_held_against_one():
    options = Options(engine="processes", workers=2)
    result = scenarios.run(scenario(collector=False), options)
    (run,) = result.runs
    assert run.conditions == (
        "200 agents, 2 processes, 1 times afresh, each 1 cold and 2 warm batches, the garbage"
        " collector turned off"
    )
    assert measured(result)["speedup"] > 0
    assert "dropped" not in run.metrics


@pytest.mark.usefixtures("light")
def test_memory_of_several_sizes_is_compared():
    result = scenarios.run(scenario(sizes=(20_000, 40_000)))
    (run,) = result.runs
    assert 0.5 < measured(result)["memory_ratio"] < 2
    assert [row.subject for row in run.rows[-3:]] == [
        "resident for each of 10,000",
        "resident for each of 20,000",
        "resident for each of 40,000",
    ]


def test_an_interrupt_keeps_what_there_is():
    def interrupt(progress):
        if progress.what == "counting live bytes and allocations":
            raise KeyboardInterrupt

    result = scenarios.run(scenario(warm=0), report=interrupt)
    (run,) = result.runs
    assert (result.partial, result.interrupted, run.partial) == (True, True, True)
    assert (run.conclusion, run.reason) == ("interrupted", "these are partial results")
    assert run.metrics["time"].value == run.metrics["cold"].value


def test_times_of_a_repeat_that_lost_a_worker_are_left_out():
    class Losing(ProcessEngine):
        def __init__(self) -> None:
            super().__init__(1)
            self.losses = [Loss("worker 0", "early")]

    class Unlucky(_batch._Batch):
        def _batches(self, crew, shares):
            crew.losses.append(Loss("worker 1", "it was killed", "worker 2"))
            return super()._batches(crew, shares)

    findings, engine = Findings(name="few"), Losing()
    one = BatchRun(agents=200, repeats=1, warm=0)
    Unlucky(one, engine, findings, lambda *_: None).measure()
    assert "time" not in findings.metrics
    assert "1 of 1 repeats lost a worker: their times are left out" in findings.notes


def test_an_agent_of_the_users_is_made_as_they_wrote_it(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    agent = AgentTable(reference=f"{tmp_path / 'mine.py'}:mine")
    operation = creation(agent, ModelTable())
    first, second = loops_of(operation).kept(2)
    assert first.memory is not second.memory
    assert (first.instructions, len(first.tools)) == ("Be brief.", 1)
    checked = make_batch(job("checked", agent=agent))
    assert (checked.runs, checked.ids) == (10, 10)


def test_a_real_model_is_not_asked(tmp_path):
    model = ModelTable(name="openai:gpt-5-mini")
    assert make_batch(job("checked", model=model)) == BatchDone()
    (tmp_path / "mine.py").write_text(MINE)
    agent = AgentTable(reference=f"{tmp_path / 'mine.py'}:mine")
    assert make_batch(job("checked", model=model, agent=agent)) == BatchDone()
    assert loops_of(creation(agent, model)).kept(1)[0].model == "openai:gpt-5-mini"


def test_tools_and_memory_are_made_as_the_file_says():
    agent = AgentTable(tools=2, memory=True)
    (made,) = loops_of(creation(agent, ModelTable())).kept(1)
    assert [tool.name for tool in made.tools] == ["look_up_0", "look_up_1"]
    assert made.tools[1].call(key="a") == "a"
    assert make_batch(job("checked", agent=agent)).ids == 10


def job(way="kept", agents=10, **changes) -> BatchJob:
    given = {"agent": AgentTable(), "model": ModelTable(), **changes}
    return BatchJob(way=way, agents=agents, **given)


def test_a_batch_begins_when_it_is_told_to():
    at = time.perf_counter() + 0.05
    done = make_batch(job(at=at, batches=2, collector=False))
    assert at <= done.started < done.ended
    assert len(done.seconds) == len(done.teardown) == 2


def test_single_creations_are_timed_without_the_clock():
    done = make_batch(job("single", batches=3))
    histogram = Histogram.decode(done.histogram)
    assert (histogram.count, done.clock > 0) == (30, True)


@pytest.mark.slow
def test_resident_memory_is_close_to_what_is_counted():
    counted = make_batch(job("counted"))
    # In a fresh process, as the scenario does it: this one holds freed memory to reuse.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        done = pool.submit(make_batch, job("resident", agents=200_000)).result()
    resident = done.bytes / 200_000
    assert counted.bytes < resident < 1.5 * counted.bytes  # and 8 bytes in the list


def test_shares_are_even():
    assert _shares(10, 4) == [3, 3, 2, 2]
    assert _shares(2, 4) == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(workers=2), "`--workers` is for many; add `--engine processes` or `--engine ray`"),
        (Options(engine="processes", workers=0), "`--workers 0` is out of range"),
        (Options(address="host:1"), "`--address` is of a Ray cluster; add `--engine ray`"),
        (Options(agents=0), "`--agents 0` is out of range; give from 1 to 10,000,000"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        scenarios.run(scenario(), options)


def test_asking_for_an_engine_chooses_the_runs_that_are_about_it():
    from agno_cli.scenarios._options import changed

    million = scenarios.load("batch-1m")
    assert _names(changed(million, Options(engine="one"))) == [
        "one process",
        "one process, garbage collector on",
    ]
    chosen = changed(million, Options(engine="processes", workers=4))
    assert _names(chosen) == ["two processes"]
    assert chosen.runs[0].workers == 4  # type: ignore[union-attr]
    assert [run.engine for run in changed(million, Options(engine="ray")).runs] == ["ray", "ray"]  # type: ignore[union-attr]


def _names(given: Scenario) -> list[str]:
    return [run.name for run in given.runs]


def test_the_thresholds_are_those_that_were_promised():
    (thousand,) = scenarios.load("batch-1000").runs
    assert [t.text for t in thousand.thresholds] == ["time:value<=0.12ms", "bytes:value<=0.13MB"]
    one, _, two = scenarios.load("batch-1m").runs
    assert [t.text for t in one.thresholds][:2] == ["time:value<=0.3s", "bytes:value<=150MB"]
    assert [t.text for t in two.thresholds] == ["speedup:value>=1.8"]


def test_a_problem_is_a_result():
    findings = Findings(name="few", problem="the workers are gone")
    result = findings.result(BatchRun())
    assert isinstance(result, RunResult)
    assert (result.conclusion, result.reason, result.partial) == (
        "problem",
        "the workers are gone",
        True,
    )
