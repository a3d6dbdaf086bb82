"""From the times of every request to a run's result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from msgspec import Struct

from agno_cli.scenarios._api_conclude import conclude
from agno_cli.scenarios._api_notes import conditions, notes
from agno_cli.scenarios._api_series import series_of
from agno_cli.scenarios._api_service import Facts
from agno_cli.scenarios._definition import ApiRun
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._recording import DROPPED, OK, OUTCOMES, STATUS, Head, Recording
from agno_cli.scenarios._result import (
    Measured,
    Row,
    RunResult,
    gauge,
    judge,
    rows_of,
    trend,
)

# Fewer make no sensible figure of what one costs.
_FEW_IN_FLIGHT = 100
_MOST_KINDS = 10


class Observed(Struct, frozen=True, kw_only=True):
    """What was seen of a run beside its requests.

    Attributes:
        idle, before, after: facts of the service before any request, at the end of the warm-up
            and at the end.
        problem: what ended it early, else empty.
        example: the body of a bad answer.
        partial: it was interrupted.
        stall: seconds that the service was made to stand still.
        transport: `http`, `inproc` or `url`.
        cores: of the service and the generator; empty where they may run anywhere.
    """

    idle: Facts | None = None
    before: Facts | None = None
    after: Facts | None = None
    problem: str = ""
    example: str = ""
    partial: bool = False
    stall: float | None = None
    transport: str = "http"
    url: str = ""
    cores: tuple[tuple[int, ...], ...] = ()


class Counts(Struct, frozen=True):
    """How many of the measured requests: due in all, answered well, failed.

    Attributes:
        unfinished: left under way.
        dropped: never sent, because no connection was free until the end.
        planned: seconds of the schedule, from the end of the warm-up, that were had.
        served: good answers in as long a time, to whatever request.
        seconds: from the end of the warm-up to the last answer.
    """

    due: int
    good: int
    failed: int
    unfinished: int
    dropped: int
    planned: float
    served: int
    seconds: float


def fold(
    one: ApiRun,
    name: str,
    recording: Recording,
    first: int,
    observed: Observed,
    seconds: float,
) -> RunResult:
    """Make the result of one run.

    Args:
        one: the run.
        name: what it is called.
        recording: of all its requests.
        first: the number of the first one that is measured.
        observed: what else was seen.
        seconds: how long all of it took.
    """
    closed = one.load.arrival == "closed"
    first = _first_of_closed(recording, first) if closed else first
    counts = _count(one, recording, first)
    histograms = _trends(recording, first, observed, closed=closed)
    metrics = {name: trend(histogram) for name, histogram in histograms.items()}
    metrics |= _counted(one, counts) | _gauges(recording, observed)
    errors = _errors(recording, first)
    if not counts.due:
        metrics, histograms = {}, {}
    verdicts = judge(one.thresholds, metrics, histograms)
    rows = rows_of(metrics, histograms, verdicts, one.stated)
    rows += _stall_rows(observed, histograms) if histograms else []
    conclusion, reason = conclude(one, metrics, histograms, verdicts, observed, counts)
    return RunResult(
        name=name,
        conditions=conditions(one, observed),
        conclusion=conclusion,
        reason=reason,
        seconds=seconds,
        metrics=metrics,
        rows=tuple(rows),
        series=series_of(recording, first, counts.seconds),
        errors=errors,
        budget=_budget(observed),
        notes=tuple(notes(one, recording, first, observed, counts)),
        partial=observed.partial or bool(observed.problem),
    )


def _first_of_closed(recording: Recording, first: int) -> int:
    """Find the first request of a closed loop after the warm-up: nobody knew its number."""
    while first < int(recording.head[Head.PICKED]) and recording.intended[first] < 0:
        first += 1
    return first


def _count(one: ApiRun, recording: Recording, first: int) -> Counts:
    due = max(int(recording.head[Head.PICKED]) - first, 0)
    outcomes = Counter(recording.outcome[first : first + due])
    good, unfinished, dropped = outcomes[OK], outcomes[0], outcomes[DROPPED]
    started = recording.head[Head.STARTED]
    started = recording.head[Head.STARTED]
    planned = one.load.duration
    if first + due < recording.count and one.load.arrival != "closed":
        planned = recording.intended[first + due - 1] if due else 0.0  # it ended early
    numbers = [n for n in range(first + due) if recording.outcome[n] == OK]
    ends = [recording.done[number] - started for number in numbers]
    # Answers come later than what was asked for by as much as one takes: the same length of
    # time, a median later, holds as many of them as were asked for.
    later = median([recording.done[n] - recording.sent[n] for n in numbers] or [0.0])
    return Counts(
        due=due,
        good=good,
        failed=due - good - unfinished - dropped,
        unfinished=unfinished,
        dropped=dropped,
        planned=planned,
        served=sum(1 for end in ends if later <= end < planned + later),
        seconds=max(max(ends, default=0.0), planned, 1e-9),
    )


def _measured(recording: Recording, first: int) -> Iterator[int]:
    """Number the measured requests that have ended, but for those that were never sent."""
    for number in range(first, int(recording.head[Head.PICKED])):
        if recording.done[number] and recording.outcome[number] != DROPPED:
            yield number


def _trends(
    recording: Recording, first: int, observed: Observed, *, closed: bool
) -> dict[str, Histogram]:
    """Fold the times: failed requests too, for to leave them out would make them look fast."""
    numbers = list(_measured(recording, first))
    due = range(first, int(recording.head[Head.PICKED]))
    started = recording.head[Head.STARTED]
    intended, picked, sent, done = (
        recording.intended,
        recording.picked,
        recording.sent,
        recording.done,
    )
    trends = {
        "response": Histogram(done[n] - started - intended[n] for n in numbers),
        "service": Histogram(done[n] - sent[n] for n in numbers),
    }
    if not closed:  # where nothing can be late
        trends["lag"] = Histogram(picked[n] - started - intended[n] for n in due)
        trends["wait"] = Histogram(sent[n] - picked[n] for n in numbers)
    model, outcome = recording.model, recording.outcome
    if observed.transport != "url" and any(model[n] for n in numbers if outcome[n] == OK):
        trends["overhead"] = Histogram(
            done[n] - started - intended[n] - model[n] for n in numbers if outcome[n] == OK
        )
    return trends


def _counted(one: ApiRun, counts: Counts) -> dict[str, Measured]:
    ended = counts.good + counts.failed
    rate = counts.served / counts.planned if counts.planned else 0.0
    counted = {
        "requests": Measured(count=counts.good, rate=rate),
        "errors": Measured(count=counts.failed, rate=counts.failed / ended if ended else 0.0),
    }
    if one.load.arrival != "closed":
        asked = one.load.rate
        if one.load.arrival == "ramp":
            asked = (one.load.rate + one.load.rate_from) / 2
        elif one.load.arrival == "poisson":
            asked = counts.due / one.load.duration  # as many as chance made them
        counted["held"] = gauge(rate / asked if asked else 0.0)
    return counted


def _gauges(recording: Recording, observed: Observed) -> dict[str, Measured]:
    head = recording.head
    in_flight = head[Head.MOST_IN_FLIGHT]
    found = {"queue": gauge(head[Head.MOST_QUEUED]), "in_flight": gauge(in_flight)}
    if head[Head.TURNS]:
        found["generator_cpu"] = gauge(
            head[Head.BUSY] / head[Head.TURNS], "the rest of its core it waits without sleeping"
        )
    if observed.idle is not None and observed.after is not None:
        grown = observed.after.peak - observed.idle.memory
        found["memory"] = gauge(
            observed.after.peak, f"{observed.idle.memory / 1e6:.1f} MB of it before any request"
        )
        if in_flight >= _FEW_IN_FLIGHT:
            found["memory_per_request"] = gauge(
                grown / in_flight, f"what the peak is above that, over {in_flight:,.0f} in flight"
            )
    used = _used(observed)
    if used is not None:
        found["cpu"] = gauge(used, "mean from the end of the warm-up to the last answer")
    return found


def _used(observed: Observed) -> float | None:
    before, after = observed.before, observed.after
    if before is None or after is None or after.at <= before.at:
        return None
    return (after.cpu - before.cpu) / (after.at - before.at)


def _errors(recording: Recording, first: int) -> dict[str, int]:
    """Count what went wrong, by kind; HTTP errors by their status."""
    kinds: Counter[str] = Counter()
    for number in range(first, int(recording.head[Head.PICKED])):
        outcome = recording.outcome[number]
        if outcome == STATUS:
            kinds[f"HTTP {recording.model[number]:.0f}"] += 1
        elif outcome not in (0, OK, DROPPED):
            kinds[OUTCOMES[outcome]] += 1
    return dict(kinds.most_common(_MOST_KINDS))


def _budget(observed: Observed) -> dict[str, float]:
    """Split the processor time of a request; all but the whole is measured inside the service."""
    before, after = observed.before, observed.after
    if before is None or after is None or after.costs.requests <= before.costs.requests:
        return {}
    requests = after.costs.requests - before.costs.requests
    parts = {
        "JSON": (after.costs.json - before.costs.json) / requests,
        "create the agent": (after.costs.create - before.costs.create) / requests,
        "run it": (after.costs.run - before.costs.run) / requests,
    }
    whole = (after.cpu - before.cpu) / requests
    outside = "HTTP and event loop" if observed.transport == "http" else "event loop and generator"
    return {outside: max(0.0, whole - sum(parts.values())), **parts}


def _stall_rows(observed: Observed, histograms: dict[str, Histogram]) -> list[Row]:
    """Show that a stall is to be seen, and by how much a closed loop would have hidden it."""
    if observed.stall is None:
        return []
    told = histograms.get("overhead", histograms["response"])
    return [
        Row("stall: longest response", "time", told.max, note="without the model's own time"),
        Row(
            "stall: responses over half of it",
            "share",
            told.share_above(observed.stall / 2),
            note="a client that waits for each answer before it asks again would have seen one",
        ),
    ]
