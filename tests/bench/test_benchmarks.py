"""Each benchmark does the work it claims to measure."""

import pytest

from agno_cli.bench._operations import Workbench, WorkNotDoneError
from agno_cli.bench._results import Count
from agno_cli.bench.benchmarks import BENCHMARKS, endurance, http, startup

TIMED = [b for b in BENCHMARKS if b.prepare is not None and not b.name.startswith("http")]


@pytest.mark.parametrize("benchmark", TIMED, ids=lambda benchmark: benchmark.name)
def test_its_work_is_done_before_while_and_after_it_is_timed(benchmark):
    assert benchmark.prepare is not None
    with Workbench(benchmark.prepare()) as bench:
        bench.verify()
        assert bench.time(1) > 0
        bench.verify()


def test_names_are_unique():
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("prepare", [http.openai_provider, http.openai_sdk])
def test_every_request_gets_its_own_answer(prepare):
    with Workbench(prepare(in_flight=5)) as bench:
        bench.verify()
        assert bench.time(1) > 0


def test_a_soak_counts_growth_in_bytes():
    counted = endurance.soak(runs=200, warm_up=50)
    assert counted.counts["growth"].unit == "byte"


@pytest.mark.parametrize("source", ["import asyncio", "import sys, asyncio; sys.exit()"])
def test_heavy_modules_are_counted_however_a_process_ends(source):
    counted = startup._count_heavy(source)
    assert counted.counts == {"heavy_modules": Count(1.0, "module")}
    assert counted.notes == ("loads asyncio",)
    assert startup._count_heavy("pass").notes == ()


def test_a_process_that_fails_is_not_counted():
    with pytest.raises(WorkNotDoneError, match="ZeroDivisionError: division by zero"):
        startup._count_heavy("1 / 0")
