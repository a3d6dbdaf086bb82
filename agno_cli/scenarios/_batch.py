"""Many agents created at once: cold and warm, kept and dropped, what they take and leave."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import cast

from agno_cli.scenarios._batch_job import BatchDone, BatchJob, Way
from agno_cli.scenarios._concluded import Findings, Tell, carry_out
from agno_cli.scenarios._definition import BatchRun, Scenario
from agno_cli.scenarios._engines import Crew, Engine
from agno_cli.scenarios._histogram import Histogram, merged
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._result import Report, Row, RunResult, gauge, trend
from agno_cli.scenarios._run import Summary

# Memory of fewer is lost in the system's pages and in Python's arenas of a megabyte.
_LEAST_RESIDENT = 100_000
# Single creations in each process are timed in two batches of at least so many: the first few
# after the collector has run are slower, and not what a batch is made of.
_SINGLE = 1_000
_AHEAD_SECONDS = 0.02


def run(scenario: Scenario, options: Options, report: Report) -> Iterator[RunResult | Summary]:
    """Do the runs of a scenario, to which the options have been applied."""
    del options
    return carry_out(scenario, report, lambda *given: _Batch(*given).measure())


class _Batch:
    """The measuring of one run."""

    def __init__(self, one: BatchRun, engine: Engine, findings: Findings, tell: Tell) -> None:
        self._run = one
        self._engine = engine
        self._findings = findings
        self._tell = tell
        self._step = 0
        self._cold: list[float] = []
        self._warm: list[float] = []
        self._alone: list[float] = []
        self._dropped: list[float] = []
        self._teardown: list[float] = []
        self._singles: list[Histogram] = []
        self._clock: list[float] = []
        self._startup: list[float] = []
        self._disturbed = 0
        collected = "" if one.collector else ", the garbage collector turned off"
        findings.conditions = (
            f"{one.agents:,} agents, {engine.name}, {one.repeats} times afresh, each"
            f" 1 cold and {one.warm} warm batches{collected}"
        )

    def measure(self) -> None:
        """Measure everything; what is found is kept as soon as it is."""
        self._check()
        for _ in range(self._run.repeats):
            self._next("making batches")
            with self._engine.crew() as crew:
                self._startup.append(crew.startup)
                self._time(crew)
            if self._engine.workers > 1:
                self._next("making batches with one worker")
                with self._engine.crew(1) as crew:
                    self._alone += self._batches(crew, [self._run.agents])[1:]
            self._sum_up()
        self._count()
        self._weigh()

    def _next(self, what: str) -> None:
        many = 2 if self._engine.workers > 1 else 1
        total = many * self._run.repeats + 2 + 1 + len(self._run.sizes)
        self._tell(self._step, total, what)
        self._step += 1

    def _check(self) -> None:
        self._next("checking that the agents work")
        with self._engine.crew(1) as crew:
            done = self._do(crew, "checked", self._run.agents)
        if not done.runs:
            self._findings.notes.append("the agents were not run: their model is a real one")
        elif done.ids == done.runs:
            self._findings.notes.append(
                f"{done.runs:,} of {self._run.agents:,} agents were run once, outside of what is"
                f" timed: all answered, with {done.ids:,} different run ids"
            )
        else:
            self._findings.wrong.append(f"{done.runs:,} runs had {done.ids:,} different ids")

    def _time(self, crew: Crew) -> None:
        size, shares = crew.size, _shares(self._run.agents, crew.size)
        losses = len(crew.losses)
        seconds = self._batches(crew, shares)
        if len(crew.losses) > losses:
            self._disturbed += 1  # the time in which a worker was missed is no batch's
            return
        self._cold.append(seconds[0])
        self._warm += seconds[1:]
        agents = self._run.agents
        if size == 1:
            self._dropped += self._do(crew, "dropped", agents, 1 + self._run.warm).seconds[1:]
        single = self._do(crew, "single", max(agents, _SINGLE), 2)
        self._singles.append(Histogram.decode(single.histogram))
        self._clock.append(single.clock)

    def _batches(self, crew: Crew, shares: list[int]) -> list[float]:
        """Give the seconds of one cold batch and then of warm ones."""
        count = 1 + self._run.warm
        if len(shares) == 1:
            done = self._do(crew, "kept", shares[0], count)
            self._teardown += done.teardown[1:]
            return list(done.seconds)
        return [self._together(crew, shares) for _ in range(count)]

    def _together(self, crew: Crew, shares: list[int]) -> float:
        """Have all begin at once, and give the seconds until the last one has ended."""
        same_clock = len(crew.clocks) == 1
        at = perf_counter() + _AHEAD_SECONDS if crew.clocks == _own_clock() else 0.0
        jobs = [self._job("kept", share, at=at) for share in shares]
        done = [cast("BatchDone", one) for one in crew.do(jobs)]
        if same_clock:
            return max(one.ended for one in done) - min(one.started for one in done)
        return max(one.seconds[-1] for one in done)

    def _job(self, way: Way, agents: int, batches: int = 1, at: float = 0.0) -> BatchJob:
        return BatchJob(
            agent=self._run.agent,
            model=self._run.model,
            way=way,
            agents=agents,
            batches=batches,
            collector=self._run.collector,
            at=at,
        )

    def _do(self, crew: Crew, way: Way, agents: int, batches: int = 1) -> BatchDone:
        return cast("BatchDone", crew.do([self._job(way, agents, batches)])[0])

    def _sum_up(self) -> None:
        metrics, agents = self._findings.metrics, self._run.agents
        metrics["startup"] = gauge(median(self._startup))
        if not self._cold:
            return
        times = self._warm or self._cold
        whole = median(times)
        spread = f"median of {len(times):,} batches; fastest {_ms(min(times))}"
        metrics["time"] = gauge(whole, spread)
        metrics["time_per_agent"] = gauge(whole / agents)
        metrics["cold"] = gauge(median(self._cold))
        metrics["throughput"] = gauge(agents / whole)
        metrics["create"] = trend(merged(self._singles), self._told_clock())
        if self._dropped:
            metrics["dropped"] = gauge(median(self._dropped))
        if self._teardown:
            metrics["teardown"] = gauge(median(self._teardown))
        if self._alone and self._warm:
            metrics["speedup"] = gauge(
                median(self._alone) / whole,
                f"one worker takes {_ms(median(self._alone))}; starting them is not in it",
            )

    def _told_clock(self) -> str:
        return (
            f"reading the clock takes {1e9 * median(self._clock):.0f} ns by itself, which are"
            " taken off"
        )

    def _count(self) -> None:
        self._next("counting live bytes and allocations")
        with self._engine.crew(1) as crew:
            done = self._do(crew, "counted", self._run.agents)
        metrics = self._findings.metrics
        metrics["bytes_per_agent"] = gauge(done.bytes)
        metrics["bytes"] = gauge(done.bytes * self._run.agents)
        if done.allocations is not None:
            metrics["allocations"] = gauge(done.allocations)
        self._findings.notes += done.notes
        if self._disturbed:
            self._findings.notes.append(
                f"{self._disturbed} of {self._run.repeats} repeats lost a worker: their times are"
                " left out"
            )

    def _weigh(self) -> None:
        """Measure resident memory, of as many agents as show in it."""
        sizes = sorted({max(self._run.agents, _LEAST_RESIDENT), *self._run.sizes})
        each: dict[int, float] = {}
        for size in sizes:
            self._next(f"weighing {size:,} agents")
            with self._engine.crew(1) as crew:
                each[size] = self._do(crew, "resident", size).bytes / size
            self._findings.rows.append(Row(f"resident for each of {size:,}", "bytes", each[size]))
        metrics, agents = self._findings.metrics, self._run.agents
        told = max(agents, _LEAST_RESIDENT)
        metrics["rss_per_agent"] = gauge(each[told], f"of {told:,} agents and their list")
        if told == agents:
            metrics["rss"] = gauge(each[told] * agents)
        if len(sizes) > 1:
            metrics["memory_ratio"] = gauge(each[sizes[-1]] / each[sizes[0]])
        else:
            self._findings.rows.clear()


def _own_clock() -> set[str]:
    from agno_cli.scenarios._process import clock_name

    return {clock_name()}


def _shares(agents: int, workers: int) -> list[int]:
    """Share agents out, as evenly as can be.

    >>> _shares(10, 4)
    [3, 3, 2, 2]
    """
    shares = [agents // workers + (number < agents % workers) for number in range(workers)]
    return [share for share in shares if share]


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
