"""This machine's own noise, by measuring equal code against itself: `agno bench --aa`.

It becomes the minimum effect of comparisons: of 28 pairs of runs of equal code, one at most may
differ by more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.bench._compare import DEFAULT_EFFECT
from agno_cli.bench._folders import machine_folder, read_text, write_whole
from agno_cli.bench._interleave import PROCESSES, Side, measure_relative
from agno_cli.bench._measure import Progress
from agno_cli.bench._record import differences
from agno_cli.bench._registry import Benchmark
from agno_cli.bench._results import Environment
from agno_cli.bench._statistics import ratio

SCHEMA_VERSION = 1
RUNS = 8
_FILE = "noise.json"
# Smaller ones are shorter than what another layout of memory makes of equal code: 20 runs on two
# busy cores differed by up to 4 %.
_LEAST_EFFECT = 0.05


class BenchmarkNoise(Struct, frozen=True):
    """How equal code differs from itself, in one benchmark.

    Attributes:
        runs: reference loops per operation, one tuple of processes a run.
        together: the largest relative difference of two interleaved runs.
        apart: the same of any two runs.
        effect: the minimum effect that follows: the second largest difference of all pairs of 8
            runs, but at least 5 %.
    """

    runs: tuple[tuple[float, ...], ...]
    together: float
    apart: float
    effect: float


class Noise(Struct, frozen=True, kw_only=True):
    """What `agno bench --aa` found; `started` is in UTC."""

    schema_version: int = SCHEMA_VERSION
    started: str
    environment: Environment
    benchmarks: dict[str, BenchmarkNoise]
    problems: dict[str, str] = {}

    def effect_of(self, benchmark: str) -> float:
        """Give a benchmark's minimum effect; of one that was not measured, the largest known."""
        known = self.benchmarks.get(benchmark)
        if known is not None:
            return known.effect
        return max((noise.effect for noise in self.benchmarks.values()), default=DEFAULT_EFFECT)


def measure_noise(
    benchmarks: Sequence[Benchmark],
    environment: Environment,
    *,
    runs: int = RUNS,
    processes: int = PROCESSES,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Noise:
    """Measure benchmarks against themselves, in pairs of interleaved runs.

    Args:
        benchmarks: those that are lengthy or time nothing are left out.
        environment: where; read before the load that measuring makes.
        runs: an even number of at least 4; with 8, about 4 s a run and benchmark.
        processes: a run and benchmark.
        on_progress: called before each process.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    found: dict[str, list[tuple[float, ...]]] = {}
    problems: dict[str, str] = {}
    for pair in range(runs // 2):
        wanted = [b for b in benchmarks if b.name not in problems and not b.lengthy]
        sides = measure_relative(
            wanted,
            (Side(), Side()),
            processes=processes,
            on_progress=_of_all(on_progress, pair, runs // 2),
        )
        for side in sides:
            problems.update(side.problems)
            for name, measured in side.processes.items():
                times = side.times(name)
                if len(times) == len(measured):  # else it is sometimes too long
                    found.setdefault(name, []).append(times)
    whole = {name: times for name, times in found.items() if len(times) == 2 * (runs // 2)}
    return Noise(
        started=started,
        environment=environment,
        benchmarks={name: noise_of(times) for name, times in whole.items()},
        problems=problems,
    )


def _of_all(
    on_progress: Callable[[Progress], None], pair: int, pairs: int
) -> Callable[[Progress], None]:
    """Turn the progress of one pair into that of all; pairs take equally long."""

    def show(progress: Progress) -> None:
        whole = progress.seconds_left / (progress.steps - progress.step + 1) * progress.steps
        on_progress(
            msgspec.structs.replace(
                progress,
                step=pair * progress.steps + progress.step,
                steps=pairs * progress.steps,
                what=f"{progress.what}, pair {pair + 1} of {pairs}",
                seconds_left=progress.seconds_left + (pairs - pair - 1) * whole,
            )
        )

    return show


def noise_of(runs: Sequence[tuple[float, ...]]) -> BenchmarkNoise:
    """Find the noise in runs of equal code, of which each two neighbours were interleaved."""
    apart = sorted(_difference(one, other) for one, other in combinations(runs, 2))
    together = [_difference(*runs[at : at + 2]) for at in range(0, len(runs) - 1, 2)]
    # One of 28 pairs may differ by more; of fewer pairs, none.
    allowed = len(apart) // 28
    return BenchmarkNoise(
        runs=tuple(runs),
        together=max(together),
        apart=apart[-1],
        effect=max(_LEAST_EFFECT, apart[-1 - allowed]),
    )


def _difference(one: Sequence[float], other: Sequence[float]) -> float:
    change = ratio(one, other)
    return max(change, 1 / change) - 1


def save_noise(noise: Noise) -> Path:
    """Remember it for this machine, in the place of what was known; give its file.

    Raises:
        ConfigurationError: it cannot be written, or nothing was measured.
    """
    if not noise.benchmarks:
        problems = "; ".join(f"{name}: {text}" for name, text in noise.problems.items())
        raise ConfigurationError(f"no noise was measured: {problems or 'no benchmark was given'}")
    path = machine_folder(noise.environment) / _FILE
    text = msgspec.json.format(msgspec.json.encode(noise), indent=1).decode() + "\n"
    write_whole(path, text, replace=True)
    return path


def load_noise(environment: Environment) -> Noise | None:
    """Give what is known of this machine, None if nothing is, or of another Python only.

    Raises:
        ConfigurationError: the file is damaged or of another version.
    """
    path = machine_folder(environment) / _FILE
    if not path.exists():
        return None
    try:
        noise = msgspec.json.decode(read_text(path), type=Noise)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path} is damaged: {error}; {_AGAIN}") from error
    if noise.schema_version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} has schema version {noise.schema_version}, this agno-cli reads"
            f" {SCHEMA_VERSION}; {_AGAIN}"
        )
    return None if differences(noise.environment, environment) else noise


_AGAIN = "measure again with `agno bench --aa`"


def effects(noise: Noise | None) -> Callable[[str], float]:
    """Give the minimum effect by benchmark, for `compare`."""
    return noise.effect_of if noise is not None else lambda _: DEFAULT_EFFECT
