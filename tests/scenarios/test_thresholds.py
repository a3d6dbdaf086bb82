"""Thresholds in k6's grammar, and errors that show the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError
from agno_cli.scenarios._thresholds import (
    AGGREGATIONS,
    METRICS,
    Threshold,
    combined,
    parse_threshold,
    parse_thresholds,
)


def test_a_percentile_is_bounded():
    assert parse_threshold("here", " response:p(99.9) < 5ms ") == Threshold(
        "response", "p", 99.9, "<", 0.005, "response:p(99.9) < 5ms"
    )


def test_counters_have_a_count_and_a_rate():
    assert parse_threshold("x", "errors:count<=0").bound == 0.0
    assert parse_threshold("x", "errors:rate<0.1%").bound == 0.001
    assert parse_threshold("x", "errors:count<=0").dimension == "count"
    assert parse_threshold("x", "requests:rate>=10k/s").bound == 10_000.0


def test_a_share_is_what_it_says():
    """95 times 0.01 is more than 0.95, and who reached 0.95 would have missed it."""
    assert parse_threshold("x", "held:value>=95%").bound == 0.95


def test_a_bound_is_met_or_not():
    threshold = parse_threshold("x", "lag:max<=1ms")
    assert (threshold.met_by(0.001), threshold.met_by(0.0011)) == (True, False)
    assert threshold.subject == "lag:max"
    assert parse_threshold("x", "lag:p(99.0)<1ms").subject == "lag:p(99)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (3, 'here: 3 is no threshold; write a text such as "response:p(99)<5ms"'),
        (
            "",
            "here: expected a metric such as `response` at the beginning, and nothing stands there",
        ),
        ("overhed:max<5ms", "here: there is no metric `overhed`; did you mean `overhead`?"),
        ("lag", "here: expected `:` and an aggregation after `lag`, and nothing stands there"),
        (
            "lag:p99<5ms",
            "here: expected `(` and a percentile after `lag:p`, not `99<5ms`",
        ),
        ("lag:p(101)<1s", "here: expected a percentile up to 100 after `lag:p(`, not `101)<1s`"),
        (
            "lag:value<1s",
            "here: expected one of avg, min, med, max, p(N) after `lag:`, not `value<1s`",
        ),
        ("errors:p(9)<1", "here: expected one of count, rate after `errors:`, not `p(9)<1`"),
        ("lag:max=1s", "here: expected one of < <= > >= after `lag:max`, not `=1s`"),
        (
            "lag:max<1",
            (
                "here: expected a unit (ns, us, µs, μs, ms, s, min) after `lag:max<1`, and nothing"
                " stands there"
            ),
        ),
        ("errors:count<1x", "here: expected nothing more after `errors:count<1`, not `x`"),
    ],
)
def test_a_bad_threshold_is_refused_with_its_place(text, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_threshold("here", text)
    assert str(caught.value) == message


def test_a_list_numbers_what_is_wrong():
    with pytest.raises(ConfigurationError, match=r"^thresholds\[1\]: there is no metric `x`;"):
        parse_thresholds("thresholds", ["lag:max<1s", "x"])
    with pytest.raises(ConfigurationError, match=r"^thresholds: 'lag' is no list; write one"):
        parse_thresholds("thresholds", "lag")


def test_a_given_threshold_replaces_the_one_on_the_same_subject():
    def read(*texts):
        return parse_thresholds("x", list(texts))

    file = read("response:p(99)<1ms", "lag:max<1s", "errors:count<=0")
    given_ones = read("response:p(99)<=9ms", "response:p(50)<1ms")
    assert combined(file, given_ones) == read(
        "lag:max<1s", "errors:count<=0", "response:p(99)<=9ms", "response:p(50)<1ms"
    )


@given(
    metric=st.sampled_from(sorted(METRICS)),
    sign=st.sampled_from(["<", "<=", ">", ">="]),
    data=st.data(),
)
def test_every_metric_can_be_bounded(metric: str, sign: str, data: st.DataObject):
    aggregation = data.draw(st.sampled_from(AGGREGATIONS[METRICS[metric].kind]))
    units = {"time": "ms", "rate": "/s", "bytes": "kB", "count": "", "share": "%"}
    dimension = "count" if aggregation == "count" else METRICS[metric].dimension
    text = f"{metric}:{aggregation.replace('N', '99')}{sign}3{units[dimension]}"
    threshold = parse_threshold("x", text)
    assert (threshold.metric, threshold.operator, threshold.dimension) == (metric, sign, dimension)
    assert threshold.text == text
