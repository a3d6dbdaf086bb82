import pytest

from agno_cli.bench._results import Count, Environment, Result, Settings, Suite, Timing
from agno_cli.bench._targets import Target, parse_target
from agno_cli.bench._verdicts import judge
from agno_cli.reports._document import BenchReport

SETTINGS = Settings(rounds=1, processes=8, values=2, min_seconds=0.03)
KNOWN = {"create": 0, "create_tools": 0, "soak": 0, "gather": 0}


def _timed(name: str, *processes: float, **counts: Count) -> Result:
    timing = Timing(tuple((seconds,) for seconds in processes), 1)
    return Result(name=name, summary="", operation="run", timing=timing, counts=counts)


def _target(place: str, text: str) -> Target:
    benchmark, metric = place.split(".")
    return parse_target(benchmark, metric, text, KNOWN)


@pytest.fixture
def report() -> BenchReport:
    """A report with each kind of row: met, missed, undecided, not measured."""
    results = (
        _timed(
            "create",
            *[100e-9, 100e-9, 100e-9, 102e-9, 102e-9, 102e-9],
            bytes=Count(112.0, "byte"),
            allocations=Count(1.0, "allocation"),
        ),
        _timed("create_tools", *[150e-9] * 6),
        Result(
            name="soak",
            summary="",
            operation="",
            counts={"growth": Count(10_500.0, "byte")},
            notes=("a note",),
        ),
        Result(name="gather", summary="", operation="run", problem="it broke [badly]"),
    )
    targets = [
        _target("create.time", "med<=101ns"),
        _target("create.bytes", "value<=128B"),
        _target("create_tools.time", "ratio(create)<=1.3"),
        _target("soak.growth", "value<=4KiB"),
    ]
    suite = Suite("2026-01-02T03:04:05+00:00", 12.3, SETTINGS, results, partial=True)
    environment = Environment(
        python="3.11.7",
        build="CPython GCC 12",
        os="Linux 6",
        machine="x86_64",
        cpu="Imaginary_9000",
        cores=2,
        load=0.5,
        gc=True,
        gil=True,
        packages={"agno-cli": "0.1.0"},
        variables={},
        commit="abc",
    )
    return BenchReport(environment=environment, result=suite, verdicts=judge(targets, suite))
