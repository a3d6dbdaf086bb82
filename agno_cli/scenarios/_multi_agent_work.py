"""The working together of agents, in the process that is measured."""

from __future__ import annotations

import asyncio  # noqa: TID253 - imported by the worker that needs it
import gc
import tracemalloc
from collections.abc import Iterator
from time import perf_counter

from agno_cli._errors import ConfigurationError
from agno_cli.scenarios._colleagues import delays_of, make_colleagues, read_value
from agno_cli.scenarios._colleagues_run import Work, make_team
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._multi_agent_job import MultiAgentDone, MultiAgentJob
from agno_cli.scenarios._topology import make_graph

_MOST_WRONG = 3


def work_together(job: MultiAgentJob) -> MultiAgentDone:
    """Do a job, on uvloop where it is installed.

    Raises:
        InputError, ConfigurationError: the agents cannot be made, or not work so.
    """
    if job.through == "team" and job.failure != "none":
        raise ConfigurationError('`failure` is for `through = "tasks"`')
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_Job(job).do())
    done: MultiAgentDone = uvloop.run(_Job(job).do())
    return done


class _Job:
    def __init__(self, job: MultiAgentJob) -> None:
        self._job = job
        self._graph = make_graph(job.topology, job.agents, rounds=job.rounds, fanout=job.fanout)
        self._delays = [0.0] * job.agents if job.model.name else delays_of(job.model, job.agents)
        self._victim = job.agents // 2
        self._agents = make_colleagues(
            job.agent, job.model, self._delays, job.failure, self._victim, job.timeout
        )
        self._team = None
        if job.through == "team":
            self._team = make_team(job.topology, self._graph, self._agents)
            self._team.check()
        self._hops = Histogram()
        self._makespans: list[float] = []
        self._wrong: list[str] = []
        self._orphans = 0
        self._last: Work | None = None

    async def do(self) -> MultiAgentDone:
        if self._job.way == "traced":
            return MultiAgentDone(peak=await self._peak())
        if not any(self._delays) and self._job.failure == "none" and not self._job.model.name:
            await self._once()  # warm; where models take their time nothing else does
        for _ in range(self._job.repeats):
            gc.collect()
            work = await self._once()
            self._orphans += len(asyncio.all_tasks()) - 1
            self._makespans.append(work.makespan)
            self._take(work)
        return self._done()

    async def _once(self) -> Work:
        work = Work(self._graph, self._agents, self._job.agent.prompt)
        if self._team is not None:
            began = perf_counter()
            output = await self._team.arun(self._job.agent.prompt)
            work.makespan = perf_counter() - began
            work.said[-1] = output.content  # a Team tells the answer of the last one only
            return work
        if self._job.failure == "cancel":
            work.cancel(self._victim, self._job.timeout)
        await work.do()
        return work

    async def _peak(self) -> float:
        await self._once()
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await self._once()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return peak - before

    def _take(self, work: Work) -> None:
        self._last = work
        self._wrong += [
            problem
            for problem, _ in zip(self._problems(work), range(_MOST_WRONG), strict=False)
            if len(self._wrong) < _MOST_WRONG
        ]
        if self._job.through == "tasks":
            self._hops.record(
                work.ended[run] - work.ready[run] - self._delays[self._graph.agent_of(run)]
                for run, said in enumerate(work.said)
                if said is not None
            )

    def _problems(self, work: Work) -> Iterator[str]:
        """Hold what every run said against what it must have said."""
        failing = set() if self._job.failure == "none" else {self._victim}
        expected = self._graph.values(failing)
        only_last = self._job.through == "team"
        runs = range(len(expected) - 1 if only_last else 0, len(expected))
        for run in runs:
            said, agent = work.said[run], self._graph.agent_of(run)
            if self._job.model.name:
                if said is None and expected[run] is not None:
                    yield f"agent-{agent} gave no answer: {work.failed.get(run, 'heard nobody')}"
                continue
            value = None if said is None else read_value(said, agent)
            if value != expected[run]:
                why = work.failed.get(run, f"it came to {value} instead of {expected[run]}")
                yield f"agent-{agent}: {why}"

    def _done(self) -> MultiAgentDone:
        work = self._last
        assert work is not None, "there is at least one repeat"
        sizes = [0 if said is None else len(said.encode()) for said in work.said]
        sent = [
            sizes[run] for heard in self._graph.hears for run in heard if work.said[run] is not None
        ]
        answered = sum(said is not None for said in work.said)
        by_team = self._job.through == "team"
        return MultiAgentDone(
            makespans=tuple(self._makespans),
            hops=self._hops.encode() if self._hops.count else "",
            critical=self._graph.critical_path(self._delays),
            messages=self._graph.messages if by_team else len(sent),
            message_bytes=sum(sent),
            answered=len(work.said) if by_team else answered,
            skipped=0 if by_team else len(work.said) - answered - len(work.failed),
            failed={f"agent-{self._graph.agent_of(run)}": why for run, why in work.failed.items()},
            wrong=tuple(self._wrong),
            orphans=self._orphans,
            loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
        )
