"""Records go through pyperf's format without loss, and pyperf reads them."""

import json
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli._errors import ConfigurationError
from agno_cli.bench._pyperf_json import from_pyperf, to_pyperf
from agno_cli.bench._record import Record
from agno_cli.bench._results import Count, Result, Timing
from tests.bench.records import HERE, record, result

positive = st.floats(min_value=1e-12, max_value=1e6)
any_number = st.floats(allow_nan=False, allow_infinity=False)
timings = st.builds(
    Timing,
    st.lists(st.lists(positive, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(
        tuple
    ),
    st.integers(1, 10**9),
    st.just(()) | st.just(((0.5,),)),
    st.lists(positive, max_size=2).map(tuple),
)
counts = st.dictionaries(
    st.sampled_from(["bytes", "allocations", "growth"]),
    st.builds(Count, any_number, st.sampled_from(["byte", "allocation"])),
)
results = st.lists(
    st.builds(
        Result,
        name=st.text(max_size=8),
        summary=st.text(max_size=8),
        operation=st.just("run"),
        timing=st.none() | timings,
        counts=counts,
        notes=st.lists(st.text(max_size=8), max_size=2).map(tuple),
        problem=st.text(max_size=8),
    ),
    max_size=3,
    unique_by=lambda result: result.name,
)


@given(results)
def test_nothing_is_lost(results):
    written = record(*results)
    assert from_pyperf(to_pyperf(written), "it") == written


def test_pyperf_reads_and_compares_them(tmp_path):
    path = tmp_path / "a.json"
    mine = record(
        result("run", [1e-6, 2e-6], bytes=128.0, growth=-3.0),
        result("create", [1e-6], allocations=1.0),
    )
    path.write_text(to_pyperf(mine), encoding="utf-8")
    import pyperf

    suite = pyperf.BenchmarkSuite.load(str(path))
    assert {b.get_name(): (b.get_unit(), b.get_values()) for b in suite} == {
        "run": ("second", (1e-6, 2e-6)),
        "run.bytes": ("byte", (128.0,)),
        "create": ("second", (1e-6,)),
        "create.allocations": ("byte", (1.0,)),
    }
    assert suite.get_metadata()["cpu_model_name"] == "A Processor @ 2.0GHz"
    for command in (["show", str(path)], ["compare_to", str(path), str(path)]):
        done = subprocess.run(
            [sys.executable, "-m", "pyperf", *command], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_what_agno_bench_writes_with_json_is_read_too():
    mine = record(result("run", [1.0]))
    report = {
        "schema_version": 1,
        "command": "bench",
        "environment": msgspec.to_builtins(HERE),
        "result": msgspec.to_builtins(mine.suite),
        "verdicts": [],
    }
    assert from_pyperf(json.dumps(report), "it") == Record(environment=HERE, suite=mine.suite)


WHOLE = to_pyperf(record(result("run", [1.0])))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a.json is damaged: Input data was truncated"),
        (WHOLE[: len(WHOLE) // 2], "a.json is damaged: Input data was truncated"),
        (b"\xff", "a.json is damaged: JSON is malformed"),
        ("[]", "a.json is damaged: Expected `object`, got `array`"),
        (WHOLE.replace('"cores": 2', '"cores": "2"'), "a.json is damaged: Expected `int`"),
        ("{}", "a.json is no result of `agno bench`; results from elsewhere enter by --import"),
        (
            WHOLE.replace('"schema_version": 1', '"schema_version": 0'),
            "a.json has schema version 0, of an older agno-cli; this one reads 1",
        ),
        (
            WHOLE.replace('"schema_version": 1', '"schema_version": 2'),
            "a.json has schema version 2, of a newer agno-cli; this one reads 1",
        ),
        ('{"command": "bench"}', "a.json has schema version None, of an older agno-cli"),
    ],
)
def test_what_cannot_be_read_says_why(text, problem):
    with pytest.raises(ConfigurationError) as caught:
        from_pyperf(text, "a.json")
    assert str(caught.value).startswith(problem)


@given(st.binary(max_size=60) | st.integers(0, len(WHOLE)).map(lambda n: WHOLE[:n].encode()))
def test_rubbish_is_refused_in_words(data):
    """Whole but for its last line, it is a record; anything else is refused in words."""
    if data.rstrip() == WHOLE.encode().rstrip():
        return
    with pytest.raises(ConfigurationError, match=r"^it (is|has)"):
        from_pyperf(data, "it")
