"""Each benchmark does the work it claims to measure."""

from functools import partial

import pytest

from agno_cli.bench._measure import BROAD, NORMAL, estimate
from agno_cli.bench._operations import Workbench, WorkNotDoneError
from agno_cli.bench._results import Count
from agno_cli.bench.benchmarks import BENCHMARKS, endurance, http, parallel, startup

TIMED = [
    b for b in BENCHMARKS if b.prepare is not None and not b.name.startswith(("http", "parallel"))
]


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


def test_the_sets_take_as_long_as_is_said_of_them():
    """On two quiet cores: the default set at most 90 s, all of them without peers six minutes.

    Whoever adds more makes others cheaper: fewer that are counted, or less in BROAD.
    """
    assert estimate([b for b in BENCHMARKS if b.default], NORMAL) <= 90
    assert estimate(BENCHMARKS, BROAD) <= 345


@pytest.mark.parametrize(
    "prepare",
    [partial(http.provider, "openai"), partial(http.provider, "anthropic"), http.openai_sdk],
)
def test_every_request_gets_its_own_answer(prepare):
    with Workbench(prepare(in_flight=5)) as bench:
        bench.verify()
        assert bench.time(1) > 0


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_every_event_of_a_stream_is_read(provider):
    with Workbench(http.stream(provider)) as bench:
        bench.verify()
        assert bench.per_loop == 1_000


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("work", ["create", "run"])
def test_workers_share_out_one_amount_of_work(work, kind):
    operation = parallel.parallel(work, kind, 2, amount=7)
    with Workbench(operation) as bench:
        bench.verify()
    assert (operation.names["shares"], operation.per_statement) == ([4, 3], 7)


def test_a_soak_counts_growth_in_bytes():
    counted = endurance.soak(runs=200, warm_up=50)
    assert counted.counts["growth"].unit == "byte"


@pytest.mark.parametrize("source", ["import asyncio", "import sys, asyncio; sys.exit()"])
def test_heavy_modules_are_counted_however_a_process_ends(source):
    counted = startup._count_modules(source)
    assert counted.counts["heavy_modules"] == Count(1.0, "module")
    assert counted.counts["modules"].value > 50
    assert counted.notes == ("loads asyncio",)
    nothing = startup._count_modules("pass")
    assert (nothing.counts["heavy_modules"].value, nothing.notes) == (0.0, ())


def test_a_process_that_fails_is_not_counted():
    with pytest.raises(WorkNotDoneError, match="ZeroDivisionError: division by zero"):
        startup._count_modules("1 / 0")
