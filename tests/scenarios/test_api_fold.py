"""From times to figures and conclusions, with times that were made up."""

import pytest
from msgspec.structs import replace

from agno_cli.scenarios._api_app import Costs
from agno_cli.scenarios._api_fold import Observed, fold
from agno_cli.scenarios._api_service import Facts
from agno_cli.scenarios._recording import (
    CONNECTION,
    DROPPED,
    STATUS,
    TIMEOUT,
    WRONG,
    Head,
    Job,
    opened,
)
from agno_cli.scenarios._result import RunResult
from tests.scenarios.recordings import STARTED, recorded, run_of

SEEN = Observed(cores=((0,), (1,)))


def facts(at: float, cpu: float, peak: int, requests: int) -> Facts:
    costs = Costs(requests=requests, json=1e-5 * requests, create=2e-5 * requests, run=0.0)
    return Facts(1, at, cpu, 30_000_000, peak, costs, "granian", "uvloop")


def test_a_run_that_went_well(tmp_path):
    one = run_of("response:p(99)<=2ms", "errors:count<=0", "held:value>=99%")
    with recorded(tmp_path) as recording:
        result = fold(one, "mine", recording, 0, SEEN, 2.0)

    assert (result.conclusion, result.reason, result.partial) == ("pass", "", False)
    assert result.conditions == "HTTP on loopback, 100/s for 1 s, model takes no time"
    figures = {row.subject: row.measured for row in result.rows}
    assert figures["response:p(50)"] == pytest.approx(0.001, rel=1e-3)
    assert figures["requests:count"] == 100
    assert figures["requests:rate"] == 100.0
    assert figures["held:value"] == 1.0
    assert figures["in_flight:value"] == 2
    assert figures["generator_cpu:value"] == pytest.approx(0.1)
    assert [verdict.outcome for verdict in result.verdicts] == ["pass"] * 3
    assert [series.name for series in result.series] == [
        "answers",
        "errors",
        "response p(50)",
        "response p(99)",
        "in flight",
        "queue",
    ]
    assert sum(value or 0.0 for value in result.series[0].values) == pytest.approx(1000, rel=0.02)


def test_a_response_counts_from_the_intended_time(tmp_path):
    with recorded(tmp_path, service=0.001, lag=0.050) as recording:
        result = fold(run_of(), "mine", recording, 0, SEEN, 2.0)

    assert result.histograms["response"].percentile(50) == pytest.approx(0.051, rel=1e-3)
    assert result.histograms["service"].percentile(50) == pytest.approx(0.001, rel=1e-3)
    assert result.histograms["lag"].percentile(50) == pytest.approx(0.050, rel=1e-3)


@pytest.mark.parametrize(
    ("thresholds", "lag", "conclusion", "reason"),
    [
        (["response:p(99)<=10ms"], 0.003, "generator", "late by 3 ms at p(99), more than 2 ms"),
        (["response:p(99)<=100ms"], 0.003, "pass", ""),
        ([], 0.003, "generator", "late by 3 ms at p(99), more than 1 ms"),
        (["lag:p(99)<=5ms"], 0.003, "pass", ""),
        (["lag:p(99)<=2ms"], 0.003, "generator", "missed lag:p(99)<=2ms"),
        (["response:max<=0.5ms"], 0.0, "too slow", "missed response:max<=0.5ms"),
    ],
)
def test_a_late_generator_makes_a_run_invalid(tmp_path, thresholds, lag, conclusion, reason):
    """A fifth of the tightest bound on times is too late, unless a bound on lag says otherwise."""
    with recorded(tmp_path, lag=lag) as recording:
        result = fold(run_of(*thresholds), "mine", recording, 0, SEEN, 2.0)

    assert result.conclusion == conclusion
    assert reason in result.reason


def test_a_busy_generator_is_to_blame_for_a_rate_that_was_not_held(tmp_path):
    one = run_of(rate=200.0, duration=1.0)
    with recorded(tmp_path) as recording:
        slow = fold(one, "mine", recording, 0, SEEN, 2.0)
        recording.head[Head.BUSY] = 0.99
        busy = fold(one, "mine", recording, 0, SEEN, 2.0)

    assert (slow.conclusion, slow.reason) == ("too slow", "it held 50.0 % of the rate")
    assert busy.conclusion == "generator"
    assert busy.reason.startswith("the generator was busy for 99 % of the time; lower the rate")


def test_failed_requests_stay_in_the_times_and_out_of_the_rate(tmp_path):
    outcomes = [STATUS, STATUS, WRONG, TIMEOUT, CONNECTION, 0, DROPPED]
    with recorded(tmp_path, outcomes=outcomes) as recording:
        recording.model[0] = recording.model[1] = 503
        recording.done[5] = 0.0
        seen = replace(SEEN, example="no")
        result = fold(run_of(), "mine", recording, 0, seen, 2.0)

    assert result.errors == {"HTTP 503": 2, "wrong answer": 1, "timeout": 1, "connection": 1}
    assert (result.conclusion, result.reason) == ("errors", "5 of 100 requests failed: no")
    assert result.metrics["errors"].count == 5
    assert result.metrics["requests"].count == 93
    assert result.histograms["response"].count == 98
    assert "1 requests were under way when it ended" in result.notes
    assert "1 requests were never sent: no connection was free until the end" in result.notes


def test_thresholds_may_allow_errors(tmp_path):
    one = run_of("errors:rate<5%", "held:value>=90%")
    with recorded(tmp_path, outcomes=[TIMEOUT] * 4) as recording:
        assert fold(one, "mine", recording, 0, SEEN, 2.0).conclusion == "pass"
    with recorded(tmp_path, outcomes=[TIMEOUT] * 6) as recording:
        assert fold(one, "mine", recording, 0, SEEN, 2.0).conclusion == "errors"


def test_an_interrupted_run_is_judged_by_the_time_it_had(tmp_path):
    with recorded(tmp_path, picked=50) as recording:
        result = fold(run_of(), "mine", recording, 0, replace(SEEN, partial=True), 1.0)

    assert (result.conclusion, result.partial) == ("interrupted", True)
    assert result.metrics["held"].value == pytest.approx(1.0, rel=0.05)
    assert "50 of 100 requests were never due: it ended early" in result.notes


def test_nothing_measured_is_a_problem_and_no_table(tmp_path):
    seen = replace(SEEN, problem="127.0.0.1:9 does not answer: Connection refused")
    with recorded(tmp_path, picked=0) as recording:
        result = fold(run_of("lag:max<1s"), "mine", recording, 0, seen, 1.0)

    assert (result.conclusion, result.reason, result.partial) == ("problem", seen.problem, True)
    assert result.metrics == {}
    assert [verdict.outcome for verdict in result.verdicts] == ["inconclusive"]


def test_a_service_that_died_is_an_error(tmp_path):
    seen = replace(SEEN, problem="the service was ended by signal 9")
    with recorded(tmp_path, picked=50, outcomes=[CONNECTION]) as recording:
        result = fold(run_of(), "mine", recording, 0, seen, 1.0)

    assert result.conclusion == "errors"
    assert result.reason == "1 of 50 requests failed: the service was ended by signal 9"


def test_the_warm_up_is_left_out(tmp_path):
    with recorded(tmp_path, service=0.001) as recording:
        recording.done[0] += 5.0
        result = fold(run_of(), "mine", recording, 10, SEEN, 2.0)

    assert result.histograms["response"].count == 90
    assert result.histograms["response"].max == pytest.approx(0.001, rel=1e-3)


def test_a_stall_must_be_seen(tmp_path):
    seen = replace(SEEN, stall=0.2)
    with recorded(tmp_path) as recording:
        blind = fold(run_of(), "mine", recording, 0, seen, 2.0)
        for number in range(20):
            recording.done[50 + number] = STARTED + 0.71
        told = fold(run_of(), "mine", recording, 0, seen, 2.0)

    assert blind.conclusion == "problem"
    assert "a stall of 200 ms was made" in blind.reason
    assert told.conclusion == "pass"
    shares = {row.subject: row.measured for row in told.rows if "stall" in row.subject}
    assert shares["stall: longest response"] == pytest.approx(0.21)
    assert shares["stall: responses over half of it"] == pytest.approx(0.11, abs=0.01)


def test_the_model_time_is_taken_out_of_the_overhead(tmp_path):
    with recorded(tmp_path, service=0.101) as recording:
        for number in range(100):
            recording.model[number] = 0.1
        result = fold(run_of("overhead:p(99)<=2ms"), "mine", recording, 0, SEEN, 2.0)

    assert result.histograms["overhead"].percentile(99) == pytest.approx(0.001, rel=1e-2)
    assert result.conclusion == "pass"


def test_what_the_service_says_of_itself(tmp_path):
    seen = replace(
        SEEN,
        idle=facts(STARTED - 1, 0.1, 30_000_000, 0),
        before=facts(STARTED, 0.2, 31_000_000, 100),
        after=facts(STARTED + 2, 0.3, 42_000_000, 1100),
    )
    with recorded(tmp_path) as recording:
        recording.head[Head.MOST_IN_FLIGHT] = 400
        result = fold(run_of(), "mine", recording, 0, seen, 2.0)

    values = {name: metric.value for name, metric in result.metrics.items()}
    assert values["memory"] == 42_000_000
    assert values["memory_per_request"] == 30_000
    assert values["cpu"] == pytest.approx(0.05)
    assert result.budget == {
        "HTTP and event loop": pytest.approx(7e-5),
        "JSON": pytest.approx(1e-5),
        "create the agent": pytest.approx(2e-5),
        "run it": 0.0,
    }
    assert result.notes[0] == (
        "granian on uvloop, garbage collected after 50,000 objects;"
        " service on core 0, generator on core 1, of " + result.notes[0].rpartition(" ")[2]
    )


def test_a_closed_loop_says_what_it_hides(tmp_path):
    one = run_of(arrival="closed", connections=4)
    with recorded(tmp_path, count=200, picked=100) as recording:
        for number in range(10):
            recording.intended[number] -= 1.0
        result = fold(one, "mine", recording, 0, SEEN, 2.0)

    assert result.conditions == "HTTP on loopback, closed loop of 4 for 1 s, model takes no time"
    assert result.notes[0].startswith("closed loop: a request is sent when one before it")
    assert result.metrics["requests"].count == 90
    assert set(result.histograms) == {"response", "service"}
    assert "held" not in result.metrics


@pytest.mark.parametrize(
    ("transport", "load", "conditions"),
    [
        ("inproc", {}, "in one process, no network, 100/s for 1 s, model takes no time"),
        ("url", {"arrival": "poisson"}, "http://x/, 100/s at random for 1 s"),
        (
            "http",
            {"arrival": "ramp", "rate_from": 50.0},
            "HTTP on loopback, from 50 to 100/s for 1 s, model takes no time",
        ),
    ],
)
def test_the_conditions_are_in_words(tmp_path, transport, load, conditions):
    seen = replace(SEEN, transport=transport, url="http://x/")
    with recorded(tmp_path) as recording:
        result = fold(run_of(**load), "mine", recording, 0, seen, 2.0)

    assert isinstance(result, RunResult)
    assert result.conditions == conditions


def test_a_recording_is_the_same_for_whoever_opens_it(tmp_path):
    with recorded(tmp_path, count=10) as recording:
        path = tmp_path / "recording"
        with opened(path, 10) as other:
            other.done[3] = 7.0
            other.head[Head.DONE] = 5.0
        assert (recording.done[3], recording.head[Head.DONE]) == (7.0, 5.0)
    assert Job(path=str(path), count=10).spins
