"""What makes a result less certain than it looks: named cases, each with the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.bench._noise import Noise
from agno_cli.bench._record import Record, differences, other_packages
from agno_cli.bench._results import Environment, Suite
from agno_cli.bench._significance import can_reach
from agno_cli.bench._statistics import process_medians

Case: TypeAlias = Literal[
    "noisy",
    "few-processes",
    "slow-first",
    "load",
    "governor",
    "collector",
    "no-noise",
    "environment",
    "packages",
]

# The middle half of the processes on quiet machines lies within 3 to 5 %.
_NOISY_SPREAD = 0.10
_SLOW_FIRST = 1.2
_FEWEST_FOR_QUARTILES = 4
# One process that works all the time is ours.
_IDLE_LOAD = 0.5
_GOVERNORS = Path("/sys/devices/system/cpu")


class Caution(Struct, frozen=True):
    """One case: what was seen, and what to do about it."""

    case: Case
    text: str
    next_step: str


def read_governors(folder: Path = _GOVERNORS) -> frozenset[str]:
    """Give how the processors choose their frequency; nothing where the system does not say."""
    found = set()
    for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor"):
        try:
            found.add(path.read_text(encoding="ascii", errors="replace").strip())
        except OSError:
            continue
    return frozenset(found)


def cautions(
    record: Record,
    *,
    noise: Noise | None = None,
    baseline: Record | None = None,
    governors: frozenset[str] = frozenset(),
) -> list[Caution]:
    """List what a reader of these results should know.

    Args:
        record: what was measured.
        noise: what is known of this machine's noise; None if nothing is.
        baseline: what it is compared with, if it is.
        governors: see `read_governors`.
    """
    return [
        *_of_suite(record.suite, compared=baseline is not None),
        *_of_machine(record.environment, governors),
        *_of_comparison(record, noise, baseline),
    ]


def _of_suite(suite: Suite, *, compared: bool) -> Iterator[Caution]:
    timed = {
        result.name: result.timing.processes
        for result in suite.results
        if result.timing is not None and result.timing.processes
    }
    spread = {name: _spread(process_medians(processes)) for name, processes in timed.items()}
    noisy = [f"{name} {value:.0%}" for name, value in spread.items() if value > _NOISY_SPREAD]
    if noisy:
        yield Caution(
            "noisy",
            f"processes disagree: the middle half spans {', '.join(noisy)}",
            "close what else is running and measure again, or with --rigorous",
        )
    few = [name for name, processes in timed.items() if not can_reach(*[len(processes)] * 2)]
    if few and compared:
        yield Caution(
            "few-processes",
            f"too few processes to show a difference: {', '.join(few)}",
            "measure at least 7 processes on both sides, as --fast does",
        )
    slow = [name for name, processes in timed.items() if _starts_slowly(processes)]
    if slow:
        yield Caution(
            "slow-first",
            f"the first value of each process is more than 20 % slower: {', '.join(slow)}",
            "something is still warming up: measure with --rigorous, or do it once before",
        )


def _spread(values: Sequence[float]) -> float:
    if len(values) < _FEWEST_FOR_QUARTILES:
        return 0.0
    ordered, quarter = sorted(values), len(values) // 4
    return (ordered[-1 - quarter] - ordered[quarter]) / median(ordered)


def _starts_slowly(processes: Sequence[Sequence[float]]) -> bool:
    ratios = [values[0] / median(values[1:]) for values in processes if len(values) > 1]
    return bool(ratios) and median(ratios) > _SLOW_FIRST


def _of_machine(environment: Environment, governors: frozenset[str]) -> Iterator[Caution]:
    load = environment.load
    if load is not None and load > _IDLE_LOAD:
        yield Caution(
            "load",
            f"the load was {load:.1f} before measuring began, on {environment.cores} cores",
            "close what else is running, wait a minute and measure again",
        )
    slower = sorted(governors - {"performance"})
    if slower:
        yield Caution(
            "governor",
            f"the processors choose their frequency by `{'`, `'.join(slower)}`",
            "`sudo cpupower frequency-set -g performance`, and back when you are done",
        )
    if not environment.gc:
        yield Caution(
            "collector",
            "the garbage collector was off, which it is not for users",
            "do not call gc.disable() in what is measured",
        )


def _of_comparison(
    record: Record, noise: Noise | None, baseline: Record | None
) -> Iterator[Caution]:
    if baseline is None:
        return
    if noise is None:
        yield Caution(
            "no-noise",
            "this machine's noise is not known, so a change of 10 % is the least that counts",
            "`agno bench --aa` measures it once, in some minutes",
        )
    differing = differences(baseline.environment, record.environment)
    if differing:
        yield Caution(
            "environment",
            f"the baseline is of another environment: {'; '.join(differing)}",
            "save a baseline here: `agno bench --save NAME`",
        )
    packages = other_packages(baseline.environment, record.environment)
    if packages:
        yield Caution(
            "packages",
            f"dependencies changed, too: {'; '.join(packages)}",
            "save a baseline with these, to see this project's own change",
        )
