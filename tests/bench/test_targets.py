"""Targets: k6's grammar, and errors that show the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.bench._targets import (
    BUILT_IN,
    METRICS,
    OPERATORS,
    TIMED,
    UNITS,
    Target,
    load_targets,
    parse_target,
)
from agno_cli.bench.benchmarks import BENCHMARKS

KNOWN = {"create": 0, "run": 0}


def test_a_bound_on_time_is_in_seconds():
    target = parse_target("run", "time", "med<=1.2us", KNOWN)
    assert target == Target("run", "time", "med", "<=", 1.2e-6, "", "med<=1.2us")


def test_a_ratio_is_to_another_benchmark_and_has_no_unit():
    target = parse_target("run", "time", "ratio(create) < 30", KNOWN)
    assert target == Target("run", "time", "ratio", "<", 30.0, "create", "ratio(create) < 30")


def test_an_exact_count_has_a_value():
    assert parse_target("run", "bytes", " value<=3KiB ", KNOWN).bound == 3072.0
    assert parse_target("run", "allocations", "value<=1", KNOWN).bound == 1.0


@pytest.mark.parametrize(
    ("metric", "text", "message"),
    [
        (
            "time",
            "",
            (
                "run.time: expected one of med, value, ratio(NAME) at the beginning, and"
                " nothing stands there"
            ),
        ),
        (
            "time",
            "mean<=1us",
            ("run.time: expected one of med, value, ratio(NAME) at the beginning, not `mean<=1us`"),
        ),
        ("time", "med=1us", "run.time: expected one of < <= > >= after `med`, not `=1us`"),
        ("time", "med<=fast", "run.time: expected a number after `med<=`, not `fast`"),
        (
            "time",
            "med<=1",
            (
                "run.time: expected a unit (ns, us, µs, μs, ms, s) after `med<=1`, and"
                " nothing stands there"
            ),
        ),
        (
            "time",
            "med<=1kB",
            ("run.time: expected a unit (ns, us, µs, μs, ms, s) after `med<=1`, not `kB`"),
        ),
        ("time", "med<=1us or so", "run.time: expected nothing more after `med<=1us`, not `or so`"),
        (
            "time",
            "value<=1us",
            ("run.time: expected `med`, for `time` at the beginning, not `value<=1us`"),
        ),
        (
            "bytes",
            "med<=1B",
            ("run.bytes: expected `value`, for `bytes` at the beginning, not `med<=1B`"),
        ),
        (
            "allocations",
            "value<=1B",
            ("run.allocations: expected nothing more after `value<=1`, not `B`"),
        ),
        (
            "time",
            "ratio<=2",
            ("run.time: expected `(` and the benchmark it is a ratio to after `ratio`, not `<=2`"),
        ),
        (
            "time",
            "ratio(walk)<=2",
            ("run.time: expected a benchmark (create, run) after `ratio(`, not `walk)<=2`"),
        ),
        (
            "time",
            "ratio(create<=2",
            ("run.time: expected a benchmark (create, run) after `ratio(`, not `create<=2`"),
        ),
        (
            "time",
            "ratio(create)<=2ns",
            ("run.time: expected nothing more after `ratio(create)<=2`, not `ns`"),
        ),
        ("time", 5, 'run.time is 5; write a text such as "med<=1us"'),
        ("tine", "med<=1us", "`run` has no metric `tine`; did you mean `time`?"),
    ],
)
def test_what_is_wrong_is_shown_where_it_stands(metric, text, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_target("run", metric, text, KNOWN)
    assert str(caught.value) == message


@given(
    metric=st.sampled_from(sorted(METRICS)),
    sign=st.sampled_from(sorted(OPERATORS)),
    number=st.floats(min_value=0, max_value=1e9, allow_nan=False),
    spaces=st.sampled_from(["", " ", "\t "]),
    data=st.data(),
)
def test_whatever_is_grammatical_is_read(metric, sign, number, spaces, data):
    units = UNITS[METRICS[metric]]
    unit = data.draw(st.sampled_from(sorted(units)))
    statistic = "med" if metric in TIMED else "value"
    text = spaces.join([statistic, sign, f"{number!r}", unit])
    target = parse_target("run", metric, text, KNOWN)
    assert (target.operator, target.bound) == (sign, number * units[unit])


@given(st.text(max_size=30), st.sampled_from(sorted(METRICS)))
def test_anything_else_is_a_configuration_error(text, metric):
    text = f"!{text}"
    with pytest.raises(ConfigurationError) as caught:
        parse_target("run", metric, text, KNOWN)
    assert str(caught.value).startswith(f"run.{metric}: expected one of med, value, ratio(NAME)")


@given(st.from_regex(r"(med|value|ratio)[ (]*(<|<=|>)? *[0-9.e+-]* *[a-zA-Z/()]*", fullmatch=True))
def test_what_is_nearly_grammatical_is_read_or_refused(text):
    try:
        target = parse_target("run", "time", text, KNOWN)
    except ConfigurationError:
        return
    assert target.bound >= 0


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [("<", 1, 0, 0), ("<=", 1, 1, 0), (">", 0, 0, 1), (">=", 0, 1, 1)],
)
def test_a_bound_is_met_or_not(sign, below, equal, above):
    target = parse_target("run", "allocations", f"value{sign}5", KNOWN)
    assert [target.met_by(value) for value in (4, 5, 6)] == [below, equal, above]


def test_the_built_in_targets_are_those_of_the_project():
    targets = load_targets(BUILT_IN, {benchmark.name: 0 for benchmark in BENCHMARKS})
    assert [f"{target.benchmark}.{target.metric} {target.text}" for target in targets] == [
        "create.time med<=110ns",
        "create.bytes value<=128B",
        "create.allocations value<=1",
        "create_tools.time ratio(create)<=1.3",
        "create_memory.time ratio(create)<=2",
        "run.time med<=1.2us",
        "run_tool.time med<=3us",
        "arun.time med<=1.6us",
        "memory_append.time med<=100ns",
        "gather.time med<=8us",
        "tools_slow.time med<=20ms",
        "tools_slow_async.time med<=20ms",
        "team.time med<=10us",
        "team_parallel.time med<=10us",
        "team_100_async.time med<=1.2ms",
        "team_100_waiting.time med<=100ms",
        "team_100_waiting_async.time med<=40ms",
        "workflow.time med<=10us",
        "workflow_functions.time med<=10us",
        "checkpoint_sqlite.time med<=100us",
        "cache_hit.time med<=3us",
        "limiter_pass.time med<=1.5us",
        "pool_take.time med<=4us",
        "http_openai_1000.rate ratio(http_openai_sdk)>=10",
        "import.time ratio(help_typer)<=1.3",
        "import.heavy_modules value<=0",
        "help.time ratio(help_typer)<=1.3",
        "help.heavy_modules value<=0",
        "run_process.heavy_modules value<=0",
        "soak.growth value<=4KiB",
        "soak.rss value<=1MiB",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[targets",
            (
                "targets {path} are not TOML: Expected ']' at the end of a table declaration"
                " (at end of document)"
            ),
        ),
        (
            "run.time = 'med<=1s'",
            ('in targets {path}: there is no table `targets`; begin with "[targets]"'),
        ),
        (
            "[targets]\nrum.time = 'med<=1s'",
            ("in targets {path}: there is no benchmark `rum`; did you mean `run`?"),
        ),
        (
            "[targets]\nrun = 'med<=1s'",
            (
                "in targets {path}: `run` has no metric; write `run.time` or"
                " another of time, rate, bytes, allocations, growth, rss, cpu, bytecodes, modules,"
                " heavy_modules"
            ),
        ),
        (
            "[targets]\nrun.time = ['med<=1s', 'med']",
            (
                "in targets {path}: run.time: expected one of"
                " < <= > >= after `med`, and nothing stands there"
            ),
        ),
    ],
)
def test_a_bad_file_names_itself_and_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_targets(path, KNOWN)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_or_binary_file_is_a_configuration_error(tmp_path):
    path = tmp_path / "mine.toml"
    with pytest.raises(ConfigurationError, match=r"cannot read targets .*No such file"):
        load_targets(path, KNOWN)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="are not TOML"):
        load_targets(path, KNOWN)
