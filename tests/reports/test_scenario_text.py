"""A scenario's result in a terminal and in a pipe."""

import io
import json

import msgspec
from msgspec.structs import replace

from agno_cli.reports import scenario_text
from agno_cli.reports._scenario_document import to_hgrm, to_json
from agno_cli.reports._scenario_rows import Bin, bins, in_words, subject_in_words
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._result import ScenarioResult
from tests.reports.scenario_results import folded, result_of, searched


def written(result: ScenarioResult, *, encoding: str = "utf-8", width: int = 100) -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    scenario_text.write(result, out, width=width)
    out.flush()
    return raw.getvalue().decode(encoding)


def test_the_tables_say_what_was_measured_stated_and_bounded(tmp_path):
    assert (
        written(result_of(folded(tmp_path)))
        == """\
agno scenario mine
a test

plain
in one process, no network, 100/s for 1 s, model takes no time

 time         p(50)     p(90)     p(99)   p(99.9)       max
 ──────────────────────────────────────────────────────────
 response   1.00 ms   1.00 ms   1.00 ms   1.00 ms   1.00 ms
 service    1.00 ms   1.00 ms   1.00 ms   1.00 ms   1.00 ms
 lag        0.00 ns   0.00 ns   0.00 ns   0.00 ns   0.00 ns
 wait       0.00 ns   0.00 ns   0.00 ns   0.00 ns   0.00 ns


 figure           measured   stated   threshold   verdict
 ────────────────────────────────────────────────────────
 response p(99)    1.00 ms   < 1 ms      <= 2ms   pass
 errors count            0   -                -   -
 requests count        100   -           > 1000   fail
 requests rate       100/s   -                -   -
 held              100.0 %   -                -   -
 queue                   0   -                -   -
 in flight               2   -                -   -
 generator cpu      10.0 %   -                -   -

response, 100 of them
  <= 1.00 ms  100.0%        100  ████████████████████████████████████████
processor time of each: 40.0 µs: event loop 30.0 µs (75%), run it 10.0 µs (25%)
generator cpu: the rest of its core it waits without sleeping
agents and generator share one process and its event loop: these are no requests a second of a
service
100 requests: too few for p(99.9)
0 requests of warm-up are left out; 0 connections at most
too slow: missed requests:count>1000

2 thresholds: 1 pass, 1 fail (2 s)
"""
    )


def test_errors_and_an_early_end_are_to_be_seen(tmp_path):
    run = replace(folded(tmp_path, errors=3), partial=True)
    text = written(result_of(run, partial=True))
    assert text.startswith("agno scenario mine (partial)\n")
    assert "\nplain (partial)\n" in text
    assert "\nerrors: 3 timeout\n" in text
    assert "errors rate" in text
    assert "\nthere were errors: 3 of 100 requests failed\n" in text


def test_a_pipe_without_unicode_gets_bars_too(tmp_path):
    run = replace(folded(tmp_path), budget={})
    text = written(result_of(replace(run, rows=())), encoding="ascii")
    assert "100.0%        100  ########################################" in text


def test_a_search_shows_its_trials_and_the_best_in_full(tmp_path):
    text = written(searched(tmp_path))
    assert " 100/s   100.0 %          1.00 ms     0.00 ns   all thresholds met" in text
    assert (
        " 200/s   100.0 %          1.00 ms     0.00 ns   too slow: missed requests:count>1000\n"
        in text
    )
    assert text.count("in one process, no network") == 1
    assert " largest rate that met all thresholds      100/s" in text
    assert text.endswith("\n2 trials (2 s)\n")


def test_a_narrow_terminal_loses_no_verdict(tmp_path):
    text = written(result_of(folded(tmp_path)), width=50)
    assert "pass" in text
    assert "fail" in text
    assert max(map(len, text.splitlines())) <= 50


def test_bars_have_round_edges_and_a_last_one_for_what_is_beyond():
    many = [10.0**-number for number in range(7)]
    found = bins(Histogram([1.5e-3, 1.6e-3, 4e-3]))
    assert found == [Bin("<= 2.00 ms", 2, 2 / 3), Bin("<= 5.00 ms", 1, 1 / 3)]
    assert bins(Histogram(many))[-1].label == "beyond"
    assert sum(one.count for one in bins(Histogram(many))) == len(many)


def test_figures_have_the_unit_of_their_dimension():
    assert [
        in_words("time", 0.0012),
        in_words("rate", 9998.0),
        in_words("bytes", 1272),
        in_words("share", 0.5),
        in_words("count", 3000),
        in_words("count", None),
    ] == ["1.20 ms", "9,998/s", "1,272 B", "50.0 %", "3,000", "-"]
    assert subject_in_words("memory_per_request:value") == "memory per request"
    assert subject_in_words("stall: longest response") == "stall: longest response"


def test_json_is_one_document_from_which_the_result_comes_back(tmp_path):
    result = result_of(folded(tmp_path))
    text = to_json(result)
    document = json.loads(text)
    assert text.endswith("}\n")
    assert (document["schema_version"], document["command"], document["error"]) == (
        1,
        "scenario",
        None,
    )
    back = msgspec.convert(document["result"], ScenarioResult)
    assert back == result
    assert back.runs[0].histograms["response"].count == 100


def test_percentiles_are_written_for_each_run(tmp_path):
    text = to_hgrm(result_of(folded(tmp_path), replace(folded(tmp_path), metrics={})))
    assert text.startswith("#[mine, plain: response in ms]\n       Value     Percentile")
    assert text.count("TotalCount 1/(1-Percentile)") == 1


def test_what_another_service_says_cannot_act_on_the_terminal(tmp_path):
    hostile = "\x1b[2Jgone\x07\r\n\x9b31m"
    run = replace(
        folded(tmp_path), name=hostile, conditions=hostile, reason=hostile, errors={hostile: 1}
    )
    text = written(result_of(replace(run, notes=(hostile,), conclusion="errors")))
    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(text)
    assert "there were errors:  [2Jgone" in text
