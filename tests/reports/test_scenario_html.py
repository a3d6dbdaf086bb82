"""The page of a scenario's result."""

import re

from msgspec.structs import replace

from agno_cli.reports.scenario_html import to_html
from tests.reports.scenario_results import folded, result_of, searched


def test_a_page_has_its_parts(tmp_path):
    document = to_html(result_of(folded(tmp_path)), command=("agno", "scenario", "mine"))
    assert re.findall("<h2[^>]*>(.*?)</h2>", document) == ["plain", "Environment", "Do it again"]
    assert "<title>agno scenario mine: 2 thresholds: 1 pass, 1 fail (2 s)</title>" in document
    assert re.findall("<figcaption>(.*?)</figcaption>", document) == [
        "time by percentile",
        "answers over time",
        "response p(50), response p(99) over time",
        "in flight over time",
        "response, 100 of them",
        "processor time of each: 40.0 µs",
    ]
    assert "too slow: missed requests:count&gt;1000" in document
    assert "Interrupted" not in document


def test_a_partial_page_says_so(tmp_path):
    document = to_html(result_of(replace(folded(tmp_path), partial=True), partial=True))
    assert '<p class="banner">Interrupted: these are partial results.</p>' in document
    assert ">plain (partial)</h2>" in document


def test_a_run_that_measured_nothing_has_no_drawings(tmp_path):
    bare = replace(
        folded(tmp_path),
        metrics={},
        rows=(),
        series=(),
        budget={},
        conclusion="problem",
        reason="nobody answers",
    )
    document = to_html(result_of(bare))
    assert "<figure>" not in document
    assert "it could not be measured: nobody answers" in document


def test_a_search_lists_its_trials(tmp_path):
    document = to_html(searched(tmp_path))
    assert re.findall("<h2[^>]*>(.*?)</h2>", document) == [
        *("Over all runs", "Trials", "100/s", "Environment", "Do it again")
    ]
    assert "<dt>trials</dt><dd>2</dd>" in document


def test_hostile_names_stay_text(tmp_path):
    hostile = "</style><script>alert(1)</script>"
    run = replace(folded(tmp_path), name=hostile, reason=hostile, errors={hostile: 1})
    result = result_of(replace(run, conditions=hostile, notes=(hostile,)))
    document = to_html(
        replace(result, scenario=replace(result.scenario, name=hostile, summary=hostile))
    )
    assert "<script" not in document
    assert document.count("</style>") == 1
