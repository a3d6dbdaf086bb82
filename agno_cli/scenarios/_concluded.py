"""Runs that workers do: begun, reported, concluded; the same for all such workloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeAlias

from msgspec import Struct

from agno_cli.scenarios._definition import Crewed, Scenario, Shared
from agno_cli.scenarios._engines import Engine, opened
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._result import (
    Conclusion,
    Measured,
    Progress,
    Report,
    Row,
    RunResult,
    judge,
    rows_of,
)
from agno_cli.scenarios._work import WorkFailedError

# How many steps are done, of how many, and what the next one is.
Tell: TypeAlias = Callable[[int, int, str], None]


class Findings(Struct, kw_only=True):
    """What a run has found so far.

    Attributes:
        conditions: what was equal, in words.
        wrong: what did not come out as it must; then the run has failed.
        problem: why it could not be measured, or not to its end.
        interrupted: the user said so.
    """

    name: str
    conditions: str = ""
    metrics: dict[str, Measured] = {}
    rows: list[Row] = []
    notes: list[str] = []
    errors: dict[str, int] = {}
    wrong: list[str] = []
    problem: str = ""
    interrupted: bool = False
    seconds: float = 0.0

    def result(self, run: Shared) -> RunResult:
        """Hold it against the run's thresholds."""
        histograms = {
            name: Histogram.decode(metric.histogram)
            for name, metric in self.metrics.items()
            if metric.histogram
        }
        verdicts = judge(run.thresholds, self.metrics, histograms)
        missed = [v.threshold.text for v in verdicts if v.outcome == "fail"]
        conclusion, reason = self._conclude(missed)
        return RunResult(
            name=self.name,
            conditions=self.conditions,
            conclusion=conclusion,
            reason=reason,
            seconds=self.seconds,
            metrics=self.metrics,
            rows=(*rows_of(self.metrics, histograms, verdicts, run.stated), *self.rows),
            errors=self.errors,
            notes=tuple(self.notes),
            partial=self.interrupted or bool(self.problem),
        )

    def _conclude(self, missed: Sequence[str]) -> tuple[Conclusion, str]:
        found: Mapping[Conclusion, str] = {
            "interrupted": "these are partial results" if self.interrupted else "",
            "errors": "; ".join(self.wrong),
            "problem": self.problem,
            "too slow": f"missed {', '.join(missed)}" if missed else "",
        }
        return next(((name, why) for name, why in found.items() if why), ("pass", ""))


def carry_out(
    scenario: Scenario,
    report: Report,
    measure: Callable[[Any, Engine, Findings, Tell], None],
) -> Iterator[RunResult]:
    """Do the runs of a scenario; an interrupt ends the workers and concludes with what there is.

    Args:
        scenario: whose runs are each given to `measure`, with an engine that is ready.
        report: told how far it has come.
        measure: puts what it finds into the Findings as soon as it is found.
    """
    for number, one in enumerate(scenario.runs, 1):
        assert isinstance(one, Crewed)
        findings = Findings(name=one.name or scenario.name)
        tell = _teller(findings.name, number, len(scenario.runs), report)
        began = perf_counter()
        try:
            tell(0, 1, "starting")
            with opened(one) as engine:
                try:
                    measure(one, engine, findings, tell)
                finally:
                    findings.notes += map(str, engine.losses)
        except WorkFailedError as error:
            findings.problem = str(error)
        except KeyboardInterrupt:
            findings.interrupted = True
        findings.seconds = perf_counter() - began
        yield findings.result(one)
        if findings.interrupted:
            return


def _teller(name: str, step: int, steps: int, report: Report) -> Tell:
    def tell(done: int, total: int, what: str) -> None:
        report(
            Progress(
                run=name, step=step, steps=steps, done=done, total=total, unit="steps", what=what
            )
        )

    return tell
