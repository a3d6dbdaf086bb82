"""The largest rate that a service holds: found as people do by hand, by trying."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from agno_cli.scenarios._api import Step, measure
from agno_cli.scenarios._arrivals import MOST_REQUESTS
from agno_cli.scenarios._definition import ApiRun
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._result import Report, Row, RunResult
from agno_cli.scenarios._run import Summary
from agno_cli.scenarios._target import Target

# Long enough to see a queue grow.
_TRIAL_SECONDS = 5.0
_MOST_TRIALS = 16
# The least step worth a trial: machines differ by more from minute to minute.
_EXACT = 0.05
_FACTOR = 2.0
# Of fewer nothing can be said.
_FEW_REQUESTS = 10


def search(
    one: ApiRun, options: Options, report: Report, target: Target | None
) -> Iterator[RunResult | Summary]:
    """Yield a result for each trial, and last the largest rate that met all thresholds.

    From the run's own rate it doubles while all is well, or halves until it is, and then tries
    the middle of what is left until that is less than a twentieth.
    """
    duration = (
        min(one.load.duration, _TRIAL_SECONDS) if options.duration is None else one.load.duration
    )
    results: list[tuple[float, RunResult]] = []

    def trial(rate: float) -> RunResult:
        load = replace(one.load, rate=rate, duration=duration)
        step = Step(len(results) + 1, _MOST_TRIALS, f"{rate:,.0f}/s")
        result = measure(replace(one, load=load), options, report, step, target)
        results.append((rate, result))
        return result

    most = MOST_REQUESTS / (duration + one.load.warmup)
    yield from trials(one.load.rate, trial, least=_FEW_REQUESTS / duration, most=most)
    yield Summary((_row(results),), trials=True)


def trials(
    rate: float, trial: Callable[[float], RunResult], *, least: float, most: float
) -> Iterator[RunResult]:
    """Try rates from a first one on, within bounds, and yield the results."""
    best = worst = None
    for _ in range(_MOST_TRIALS):
        result = trial(rate)
        yield result
        if result.conclusion in {"interrupted", "problem"}:
            return
        if result.conclusion == "pass":
            best = rate
        else:
            worst = rate
        if best is not None and worst is not None:
            if worst / best - 1 < _EXACT:
                return
            rate = _rounded((best + worst) / 2)
            if rate in {best, worst}:
                return
        else:
            rate = rate * _FACTOR if worst is None else _rounded(rate / _FACTOR)
        if not least <= rate <= most:
            return


def _rounded(rate: float) -> float:
    """Leave two digits and a half: nobody reads more into the figure."""
    return float(f"{rate:.3g}")


def _row(results: list[tuple[float, RunResult]]) -> Row:
    subject = "largest rate that met all thresholds"
    good = [rate for rate, result in results if result.conclusion == "pass"]
    if not good:
        return Row(subject, "rate", None, note="none did; see the trials")
    beyond = [pair for pair in results if pair[0] > max(good)]
    rate, first = min(beyond, key=lambda pair: pair[0], default=(0.0, None))
    why = {"generator": "the generator was too slow", "errors": "there were errors"}
    note = "no rate was tried beyond it"
    if first is not None:
        note = f"at {rate:,.0f}/s {why.get(first.conclusion, 'a threshold was missed')}"
    return Row(subject, "rate", max(good), note=note)
