"""Agents that work together: how long it takes, and what of that is not their models' time."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import cast

from agno_cli.scenarios._batch_job import BatchDone, BatchJob
from agno_cli.scenarios._batch_job import Way as BatchWay
from agno_cli.scenarios._concluded import Findings, Tell, carry_out
from agno_cli.scenarios._definition import MultiAgentRun, Scenario
from agno_cli.scenarios._engines import Crew, Engine
from agno_cli.scenarios._histogram import Histogram, merged
from agno_cli.scenarios._multi_agent_job import MultiAgentDone, MultiAgentJob, Way
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._result import Report, Row, RunResult, gauge, trend
from agno_cli.scenarios._run import Summary
from agno_cli.scenarios._work import Job

_BATCHES = 50


def run(scenario: Scenario, options: Options, report: Report) -> Iterator[RunResult | Summary]:
    """Do the runs of a scenario, to which the options have been applied."""
    del options
    return carry_out(scenario, report, _measure)


def _measure(one: MultiAgentRun, engine: Engine, findings: Findings, tell: Tell) -> None:
    shape = one.topology if one.through == "tasks" else f"{one.topology} as a Team"
    latency = one.model.name or f"model takes {one.model.latency.text}"
    findings.conditions = f"{one.agents:,} agents, {shape}, {latency}, {engine.name}"
    if one.model.name:
        findings.notes.append(f"{one.model.name} is asked in one repeat only: it is paid for")
    with engine.crew() as crew:
        findings.metrics["startup"] = gauge(crew.startup)
        tell(1, 3, f"{one.agents:,} agents, {one.repeats} times")
        jobs: list[Job] = [_job(one, "timed", share) for share in _repeats(one, crew)]
        done = [cast("MultiAgentDone", each) for each in crew.do(jobs)]
        _take(done, one, findings)
        if not one.model.name and one.failure == "none":
            tell(2, 3, "weighing them")
            _take_memory(one, crew, findings)


def _repeats(one: MultiAgentRun, crew: Crew) -> list[int]:
    count = 1 if one.model.name else one.repeats
    workers = min(crew.size, count)
    return [count // workers + (number < count % workers) for number in range(workers)]


def _job(one: MultiAgentRun, way: Way, repeats: int) -> MultiAgentJob:
    return MultiAgentJob(
        agent=one.agent,
        model=one.model,
        way=way,
        agents=one.agents,
        topology=one.topology,
        through=one.through,
        rounds=one.rounds,
        fanout=one.fanout,
        failure=one.failure,
        timeout=one.timeout,
        repeats=repeats,
    )


def _take(done: list[MultiAgentDone], one: MultiAgentRun, findings: Findings) -> None:
    metrics, first = findings.metrics, done[0]
    makespans = [seconds for each in done for seconds in each.makespans]
    metrics["makespan"] = trend(Histogram(makespans))
    if first.hops:
        metrics["hop"] = trend(merged(Histogram.decode(each.hops) for each in done))
    if first.critical and one.failure == "none":
        worst = first.critical / max(makespans)
        metrics["efficiency"] = gauge(
            first.critical / median(makespans),
            f"critical path {1e3 * first.critical:,.0f} ms; worst of {len(makespans)}"
            f" {100 * worst:.1f} %",
        )
    metrics["messages"] = gauge(first.messages)
    if first.message_bytes:
        metrics["message_bytes"] = gauge(first.message_bytes)
    metrics["orphans"] = gauge(sum(each.orphans for each in done))
    findings.wrong += dict.fromkeys(problem for each in done for problem in each.wrong)
    if metrics["orphans"].value:
        findings.wrong.append(f"{metrics['orphans'].value:.0f} tasks were left over")
    findings.notes += _told(first, one)


def _told(done: MultiAgentDone, one: MultiAgentRun) -> Iterator[str]:
    """Say what came out, which has been compared with what must."""
    if done.wrong:
        return
    if one.failure == "none":
        held = "all of them, to the last message" if one.through == "tasks" else "the last one's"
        checked = "came" if one.model.name else f"were right ({held})"
        yield f"{done.answered:,} answers {checked}; event loop: {done.loop}"
        return
    whom = "; ".join(f"{name}: {why}" for name, why in done.failed.items())
    yield (
        f"{whom}: {done.answered:,} others answered rightly without it, and {done.skipped:,} had"
        " nobody to hear"
    )


def _take_memory(one: MultiAgentRun, crew: Crew, findings: Findings) -> None:
    """Measure what the agents take, at rest and at work, and how long it takes to create them."""
    counted, created = _create(one, "counted", crew), _create(one, "kept", crew)
    metrics = findings.metrics
    metrics["time"] = gauge(median(created.seconds), f"to create the {one.agents:,} agents")
    metrics["bytes_per_agent"] = gauge(counted.bytes)
    metrics["bytes"] = gauge(counted.bytes * one.agents)
    (traced,) = crew.do([_job(one, "traced", 1)])
    peak = cast("MultiAgentDone", traced).peak
    metrics["working_bytes"] = gauge(peak / one.agents)
    findings.rows.append(Row("live at the peak of a run, all", "bytes", peak))


def _create(one: MultiAgentRun, way: BatchWay, crew: Crew) -> BatchDone:
    job = BatchJob(agent=one.agent, model=one.model, way=way, agents=one.agents, batches=_BATCHES)
    return cast("BatchDone", crew.do([job])[0])
