"""What follows from a run's figures: whose fault it is where it did not go well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agno_cli.scenarios._definition import ApiRun
from agno_cli.scenarios._histogram import Histogram
from agno_cli.scenarios._result import Conclusion, Measured, Verdict

if TYPE_CHECKING:
    from agno_cli.scenarios._api_fold import Counts, Observed

# A generator that is late by more than this share of a bound cannot judge that bound.
_LAG_SHARE = 0.2
# Without a bound on times: what people would still call at once.
_LAG_SECONDS = 1e-3
_JUDGED_BY = ("response", "overhead", "service")
# With fewer idle turns the generator may be what the service waits for.
_BUSY = 0.95
_HELD = 0.99
_TOLD_SHARE = 0.9


def conclude(
    one: ApiRun,
    metrics: Mapping[str, Measured],
    histograms: Mapping[str, Histogram],
    verdicts: Sequence[Verdict],
    observed: Observed,
    counts: Counts,
) -> tuple[Conclusion, str]:
    """Conclude, and say why and what to do where it is no pass."""
    if observed.partial:
        return "interrupted", "these are partial results"
    if observed.problem and not counts.due:
        return "problem", observed.problem
    if observed.problem or _failed(verdicts, counts):
        said = f": {observed.problem or observed.example}".removesuffix(": ")
        return "errors", f"{counts.failed:,} of {counts.due:,} requests failed{said}"
    reasons: tuple[tuple[Conclusion, str], ...] = (
        ("generator", _lateness(one, metrics, histograms, verdicts)),
        ("problem", _blindness(observed, histograms)),
        ("too slow", _slowness(metrics, verdicts, counts)),
    )
    return next((found for found in reasons if found[1]), ("pass", ""))


def _slowness(metrics: Mapping[str, Measured], verdicts: Sequence[Verdict], counts: Counts) -> str:
    """Say what the service missed; empty where it met all."""
    missed = [verdict.threshold.text for verdict in verdicts if verdict.outcome == "fail"]
    if missed:
        return f"missed {', '.join(missed)}"
    held = metrics.get("held")
    bounded = any(verdict.threshold.metric == "held" for verdict in verdicts)
    if held is None or bounded or held.value >= _HELD:
        return ""
    # As many as are in flight may fall on the other side of the edges of the time.
    if (1 - held.value) * counts.due <= metrics["in_flight"].value + 1:
        return ""
    return f"it held {100 * held.value:.1f} % of the rate"


def _failed(verdicts: Sequence[Verdict], counts: Counts) -> bool:
    """Tell whether more requests failed than the thresholds on errors allow; by default, any."""
    about = [verdict for verdict in verdicts if verdict.threshold.metric == "errors"]
    if about:
        return any(verdict.outcome == "fail" for verdict in about)
    return counts.failed > 0


def lag_limit(one: ApiRun) -> float:
    """Say how late the generator may be, at p(99): a share of the tightest bound on times."""
    bounds = [t.bound for t in one.thresholds if t.metric in _JUDGED_BY and t.operator[0] == "<"]
    return _LAG_SHARE * min(bounds) if bounds else _LAG_SECONDS


def _lateness(
    one: ApiRun,
    metrics: Mapping[str, Measured],
    histograms: Mapping[str, Histogram],
    verdicts: Sequence[Verdict],
) -> str:
    """Say how the generator failed; empty where it did not."""
    advice = "lower the rate, or give it a faster or idler machine"
    missed = [v for v in verdicts if v.threshold.metric == "lag" and v.outcome == "fail"]
    if missed:
        return f"the generator was late: missed {missed[0].threshold.text}; {advice}"
    bounded = any(verdict.threshold.metric == "lag" for verdict in verdicts)
    lag, limit = histograms["lag"].percentile(99) if "lag" in histograms else 0.0, lag_limit(one)
    if lag > limit and not bounded:
        return (
            f"the generator was late by {1e3 * lag:.3g} ms at p(99), more than"
            f" {1e3 * limit:.3g} ms; {advice}"
        )
    held, busy = metrics.get("held"), metrics.get("generator_cpu")
    if held and busy and held.value < _HELD and busy.value > _BUSY:
        return f"the generator was busy for {100 * busy.value:.0f} % of the time; {advice}"
    return ""


def _blindness(observed: Observed, histograms: Mapping[str, Histogram]) -> str:
    """Check that a stall that was made is to be seen; empty where it is, or where none was."""
    if observed.stall is None:
        return ""
    longest = histograms.get("overhead", histograms["response"]).max
    if longest >= _TOLD_SHARE * observed.stall:
        return ""
    return (
        f"a stall of {1e3 * observed.stall:g} ms was made, and the longest response took"
        f" {1e3 * longest:.3g} ms: this measurement is blind"
    )
