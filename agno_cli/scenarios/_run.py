"""Run a scenario: each of its runs in turn, by the workload that it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from time import perf_counter
from typing import Any, TypeAlias

from msgspec import Struct

from agno_cli.bench._environment import read_environment
from agno_cli.scenarios._definition import Scenario, Workload
from agno_cli.scenarios._options import Options, changed
from agno_cli.scenarios._result import Report, Row, RunResult, ScenarioResult

# Where the function `run(scenario, options, report) -> Iterator[RunResult]` of each is: it
# yields each run's result when it is there; interrupted, it concludes so, and ends.
_WORKLOADS: dict[Workload, str] = {
    "api": "agno_cli.scenarios._api",
    "batch": "agno_cli.scenarios._batch",
    "multi-agent": "agno_cli.scenarios._multi_agent",
}
RunWorkload: TypeAlias = Callable[[Scenario, Options, Report], Iterator["RunResult | Summary"]]


class Summary(Struct, frozen=True):
    """Figures over all runs, which a workload may yield last.

    `trials` says that the runs were tries at something, of which most may well fail.
    """

    rows: tuple[Row, ...]
    trials: bool = False


def run(
    scenario: Scenario,
    options: Options = Options(),  # noqa: B008 - a frozen value
    report: Report = lambda _: None,
) -> ScenarioResult:
    """Run a scenario to its end; an interrupt gives what there is, marked as partial.

    Args:
        scenario: as `load` gave it.
        options: what is changed.
        report: called with how far it has come, a few times a second.

    Raises:
        InputError: options that contradict each other or the scenario.
        ConfigurationError: an agent, a port or a package that cannot be used.
    """
    scenario = changed(scenario, options)
    environment = read_environment()  # before the load that running makes
    started, began = datetime.now(UTC).isoformat(timespec="seconds"), perf_counter()
    runs: list[RunResult] = []
    summary = Summary(())
    interrupted = False
    workload: Any = import_module(_WORKLOADS[scenario.workload])
    try:
        for result in workload.run(scenario, options, report):
            if isinstance(result, Summary):
                summary = result
            else:
                runs.append(result)
    except KeyboardInterrupt:
        interrupted = True
    interrupted = interrupted or any(result.conclusion == "interrupted" for result in runs)
    return ScenarioResult(
        scenario=scenario,
        started=started,
        seconds=perf_counter() - began,
        environment=environment,
        runs=tuple(runs),
        summary_rows=summary.rows,
        trials=summary.trials,
        partial=interrupted or any(result.partial for result in runs),
        interrupted=interrupted,
    )
