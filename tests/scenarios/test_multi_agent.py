"""Agents that work together: right to the last message, whatever happens to one of them."""

import pytest

from agno_cli import ConfigurationError, InputError, scenarios
from agno_cli.scenarios._colleagues import delays_of, make_colleagues, read_value
from agno_cli.scenarios._definition import (
    AgentTable,
    Failure,
    ModelTable,
    MultiAgentRun,
    Scenario,
    Topology,
)
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._multi_agent import _told
from agno_cli.scenarios._multi_agent_job import MultiAgentDone, MultiAgentJob
from agno_cli.scenarios._multi_agent_work import _Job, work_together
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._quantities import read_latency
from agno_cli.scenarios._result import RunResult
from agno_cli.scenarios._thresholds import parse_threshold

MINE = """
from agno_cli import Agent, Memory
mine = Agent("nobody:nothing", memory=Memory(), instructions="Be brief.", output_type=int)
"""
TOPOLOGIES: list[Topology] = ["chain", "fan-out", "tree", "all-to-all"]


def job(topology: Topology = "fan-out", **changes) -> MultiAgentJob:
    given = {
        "agent": AgentTable(),
        "model": ModelTable(),
        "way": "timed",
        "agents": 12,
        "through": "tasks",
        "rounds": 2,
        "fanout": 3,
        "failure": "none",
        "timeout": 0.05,
        "repeats": 2,
        **changes,
    }
    return MultiAgentJob(topology=topology, **given)


def slow(text: str) -> ModelTable:
    return ModelTable(latency=read_latency("latency", text))


@pytest.mark.parametrize(
    ("topology", "answered", "messages"),
    [("chain", 12, 11), ("fan-out", 12, 20), ("tree", 12, 11), ("all-to-all", 24, 132)],
)
def test_every_message_arrives(topology, answered, messages):
    done = work_together(job(topology))
    assert (done.answered, done.messages, done.skipped, done.failed) == (answered, messages, 0, {})
    assert (done.wrong, done.orphans, len(done.makespans)) == ((), 0, 2)
    assert Histogram.decode(done.hops).count == 2 * answered
    assert done.message_bytes > 40 * messages


@pytest.mark.parametrize("topology", ["chain", "fan-out", "tree"])
@pytest.mark.parametrize("agents", [2, 3, 12])
def test_a_team_of_the_same_shape_comes_to_the_same(topology, agents):
    done = work_together(job(topology, through="team", agents=agents))
    assert (done.wrong, done.orphans, done.answered) == ((), 0, agents)


def test_no_team_has_all_to_all_or_a_failure():
    with pytest.raises(ConfigurationError, match="there is no Team of the shape all-to-all"):
        work_together(job("all-to-all", through="team"))
    with pytest.raises(ConfigurationError, match='`failure` is for `through = "tasks"`'):
        work_together(job(through="team", failure="fail"))


FAILURES: list[tuple[Failure, str]] = [
    ("fail", "ModelError: scripted: it fails, as it was told to"),
    ("hang", "LimitReached: limit of 0.05 seconds reached"),
    ("cancel", "RunCancelled: the run was cancelled"),
]


@pytest.mark.parametrize(("failure", "reason"), FAILURES)
@pytest.mark.parametrize(
    ("topology", "answered", "skipped"),
    [("chain", 6, 5), ("fan-out", 11, 0), ("tree", 11, 0), ("all-to-all", 22, 0)],
)
def test_one_that_fails_hangs_or_is_cancelled_costs_only_what_hung_on_it(
    topology, answered, skipped, failure, reason
):
    done = work_together(job(topology, failure=failure, repeats=1))
    assert (done.answered, done.skipped, done.wrong, done.orphans) == (answered, skipped, (), 0)
    assert list(done.failed) == ["agent-6"]
    assert done.failed["agent-6"].startswith(reason)
    assert done.makespans[0] < 5


def test_models_that_take_their_time_are_waited_for_together():
    done = work_together(job("fan-out", model=slow("30ms"), repeats=1))
    assert done.critical == pytest.approx(0.09)
    assert 0.09 <= done.makespans[0] < 0.3


def test_each_model_takes_its_own_time():
    delays = delays_of(slow("uniform(10ms, 20ms)"), 50)
    assert min(delays) >= 0.01
    assert max(delays) <= 0.02
    assert len(set(delays)) == 50
    assert delays != sorted(delays)


async def test_what_comes_out_wrong_is_told():
    work = _Job(job("chain", agents=4))
    agents = list(work._agents)
    agents[1] = agents[3]  # an impostor
    work._agents = agents
    done = await work.do()
    assert done.wrong[0].startswith("agent-1: it came to None instead of ")
    assert len(done.wrong) == 3


def test_peak_memory_is_traced_in_a_run_of_its_own():
    done = work_together(job(way="traced"))
    assert done.peak > 0
    assert done.makespans == ()


def test_an_agent_of_the_users_works_with_others(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    reference = f"{tmp_path / 'mine.py'}:mine"
    done = work_together(job("tree", agent=AgentTable(reference=reference)))
    assert (done.answered, done.wrong) == (12, ())
    agent = AgentTable(reference=reference)
    first, second = make_colleagues(agent, ModelTable(), [0.0, 0.0], "none", 0, 1.0)
    assert first.memory is not second.memory
    assert (first.instructions, first.output_type, second.name) == ("Be brief.", None, "agent-1")


def test_values_are_read_from_among_words():
    assert read_value("Well: #3=17; and #13=4; so", 13) == 4
    assert read_value("Well: #13=4;", 3) is None


def scenario(**changes) -> Scenario:
    run = MultiAgentRun(**{"agents": 10, "repeats": 4, **changes})
    return Scenario(name="ten", summary="", workload="multi-agent", runs=(run,))


def only(given: Scenario, options: Options | None = None) -> RunResult:
    (run,) = scenarios.run(given, options or Options()).runs
    return run


def test_the_whole_is_measured_and_held_against_thresholds():
    thresholds = tuple(
        parse_threshold("t", text)
        for text in ("makespan:med<5s", "orphans:value<=0", "bytes:value<1B")
    )
    run = only(scenario(thresholds=thresholds, stated={"bytes": "120 KB"}))
    assert (run.conclusion, run.reason) == ("too slow", "missed bytes:value<1B")
    assert set(run.metrics) == {
        *("startup", "makespan", "hop", "messages", "message_bytes", "orphans"),
        *("time", "bytes", "bytes_per_agent", "working_bytes"),
    }
    assert run.histograms["makespan"].count == 4
    assert run.histograms["hop"].count == 40
    assert run.metrics["messages"].value == 16
    (note,) = run.notes
    assert note.startswith("10 answers were right (all of them, to the last message); event loop:")


def test_repeats_are_shared_out_among_processes():
    run = only(scenario(model=slow("1ms")), Options(engine="processes", workers=3))
    assert run.conditions == "10 agents, fan-out, model takes 1ms, 3 processes"
    assert run.histograms["makespan"].count == 4
    assert run.histograms["hop"].count == 40
    assert 0 < run.metrics["efficiency"].value <= 1
    assert "critical path 3 ms" in run.metrics["efficiency"].note


def test_a_failure_is_told_with_what_is_left():
    run = only(scenario(topology="chain", failure="fail", repeats=1))
    assert run.conclusion == "pass"
    (note,) = run.notes
    assert note == (
        "agent-5: ModelError: scripted: it fails, as it was told to (a retry would not help):"
        " 5 others answered rightly without it, and 4 had nobody to hear"
    )


def test_what_is_wrong_fails_the_run():
    assert list(_told(MultiAgentDone(wrong=("agent-1: it came to 3",)), MultiAgentRun())) == []


def test_a_file_that_names_no_agent_is_an_error():
    with pytest.raises(InputError, match=r"--agent: there is no file `no\.py`"):
        only(scenario(agent=AgentTable(reference="no.py:mine")))


def test_an_interrupt_is_partial():
    def interrupt(progress):
        if progress.what == "weighing them":
            raise KeyboardInterrupt

    result = scenarios.run(scenario(), report=interrupt)
    assert (result.interrupted, result.runs[0].conclusion) == (True, "interrupted")
    assert result.runs[0].histograms["makespan"].count == 4


def test_the_scenario_that_comes_with_the_package_holds_what_was_promised():
    promised = {
        run.name: [threshold.text for threshold in run.thresholds]
        for run in scenarios.load("multi-agent-100").runs
    }
    assert promised["fan-out"] == ["makespan:med<=1.2ms"]
    assert promised["fan-out, model takes 100 ms"] == ["efficiency:value>=95%"]
    assert promised["fan-out, one agent fails"] == ["orphans:value<=0"]
