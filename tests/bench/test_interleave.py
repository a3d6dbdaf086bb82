"""Sides are measured in turns, by processes that end, whatever they do."""

import os
import sys
import textwrap
from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli.bench import _relative_worker
from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench._compare import compare
from agno_cli.bench._interleave import Process, Relative, Side, measure_relative, run_side
from agno_cli.bench._measure import Progress
from agno_cli.bench._registry import Benchmark, Source
from agno_cli.bench._relative_worker import main, reference, relative_time
from agno_cli.bench._results import Count
from agno_cli.bench._sides import measure_sides
from agno_cli.bench._sources import load_benchmarks
from agno_cli.bench.benchmarks import agents
from tests.bench.records import HERE

WORKLOAD = Path(__file__).with_name("workload.py")


@pytest.fixture
def workload():
    runs, sleep, long = load_benchmarks(Source(kind="file", reference=str(WORKLOAD)))
    return replace(runs, count=None), sleep, long


def python(tmp_path: Path, body: str) -> Side:
    """Give a side whose interpreter does something else; its last argument is the file."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\nimport sys\n{textwrap.dedent(body)}")
    path.chmod(0o700)
    return Side(str(path))


def benchmark(name: str, **others) -> Benchmark:
    return Benchmark(name=name, summary="", operation="run", prepare=agents.run, **others)


def test_sides_take_turns_and_the_first_changes(tmp_path):
    order = tmp_path / "order"
    body = f"""
        import os
        with open({str(order)!r}, "a") as file:
            file.write(os.environ["SIDE"] + sys.argv[-2] + " ")
        with open(sys.argv[-1], "w") as file:
            file.write('{{"seconds": 2e-6, "relative": 9.5}}')
    """
    path = python(tmp_path, body).python
    sides = [Side(path, {"SIDE": name}) for name in "AB"]
    seen: list[Progress] = []
    one, other = measure_relative(
        [benchmark("x"), benchmark("y"), replace(benchmark("counted"), prepare=None)],
        sides,
        processes=2,
        on_progress=seen.append,
    )
    assert order.read_text() == "Ax Bx Ay By Bx Ax By Ay "
    two = (Process(2e-6, 9.5), Process(2e-6, 9.5))
    assert one == other == Relative({"x": two, "y": two}, {})
    assert one.times("x") == (9.5, 9.5)
    assert one.times("unknown") == ()
    assert [(p.step, p.steps, p.benchmark, p.what) for p in seen[::5]] == [
        (1, 8, "x", "comparing, process 1 of 2"),
        (6, 8, "x", "comparing, process 2 of 2"),
    ]
    assert seen[0].seconds_left == 8 * 0.5


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("sys.exit('it broke')", "it ended with exit code 1 and said: it broke"),
        ("print('rubbish')", "it wrote no result: No such file or directory"),
        (
            "open(sys.argv[-1], 'w').write('rubbish')",
            "its worker wrote b'rubbish': JSON is malformed: invalid character (byte 0)",
        ),
    ],
)
def test_a_worker_that_fails_is_a_problem_and_is_not_asked_again(tmp_path, body, problem):
    (given,) = measure_relative([benchmark("x")], [python(tmp_path, body)], processes=3)
    assert given == Relative({}, {"x": problem})


def test_an_interpreter_that_is_not_there(tmp_path):
    (given,) = measure_relative([benchmark("x")], [Side(str(tmp_path / "none"))])
    assert given.problems == {"x": f"cannot run {tmp_path / 'none'}: No such file or directory"}


def test_a_worker_that_hangs_is_ended(tmp_path):
    side = python(tmp_path, "import time; time.sleep(60)")
    with pytest.raises(CouldNotMeasureError, match=r"it did not end within 0.5 s"):
        run_side(side, ["x"], seconds=0.5)


def test_an_interrupt_ends_the_worker(tmp_path, monkeypatch):
    started = tmp_path / "pid"
    side = python(tmp_path, f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid()))")

    def interrupt(*_):
        while not (started.exists() and started.read_text()):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr("agno_cli.bench._children._killed_after", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_side(side, ["x"], seconds=60)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_a_real_benchmark_is_measured_and_one_that_is_too_long_has_seconds_only(workload):
    runs, _, long = workload
    (given,) = measure_relative([runs, long], processes=1)
    (short,), (slept,) = given.processes["runs"], given.processes["long"]
    assert given.problems == {}
    assert 1e-6 < short.seconds < 1e-2
    assert short.relative is not None
    assert short.relative > 1
    assert 0.51 <= slept.seconds < 5
    assert slept.relative is None
    assert given.times("long") == ()


def test_a_built_in_benchmark_is_measured_in_this_process_too(tmp_path):
    output = tmp_path / "out.json"
    main("{}", "memory_append", str(output))
    assert output.read_text().startswith('{"seconds": ')
    with pytest.raises(ValueError, match="benchmark `soak` has nothing to time"):
        main("{}", "soak", str(output))


def test_a_lengthy_benchmark_is_done_once_more_after_its_check(tmp_path, monkeypatch):
    lengthy = replace(benchmark("x"), lengthy=True)
    monkeypatch.setattr(_relative_worker, "_find", lambda *_: lengthy)
    main("{}", "x", str(tmp_path / "out.json"))
    assert (tmp_path / "out.json").read_text().endswith('"relative": null}')


def test_a_revision_before_sources_finds_its_built_in_benchmarks(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "agno_cli.bench._sources", None)
    output = tmp_path / "out.json"
    main("{}", "memory_append", str(output))
    assert output.exists()
    with pytest.raises(ValueError, match="this revision has no benchmark `runs`"):
        main("{}", "runs", str(output))


def test_twice_the_work_takes_twice_the_loops():
    relative = relative_time(lambda loops: reference(2 * loops))
    assert relative == pytest.approx(2.0, rel=0.3)
    assert relative_time(lambda loops: 0.6 * loops) is None


def test_sides_become_records(workload):
    runs, sleep, _ = workload
    here, slower = measure_sides(
        [runs, sleep],
        {"abc": Side(), "def": Side(variables={"SLOWER": "1"})},
        HERE,
        processes=2,
    )
    assert (here.environment.commit, slower.environment.commit) == ("abc", "def")
    (timed, slept) = here.suite.results
    assert timed.timing is not None
    assert (len(timed.timing.processes), len(timed.timing.relative)) == (2, 2)
    assert timed.problem == slept.problem == ""
    assert slept.timing is not None
    comparisons = {(c.benchmark, c.metric): c for c in compare(here, slower)}
    assert comparisons["runs", "time"].outcome == "inconclusive"  # two processes show nothing
    assert comparisons["sleep", "bytes"].outcome == "pass"


def test_a_side_that_cannot_count_says_so(tmp_path, workload):
    built_in = benchmark("x", count=lambda: None)
    for made in (built_in, workload[1]):
        (given,) = measure_sides([made], {"a": python(tmp_path, "sys.exit('no')")}, HERE)
        assert given.suite.results[0].problem == "it ended with exit code 1 and said: no"


def test_a_revision_before_sources_counts_by_name_alone(tmp_path):
    body = """
        if len(sys.argv) == 6:  # -P -m MODULE NAME FILE
            counted = '{"counts": {"bytes": {"value": 1.0, "unit": "byte"}}}'
            open(sys.argv[-1], "w").write(counted)
        else:
            sys.exit("no such benchmark")
    """
    counted = replace(benchmark("x", count=lambda: None), prepare=None)
    (given,) = measure_sides([counted], {"a": python(tmp_path, body)}, HERE)
    assert given.suite.results[0].counts == {"bytes": Count(1.0, "byte")}


@pytest.mark.slow
def test_a_slowdown_of_15_percent_is_found_and_equal_code_is_not_called_different(workload):
    slower = Side(variables={"SLOWER": "1"})
    here, again, slow = measure_sides(workload[:1], {"a": Side(), "b": Side(), "c": slower}, HERE)
    (equal, *_), (found, *_) = compare(here, again), compare(here, slow)
    assert (equal.metric, equal.change in {"better", "worse"}) == ("time", False)
    assert (found.metric, found.outcome) == ("time", "fail")
