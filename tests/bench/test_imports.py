"""Results of other tools."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli._errors import ConfigurationError
from agno_cli.bench._import_go import read_go
from agno_cli.bench._imports import Imported, import_file, import_text

# As `go test -bench=. -benchmem -count=2` writes it, with the logger of what it measures.
GO = (
    "goos: linux\n"
    "goarch: amd64\n"
    "pkg: github.com/rexleimo/agno-go/pkg/agno/agent\n"
    "cpu: Intel(R) Xeon(R) Processor\n"
    "BenchmarkAgentCreation-2   \t 4401022\t       270.5 ns/op\t     536 B/op\t       8 allocs/op\n"
    "BenchmarkAgentCreation-2   \t 4401022\t       271.5 ns/op\t     536 B/op\t       8 allocs/op\n"
    'BenchmarkAgentRun-2        \t{"time":"2026-11-22T10:00:00Z","msg":"agent run started"}\n'
    '{"time":"2026-11-22T10:00:00Z","level":"INFO","msg":"BenchmarkAgent run completed"}\n'
    "   45622\t     26000 ns/op\t   45888 B/op\t     345 allocs/op\n"
    "BenchmarkCopy/size=8-2  \t 1000\t 2.5e+06 ns/op\t 3.20 MB/s\t 12.5 widgets/op\n"
    "--- FAIL: BenchmarkBroken-2\n"
    "    agent_bench_test.go:12: no model\n"
    "BenchmarkCutShort-2 \t\n"
    "PASS\n"
    "ok  \tgithub.com/rexleimo/agno-go/pkg/agno/agent\t12.3s\n"
)
PACKAGE = "github.com/rexleimo/agno-go/pkg/agno/agent"
ALL_BYTES = "bytes allocated by an operation, not those still live after it"
PYTEST = {
    "machine_info": {"node": "host", "python_version": "3.11.7"},
    "commit_info": {"id": "abc", "dirty": False},
    "benchmarks": [
        {
            "group": None,
            "name": "test_sum",
            "fullname": "test_x.py::test_sum",
            "params": None,
            "options": {"min_rounds": 3, "timer": "perf_counter"},
            "stats": {
                "min": 1.4e-06,
                "median": 1.5e-06,
                "rounds": 3,
                "data": [1.6e-06, 1.5e-06, 1.4e-06],
                "iterations": 3,
            },
        },
        {
            "group": "sorts",
            "name": "test_sort[1]",
            "fullname": "test_x.py::test_sort[1]",
            "stats": {"median": 2.5e-07, "rounds": 4, "iterations": 3},
        },
    ],
    "datetime": "2026-11-22T10:43:26+00:00",
    "version": "5.3.1",
}


def go(name, metric, unit, *values, **others):
    return Imported(
        name=name,
        metric=metric,
        unit=unit,
        processes=(values,) if values else (),
        source="go.txt",
        format="go",
        group=PACKAGE,
        **others,
    )


def test_go_with_logs_between_names_and_figures():
    creation, run = "BenchmarkAgentCreation-2", "BenchmarkAgentRun-2"
    copy = "BenchmarkCopy/size=8-2"
    assert import_text(GO, "go.txt") == [
        go(creation, "time", "second", 270.5 * 1e-9, 271.5 * 1e-9),
        go(creation, "allocated", "byte", 536.0, 536.0, note=ALL_BYTES),
        go(creation, "allocations", "allocation", 8.0, 8.0),
        go(run, "time", "second", 26000 * 1e-9),
        go(run, "allocated", "byte", 45888.0, note=ALL_BYTES),
        go(run, "allocations", "allocation", 345.0),
        go(copy, "time", "second", 2.5e6 * 1e-9),
        go(copy, "throughput", "byte/s", 3.2e6),
        go(copy, "widgets/op", "widgets/op", 12.5),
        go("BenchmarkBroken-2", "time", "second", problem="it failed (line 11)"),
        go(
            "BenchmarkCutShort-2",
            "time",
            "second",
            problem="it has no figures: its run was cut short",
        ),
    ]


@pytest.mark.parametrize(
    "log",
    [
        '{"msg":"started"}\n',
        "no newline at its end",
        "Benchmarking is fun\n",
        '{"msg":"BenchmarkOther-2\\t"}\n',
        "\x1b[32minfo\x1b[0m 12 runs\n\n",
    ],
)
def test_any_log_may_stand_in_between(log):
    text = f"BenchmarkRun-8   \t{log}     100\t      26.5 ns/op\n"
    (figure,) = read_go(text, "go.txt")
    assert (figure.benchmark, figure.value) == ("BenchmarkRun-8", 26.5 * 1e-9)


@pytest.mark.parametrize("blank", [" ", "  ", "\t", " \t "])
def test_pasted_figures_may_have_any_blanks_between_them(blank):
    fields = ["BenchmarkRun-8", "100", "26.5 ns/op", "536 B/op", "8 allocs/op"]
    figures = read_go(f"  {blank.join(fields)}{blank}\n", "go.txt")
    assert [(f.benchmark, f.metric, f.value) for f in figures] == [
        ("BenchmarkRun-8", "time", 26.5 * 1e-9),
        ("BenchmarkRun-8", "allocated", 536.0),
        ("BenchmarkRun-8", "allocations", 8.0),
    ]


def test_a_log_of_json_lines_is_no_json_file():
    text = '{"msg":"ready"}\nBenchmarkRun-8 \t 100\t 2.0 ns/op\n'
    (row,) = import_text(text, "go.txt")
    assert (row.format, row.name, row.processes) == ("go", "BenchmarkRun-8", ((2.0 * 1e-9,),))


def test_a_run_that_was_cut_short_between_two_names():
    rows = import_text(
        "BenchmarkA \t\nBenchmarkB \t 10\t 5 ns/op\n--- SKIP: BenchmarkC\n", "go.txt"
    )
    assert [(row.name, row.problem) for row in rows] == [
        ("BenchmarkA", "it has no figures: its run was cut short"),
        ("BenchmarkB", ""),
        ("BenchmarkC", "it was skipped (line 3)"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a.txt holds no result of a Go benchmark; write it with `go test -bench=. -benchmem`"),
        (
            "PASS\nBenchmarkA \t 10\t x ns/op\n",
            "a.txt, line 2: these figures cannot be read: 'BenchmarkA \\t 10\\t x ns/op'",
        ),
        ("10\t 5 ns/op\n", "a.txt, line 1: figures without the name of a benchmark before them"),
        ('{\n"version"', "a.txt is damaged: line 2, column 10: Expecting ':' delimiter"),
        ("{}", "a.txt is JSON, but of neither pyperf (it has no `version`) nor pytest-benchmark"),
        (
            '{"version": "1.0", "benchmarks": [{"runs": 3}]}',
            "a.txt is damaged: Expected `array`, got `int` - at `$.benchmarks[0].runs`",
        ),
        ('{"version": "0.1", "benchmarks": []}', "a.txt is damaged: Invalid enum value '0.1'"),
        (
            '{"version": "1.0", "benchmarks": [{"runs": []}]}',
            "a.txt is damaged: benchmark 1 has no name",
        ),
        ('{"version": "1.0", "benchmarks": []}', "a.txt holds no benchmark with a value"),
        (
            '{"machine_info": {}, "benchmarks": [{"name": "a", "stats": {"median": NaN}}]}',
            "a.txt is damaged: `a` has a value that is none",
        ),
        ('{"a":' * 100_000, "a.txt is damaged: it is nested too deeply"),
    ],
)
def test_what_is_damaged_says_where(text, problem):
    with pytest.raises(ConfigurationError) as caught:
        import_text(text, "a.txt")
    assert str(caught.value).startswith(problem)


def test_pytest_benchmark_with_and_without_its_data():
    sum_, sort = import_text(json.dumps(PYTEST), "p.json")
    assert sum_ == Imported(
        name="test_x.py::test_sum",
        metric="time",
        unit="second",
        processes=((1.6e-06, 1.5e-06, 1.4e-06),),
        source="p.json",
        format="pytest-benchmark",
    )
    assert (sort.group, sort.processes, sort.note) == (
        "sorts",
        ((2.5e-07,),),
        "only the median of 4 rounds; save with --benchmark-save-data for all",
    )


def pyperf_text(*benchmarks):
    """Write them by pyperf itself."""
    import pyperf

    suite = pyperf.BenchmarkSuite(
        [
            pyperf.Benchmark(
                [
                    pyperf.Run(values, warmups, metadata, collect_metadata=False)
                    for values, warmups in runs
                ]
            )
            for metadata, runs in benchmarks
        ]
    )
    return json.dumps(suite._as_json())


def test_pyperf_runs_are_processes_and_calibrations_are_left_out():
    text = pyperf_text(
        (
            {"name": "sum", "cpu_count": 2, "loops": 8},
            [([], [(1, 0.5)]), ([1.0, 2.0], [(8, 1.0)]), ([3.0], None)],
        ),
        ({"name": "memory", "cpu_count": 2, "unit": "byte"}, [([128], None)]),
        ({"name": "calibration only", "cpu_count": 2}, [([], [(1, 0.5)])]),
    )
    assert [
        (row.name, row.metric, row.unit, row.processes, row.problem)
        for row in import_text(text, "pyperf.json")
    ] == [
        ("sum", "time", "second", ((1.0, 2.0), (3.0,)), ""),
        ("memory", "byte", "byte", ((128.0,),), ""),
        ("calibration only", "time", "second", (), "it has no values"),
    ]


def test_a_lone_benchmark_of_pyperf_has_its_name_outside():
    text = pyperf_text(({"name": "sum"}, [([1.0], None), ([2.0], None)]))
    assert "name" not in json.loads(text)["benchmarks"][0].get("metadata", {})
    (row,) = import_text(text, "pyperf.json")
    assert (row.name, row.processes) == ("sum", ((1.0,), (2.0,)))


def test_a_file_is_read_with_its_path_as_source(tmp_path):
    path = tmp_path / "go.txt"
    path.write_text(GO)
    assert {row.source for row in import_file(path)} == {str(path)}
    with pytest.raises(ConfigurationError, match=r"cannot read .*: No such file"):
        import_file(tmp_path / "none")


names = st.from_regex(r"Benchmark[A-Z_0-9][A-Za-z0-9_/=.-]{0,12}", fullmatch=True)
logs = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20)
    .filter(lambda text: "Benchmark" not in text and "ns/op" not in text)
    .map(lambda text: f'{{"msg":{json.dumps(text)}}}\n'),
    max_size=3,
)
values = st.integers(1, 10**9).map(float) | st.floats(0.1, 1e6).map(lambda x: float(f"{x:.4g}"))


@given(st.lists(st.tuples(names, logs, values, st.integers(0, 10**6)), min_size=1, max_size=4))
def test_every_line_of_go_comes_back(lines):
    text = "".join(
        f"{name:<30}\t{''.join(log)}{17:8d}\t{value:10.10g} ns/op\t{size:8d} B/op\n"
        for name, log, value, size in lines
    )
    figures = read_go(text, "go.txt")
    assert [(f.benchmark, f.metric) for f in figures] == [
        (name, metric) for name, *_ in lines for metric in ("time", "allocated")
    ]
    assert [f.value for f in figures if f.metric == "allocated"] == [line[3] for line in lines]
    for figure, (_, _, value, _) in zip(figures[::2], lines, strict=True):
        assert figure.value == pytest.approx(value * 1e-9)


@given(st.text(max_size=80) | st.integers(0, len(GO)).map(lambda n: GO[:n]))
def test_rubbish_is_refused_in_words(text):
    try:
        rows = import_text(text, "a.txt")
    except ConfigurationError as error:
        message = str(error)
    else:
        message = "a.txt holds rows" if rows else ""
    assert re.match(r"a\.txt(,| is| holds)", message)
