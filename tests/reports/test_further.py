"""What stands under and beside the figures when there is more than benchmarks and targets."""

import io

import pytest
from msgspec.structs import replace

from agno_cli.bench._compare import Comparison
from agno_cli.bench._imports import Imported
from agno_cli.bench._results import Count, Result, Timing
from agno_cli.reports import text
from agno_cli.reports._document import BenchReport
from agno_cli.reports._further import HOW_CHANGED, further_tables
from agno_cli.reports._rows import TargetLine, remarks, rows, tally
from agno_cli.reports.markdown import to_markdown


def with_results(report: BenchReport, *results: Result) -> BenchReport:
    return replace(report, result=replace(report.result, results=results))


def timed(name: str, seconds: float, **more: object) -> Result:
    timing = Timing(((seconds,),) * 4, 1, cpu=((seconds / 2,),) * 4)
    fields = {"summary": "", "operation": "run", "timing": timing} | more
    return Result(name=name, **fields)  # type: ignore[arg-type]  # of the right types


@pytest.fixture
def scaled(report: BenchReport) -> BenchReport:
    return with_results(
        report,
        timed("parallel_run_threads_1", 1e-6),
        timed("parallel_run_threads_2", 1e-6),
        timed("parallel_run_processes_1", 2e-6),
        timed("parallel_run_processes_2", 1.25e-6),
    )


@pytest.fixture
def compared(report: BenchReport) -> BenchReport:
    comparisons = (
        Comparison(
            benchmark="run",
            metric="time",
            outcome="fail",
            change="worse",
            before=1e-6,
            after=1.2e-6,
            ratio=1.2,
            probability=0.0002,
        ),
        Comparison(
            benchmark="arun",
            metric="all",
            outcome="inconclusive",
            change="unknown",
            reason="the baseline has no such benchmark",
        ),
    )
    return replace(report, baseline="main", comparisons=comparisons)


def test_scaling_is_total_throughput_and_says_what_threads_can_do(scaled):
    (table,) = further_tables(scaled)
    assert table.title == "Scaling"
    assert table.headings == (
        "workload",
        "workers",
        "ops/s in all",
        "speed-up",
        "95 %",
        "efficiency",
    )
    assert table.rows == [
        ("run, threads", "1", "1.00 M", "1.00x", "-", "100 %"),
        ("run, threads", "2", "1.00 M", "1.00x", "1.00 to 1.00", "50 %"),
        ("run, processes", "1", "500 k", "1.00x", "-", "100 %"),
        ("run, processes", "2", "800 k", "1.60x", "1.60 to 1.60", "80 %"),
    ]
    assert "this Python has a global lock, so they take turns" in to_markdown(scaled)


def test_changes_are_a_table_and_a_tally(compared):
    (table,) = further_tables(compared)
    assert table.title == "Changes against main"
    assert table.notes == (HOW_CHANGED,)
    assert table.rows == [
        ("run", "time", "1.00 µs", "1.20 µs", "+20.0 %", "0.0002", "fail", "worse"),
        ("arun", "all", "-", "-", "-", "-", "inconclusive", "unknown"),
    ]
    reason = "arun.all against main: inconclusive: the baseline has no such benchmark"
    assert reason in remarks(compared)
    assert tally(compared) == (
        "4 targets: 1 pass, 2 fail, 1 inconclusive;"
        " 2 comparisons with main: 0 pass, 1 fail, 1 inconclusive (12 s)"
    )
    assert tally(replace(report_of(compared), baseline="")) == "no targets (12 s)"


def report_of(report: BenchReport) -> BenchReport:
    return replace(report, verdicts=(), comparisons=())


def test_imported_results_are_rows_that_say_so(report):
    def figure(metric: str, unit: str, *values: float) -> Imported:
        return Imported(
            name="BenchmarkRun",
            metric=metric,
            unit=unit,
            processes=tuple((value,) for value in values),
            source="go.txt",
            format="go",
            note="one run",
        )

    imported = (
        figure("time", "second", 26e-6, 26e-6),
        figure("allocated", "byte", 45_888),
        figure("allocations", "allocation", 345),
        figure("MB/s", "MB/s", 3),
        replace(figure("time", "second"), name="BenchmarkBad", note="", problem="it panicked"),
    )
    *_, good, bad = rows(replace(report, imported=imported))
    assert (good.time, good.rate, good.live, good.allocations) == ("26.0 µs", "38.5 k", "-", "345")
    assert [line.text for line in good.targets] == [
        "imported from go.txt",
        "allocated 44.8 KiB",
        "MB/s 3 MB/s",
    ]
    assert (bad.time, bad.problem) == ("-", "it panicked")
    said = remarks(replace(report, imported=imported))
    assert said.count("BenchmarkRun of go.txt: one run") == 1
    assert "BenchmarkBad of go.txt: it panicked" in said


def test_figures_without_a_column_stand_by_the_targets(report):
    request = timed("http", 1e-3, operation="request", counts={"modules": Count(67.0, "module")})
    (row,) = rows(with_results(report, request))
    assert row.targets == (TargetLine(None, "modules 67"), TargetLine(None, "cpu 500 µs"))


def test_terminals_and_pipes_get_the_same_tables(scaled, compared):
    for given, words in ((scaled, "efficiency"), (compared, "Changes against main")):
        for width in (80, 132):
            out = io.StringIO()
            text.write(given, out, width=width)
            assert words in out.getvalue()
            assert max(map(len, out.getvalue().splitlines())) <= width


def test_without_a_figure_of_agno_go_it_has_no_column(scaled):
    out = io.StringIO()
    text.write(scaled, out)
    assert "Agno-Go" not in out.getvalue()
    assert "Agno-Go" not in to_markdown(scaled)
