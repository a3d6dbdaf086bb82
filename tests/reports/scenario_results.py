"""Results of scenarios as running them would give, with figures that were made up."""

from pathlib import Path

from msgspec.structs import replace

from agno_cli.bench._results import Environment
from agno_cli.scenarios._api_fold import Observed, fold
from agno_cli.scenarios._definition import ApiRun, Load, Scenario
from agno_cli.scenarios._recording import TIMEOUT
from agno_cli.scenarios._result import Conclusion, Row, RunResult, ScenarioResult
from agno_cli.scenarios._thresholds import parse_thresholds
from tests.scenarios.recordings import recorded

HERE = Environment(
    python="3.11.7",
    build="CPython GCC",
    os="Linux 6.1",
    machine="x86_64",
    cpu="A processor",
    cores=2,
    load=0.5,
    gc=True,
    gil=True,
    packages={"agno-cli": "0.1.0"},
    variables={},
    commit="abc",
)
ONE = ApiRun(
    name="plain",
    load=Load(rate=100.0, duration=1.0, warmup=0.0),
    thresholds=parse_thresholds("x", ["response:p(99)<=2ms", "requests:count>1000"]),
    stated={"response": "< 1 ms"},
)


def folded(folder: Path, *, errors: int = 0) -> RunResult:
    """A run of 100 requests, of which the first ones timed out."""
    seen = Observed(cores=((0,), (1,)), transport="inproc")
    with recorded(folder, outcomes=[TIMEOUT] * errors) as recording:
        run = fold(ONE, ONE.name, recording, 0, seen, 2.0)
    return replace(run, budget={"event loop": 3e-5, "run it": 1e-5})


def result_of(*runs: RunResult, **changes: object) -> ScenarioResult:
    """A result with these runs."""
    scenario = Scenario(name="mine", summary="a test", workload="api", runs=(ONE,))
    result = ScenarioResult(
        scenario=scenario,
        started="2026-01-02T03:04:05+00:00",
        seconds=2.0,
        environment=HERE,
        runs=runs,
    )
    return replace(result, **changes)


def trial(name: str, conclusion: Conclusion, folder: Path) -> RunResult:
    """A trial of a search."""
    reason = "" if conclusion == "pass" else "missed requests:count>1000"
    return replace(folded(folder), name=name, conclusion=conclusion, reason=reason)


def searched(folder: Path) -> ScenarioResult:
    """A search of two trials."""
    runs = (trial("100/s", "pass", folder), trial("200/s", "too slow", folder))
    row = Row("largest rate that met all thresholds", "rate", 100.0, note="at 200/s it ended")
    return result_of(*runs, summary_rows=(row,), trials=True)
