"""What happened when: figures of a run in slices of its time."""

from __future__ import annotations

from itertools import accumulate

from agno_cli.scenarios._recording import DROPPED, OK, Head, Recording
from agno_cli.scenarios._result import Series

_MOST_SLICES = 120
_LEAST_SECONDS = 0.1
# Differences of a clock that has been running for days are exact to this.
_CLOCK_SECONDS = 1e-9


def series_of(recording: Recording, first: int, seconds: float) -> tuple[Series, ...]:
    """Slice a run: by a request's intended time for its response, by its end for the rate."""
    width = max(_LEAST_SECONDS, seconds / _MOST_SLICES)
    slices = max(1, round(seconds / width))
    width = seconds / slices
    started, picked = recording.head[Head.STARTED], int(recording.head[Head.PICKED])
    responses: list[list[float]] = [[] for _ in range(slices)]
    ended, failed, begun, waiting = ([0] * slices for _ in range(4))

    def at(moment: float) -> int:
        return min(max(int((moment + _CLOCK_SECONDS) / width), 0), slices - 1)

    for number in range(picked):
        intended = recording.intended[number]
        waiting[at(intended)] += 1
        if recording.sent[number]:
            begun[at(recording.sent[number] - started)] += 1
            waiting[at(recording.sent[number] - started)] -= 1
        outcome = recording.outcome[number]
        if not recording.done[number] or outcome == DROPPED:
            continue
        end = at(recording.done[number] - started)
        begun[end] -= 1
        if number >= first:
            ended[end] += outcome == OK
            failed[end] += outcome != OK
            responses[at(intended)].append(recording.done[number] - started - intended)
    times = tuple(round(width * (number + 0.5), 6) for number in range(slices))
    in_order = [sorted(values) for values in responses]
    return (
        Series("answers", "rate", times, tuple(count / width for count in ended)),
        Series("errors", "rate", times, tuple(count / width for count in failed)),
        Series("response p(50)", "time", times, tuple(_ranked(v, 0.5) for v in in_order)),
        Series("response p(99)", "time", times, tuple(_ranked(v, 0.99) for v in in_order)),
        Series("in flight", "count", times, tuple(map(float, accumulate(begun)))),
        Series("queue", "count", times, tuple(map(float, accumulate(waiting)))),
    )


def _ranked(values: list[float], share: float) -> float | None:
    return values[min(len(values) - 1, int(share * len(values)))] if values else None
