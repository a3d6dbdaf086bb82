"""The drawings: where things stand, and what stands in their titles."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.bench._compare import Comparison
from agno_cli.bench._results import Result, Timing
from agno_cli.bench._scaling import Point, Scaling, explain_threads
from agno_cli.bench._statistics import Interval
from agno_cli.reports import _plots
from agno_cli.reports._changes import changes
from agno_cli.reports._distribution import distribution
from agno_cli.reports._peer_rows import PeerFigure, PeerRow
from agno_cli.reports._peers import peers
from agno_cli.reports._plots import Line, Tick
from agno_cli.reports._scaling import scaling


def titles(markup: str) -> list[str]:
    return re.findall("<title>(.*?)</title>", markup)


def texts(markup: str) -> list[str]:
    """Give the pieces of text, but for titles."""
    plain = re.sub("<title>.*?</title>", "", markup)
    return [piece for piece in re.split("<[^>]*>", plain) if piece.strip()]


def test_places_on_an_axis():
    assert _plots.linear(15, 10, 20) == 0.5
    assert _plots.logarithmic(100, 1, 10_000) == 0.5
    assert _plots.percent(1 / 3) == "33.33%"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1, 1, (1, 10)), (0.69, 47_000, (0.1, 100_000)), (1, 100, (1, 100)), (20, 30, (10, 100))],
)
def test_decades_enclose(low, high, expected):
    assert _plots.decades(low, high) == expected


@pytest.mark.parametrize(
    ("high", "expected"),
    [
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (8, [0, 2, 4, 6, 8]),
        (1.9e6, [0, 5e5, 1e6, 1.5e6, 2e6]),
    ],
)
def test_steps_are_round(high, expected):
    assert _plots.steps(high) == expected


@given(st.floats(1e-12, 1e15))
def test_steps_reach_any_value_and_are_few(high):
    values = _plots.steps(high)

    assert values[0] == 0
    assert values[-1] >= high * (1 - 1e-6)
    assert 3 <= len(values) <= 6


def test_labels_that_would_touch_are_left_out():
    ticks = [Tick(0.0, "1"), Tick(0.02, "2"), Tick(0.5, "3"), Tick(1.0, "4")]

    assert [tick.label for tick in _plots.thinned(ticks)] == ["1", "3", "4"]


def test_dots_stand_beside_each_other_and_arrows_at_the_ends():
    drawn = _plots.dots([0.5, 0.5, 0.5, 0.5, -0.1, 1.2])

    places = re.findall(r'x="([^"]*)".*?class="([^"]*)".*?translate\(0 ([^)]*)\)', drawn)
    assert places == [
        ("0%", "dot outside", "0"),
        ("50%", "dot", "0"),
        ("50%", "dot", "-5"),
        ("50%", "dot", "5"),
        ("50%", "dot", "0"),
        ("100%", "dot outside", "0"),
    ]


def test_a_chart_draws_segments_and_a_sign_at_each_point():
    drawn = _plots.chart(
        "A title",
        [Line("one", ((0.0, 0.0), (0.5, 0.25), (1.0, 1.0)))],
        across=[Tick(0.0, "1"), Tick(1.0, "2")],
        up=[Tick(0.0, "0"), Tick(1.0, "9")],
        ideal=[(0.0, 0.0), (1.0, 1.0)],
    )

    assert titles(drawn) == ["A title"]
    assert texts(drawn) == ["0", "9", "1", "2"]
    assert '<line x1="50%" y1="75%" x2="100%" y2="0%" class="line series-0"></line>' in drawn
    assert '<line x1="0%" y1="100%" x2="100%" y2="0%" class="line ideal"></line>' in drawn
    assert drawn.count('class="sign series-0"') == 3


def test_the_fifth_curve_looks_like_the_first():
    assert _plots.legend("abcde").count("series-0") == 4


def timed(name: str, *seconds: float) -> Result:
    timing = Timing(tuple((second,) for second in seconds), 1)
    return Result(name=name, summary="", operation="", timing=timing)


def test_a_strip_says_what_it_shows(report):
    [section] = distribution(report)

    assert section.title == "Distribution"
    assert titles(section.body) == [
        "create: 6 processes from 100 ns to 102 ns, median 101 ns",
        "create_tools: 6 processes from 150 ns to 150 ns, median 150 ns",
    ]
    # 101 ns is the target of `create`, and its median.
    assert '<line x1="50%" x2="50%" y1="0" y2="100%" class="bound"></line>' in section.body
    assert section.body.count('class="bound"') == 1
    assert texts(section.body) == [
        *("create", "101 ns", "100 ns to 102 ns", "create_tools", "150 ns", "150 ns to 150 ns"),
        *("-1 %", "-0.5 %", "0", "+0.5 %", "+1 %"),
    ]


def test_one_disturbed_process_does_not_flatten_the_strips(report):
    results = (timed("calm", *[1.0] * 29, 1.04), timed("wild", 1.0, 1.0, 9.0))
    [section] = distribution(_with(report, results))

    assert "+1 %" in section.body
    assert section.body.count("dot outside") == 2


def test_the_axis_has_an_end(report):
    [section] = distribution(_with(report, (timed("wild", 1.0, 5.0, 25.0, 125.0),)))

    assert "+50 %" in section.body


def test_too_few_processes_have_no_band(report):
    [section] = distribution(_with(report, (timed("few", 1.0, 1.0),)))

    assert "band" not in section.body


def test_a_target_far_away_is_not_drawn(report):
    [section] = distribution(_with(report, (timed("create", *[1.0] * 6),)))

    assert 'class="bound"' not in section.body


def test_nothing_timed_has_no_distribution(report):
    assert distribution(_with(report, (Result(name="x", summary="", operation=""),))) == []


def _with(report, results):
    from msgspec.structs import replace

    return replace(report, result=replace(report.result, results=results))


def second(value: float) -> PeerFigure:
    return PeerFigure(value, "second")


OURS = PeerRow(
    name="ours",
    version="1.0",
    source="measured here",
    figures={"create": second(1e-6), "bytes": PeerFigure(100, "byte")},
)


def test_libraries_with_their_notes_below_them():
    rows = [
        OURS,
        PeerRow(
            name="other",
            figures={"create": second(25e-6), "allocs": PeerFigure(7, "allocation")},
            notes=("tracing is off", "its `TestModel`"),
        ),
        PeerRow(name="third", problem="pip failed"),
    ]
    libraries, _ = peers(rows)

    assert texts(libraries.body) == [
        *("Figures of other libraries", "library", "create", "bytes", "allocs"),
        *("ours", "1.0, measured here", "1.00 µs", "100 B", "-"),
        *("other", "25.0 µs", "-", "7", "tracing is off. its ", "TestModel"),
        *("third", "-", "-", "-", "could not be measured: pip failed"),
    ]


def test_ratios_to_the_first_row_on_a_logarithmic_axis():
    faster = PeerRow(name="faster", figures={"create": second(0.1e-6)})
    slower = PeerRow(name="slower", figures={"create": second(100e-6)})
    _, ratios = peers([OURS, slower, faster])

    # From a tenth to a hundred times: 1x stands at a third.
    assert titles(ratios.body) == [
        "ours, create: 1x",
        "slower, create: 100x",
        "faster, create: 0.1x",
    ]
    assert '<rect x="33.33%" width="66.67%" class="bar"></rect>' in ratios.body
    assert '<rect x="0%" width="33.33%" class="bar less"></rect>' in ratios.body
    assert texts(ratios.body)[-4:] == ["0.1x", "1x", "10x", "100x"]
    # Nobody else has bytes.
    assert "<figcaption>create</figcaption>" in ratios.body
    assert "<figcaption>bytes</figcaption>" not in ratios.body


@pytest.mark.parametrize(
    "figure",
    [second(0.0), second(float("inf")), second(float("nan")), second(-1.0), PeerFigure(1, "byte")],
)
def test_what_has_no_ratio_is_not_drawn(figure):
    sections = peers([OURS, PeerRow(name="other", figures={"create": figure})])

    assert [section.title for section in sections] == ["Other libraries"]


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_base_without_a_figure_gives_no_ratios(value):
    base = PeerRow(name="ours", figures={"create": second(value)})
    sections = peers([base, PeerRow(name="other", figures={"create": second(1.0)})])

    assert [section.title for section in sections] == ["Other libraries"]


def test_two_libraries_of_one_name_are_two_bars():
    twice = [PeerRow(name="same", figures={"create": second(x)}) for x in (2e-6, 4e-6)]
    _, ratios = peers([OURS, *twice])

    assert titles(ratios.body)[1:] == ["same, create: 2x", "same, create: 4x"]


def test_a_wide_axis_has_few_labels():
    _, ratios = peers([OURS, PeerRow(name="far", figures={"create": second(10.0)})])

    assert texts(ratios.body)[-4:] == ["1x", "100x", "10,000x", "1,000,000x"]


def test_no_rows_no_sections(report):
    assert peers([]) == []
    assert scaling([], report.environment) == []
    assert changes("main", []) == []


def test_scaling_is_said_plainly(report):
    curves = [
        Scaling("run", "threads", (Point(1, 100.0, 1.0, None), Point(2, 90.0, 0.9, None))),
        Scaling(
            "run",
            "processes",
            (Point(1, 100.0, 1.0, None), Point(2, 190.0, 1.9, Interval(1.8, 2.0))),
        ),
    ]
    [section] = scaling(curves, report.environment)

    assert titles(section.body) == [
        "ops/s by workers: run, threads, run, processes",
        "speed-up by workers: run, threads, run, processes",
    ]
    written = texts(section.body)
    table = written.index("workload")
    assert written[table:] == [
        *("workload", "workers", "ops/s in all", "speed-up", "95 %", "efficiency"),
        *("run, threads", "1", "100", "1.00x", "-", "100.0 %"),
        *("run, threads", "2", "90.0", "0.90x", "-", "45.0 %"),
        *("run, processes", "1", "100", "1.00x", "-", "100.0 %"),
        *("run, processes", "2", "190", "1.90x", "1.80 to 2.00", "95.0 %"),
        explain_threads(report.environment),
    ]


def test_one_worker_is_a_point_and_no_curve(report):
    curve = Scaling("run", "processes", (Point(1, 100.0, 1.0, None),))
    [section] = scaling([curve], report.environment)

    assert section.body.count('<svg x="50%" y="0%" width="1" height="1" class="sign') == 2
    assert texts(section.body)[-6:] == ["run, processes", "1", "100", "1.00x", "-", "100.0 %"]


def comparison(**facts) -> Comparison:
    known = {"benchmark": "run", "metric": "time", "outcome": "pass", "change": "same"}
    return Comparison(**{**known, **facts})


def cells(*comparisons: Comparison) -> list[str]:
    [section] = changes("`main`", comparisons)
    return texts(section.body)[9:]


def test_a_slowdown_with_its_interval():
    slower = comparison(
        outcome="fail",
        change="worse",
        before=1e-6,
        after=1.2e-6,
        ratio=1.2,
        interval=Interval(1.1, 1.3),
        probability=0.00058,
    )

    assert cells(slower) == [
        *("run", "time", "1.00 µs", "1.20 µs", "+20.0 %", "0.0006", "fail", " worse")
    ]
    [section] = changes("main", [slower])
    assert section.lead.startswith("This run against main. ")
    assert titles(section.body) == ["run, time: 1.2 times what it was"]
    assert '<rect x="60%" width="20%" class="reach"></rect>' in section.body


def test_counts_and_what_is_missing():
    assert cells(comparison(metric="bytes", before=112.0, after=112.0, ratio=1.0)) == [
        *("run", "bytes", "112 B", "112 B", "+0.0 %", "-", "pass", " same")
    ]
    assert cells(comparison(metric="bytecodes", before=7.0, after=8.0))[2:4] == ["7", "8"]
    unknown = comparison(outcome="inconclusive", change="unknown", reason="it is `new`")
    assert cells(unknown) == [
        *("run", "time", "-", "-", "-", "-", "inconclusive", " unknown", "it is ", "new")
    ]


@pytest.mark.parametrize(("ratio", "place"), [(9.0, "100%"), (0.1, "0%")])
def test_a_change_beyond_the_axis_is_an_arrow(ratio, place):
    [section] = changes("main", [comparison(ratio=ratio, probability=1e-9)])

    assert f'<svg x="{place}" y="50%" width="1" height="1" class="dot pass">' in section.body
    assert "&lt;0.0001" in section.body
