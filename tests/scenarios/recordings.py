"""Recordings as a generator would leave them, and the runs they belong to."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agno_cli.scenarios._definition import ApiRun, Load
from agno_cli.scenarios._recording import OK, Head, Recording, created
from agno_cli.scenarios._thresholds import parse_thresholds

STARTED = 1000.0


def run_of(*thresholds: str, rate: float = 100.0, duration: float = 1.0, **load: object) -> ApiRun:
    """A run whose thresholds are these."""
    return ApiRun(
        load=Load(rate=rate, duration=duration, warmup=0.0, **load),  # type: ignore[arg-type]
        thresholds=parse_thresholds("thresholds", list(thresholds)),
    )


@contextmanager
def recorded(
    folder: Path,
    *,
    count: int = 100,
    rate: float = 100.0,
    service: float = 0.001,
    lag: float = 0.0,
    outcomes: Sequence[int] = (),
    picked: int | None = None,
) -> Iterator[Recording]:
    """A recording in which every request took as long; the first ones have these outcomes."""
    intended = array("d", (number / rate for number in range(count)))
    due = count if picked is None else picked
    with created(folder / "recording", intended) as recording:
        for number in range(due):
            at = STARTED + number / rate + lag
            recording.picked[number] = recording.sent[number] = at
            recording.outcome[number] = outcomes[number] if number < len(outcomes) else OK
            recording.done[number] = at + service
        head = recording.head
        head[Head.STARTED] = STARTED
        head[Head.PICKED] = head[Head.SENT] = head[Head.DONE] = due
        head[Head.MOST_IN_FLIGHT] = 2
        head[Head.BUSY], head[Head.TURNS] = 0.1, 1.0
        yield recording
