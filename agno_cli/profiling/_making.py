"""From what an engine saw to a profile: the harness taken off, functions summed, notes written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from agno_cli.bench._results import Environment
from agno_cli.profiling._analysis import functions_of
from agno_cli.profiling._engines import Engine
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._frames import fold, is_harness, make_frame, without_harness
from agno_cli.profiling._inside import Capture
from agno_cli.profiling._parts import by_part
from agno_cli.profiling._profile import Clock, Cost, CpuProfile, Parts, Slowdown
from agno_cli.profiling._targets import Target

_ENOUGH_SAMPLES = 1000
# A profiler that takes more than this changes what it shows.
_MUCH_SLOWER = 1.3


class Observed(Struct, frozen=True, kw_only=True):
    """What was seen of a target, as its engine gave it; see CpuProfile."""

    engine: Engine
    clock: Clock
    interval: float
    capture: Capture
    seconds: float
    noun: str
    operations: int = 0
    summary: str = ""
    bare: float = 0.0
    slowdown: Slowdown | None = None
    parts: Parts | None = None
    notes: tuple[str, ...] = ()
    partial: bool = False


def make_profile(
    target: Target, observed: Observed, environment: Environment, notes: Sequence[str] = ()
) -> CpuProfile:
    """Put a profile together.

    Raises:
        CouldNotProfileError: the engine saw nothing of the target.
    """
    stacks = [
        (inner, weight, 0)
        for stack, weight in observed.capture.stacks
        if (inner := without_harness(stack)) is not None
    ]
    exact = observed.engine == "cprofile"
    if not (stacks or exact or observed.parts):
        raise CouldNotProfileError(
            f"{observed.engine} saw nothing of `{target.text}` in {observed.seconds:.2g} s"
            f" of {observed.clock} time; `--mode wall` counts waiting, a longer `--duration` helps"
        )
    frames, folded = fold(stacks)
    functions = counted(observed) if exact else functions_of(frames, folded)
    if observed.parts is not None:
        frames, folded = by_part(frames, folded)
    samples = 0 if exact else _samples(observed, sum(weight for _, weight, _ in stacks))
    return CpuProfile(
        target=target.text,
        summary=observed.summary,
        environment=environment,
        engine=observed.engine,
        clock=observed.clock,
        interval=None if exact else observed.interval,
        samples=samples,
        seconds=observed.seconds,
        operation=observed.noun,
        operations=observed.operations,
        bare=observed.bare,
        slowdown=observed.slowdown,
        parts=observed.parts,
        frames=frames,
        stacks=folded,
        functions=functions,
        notes=(*notes, *observed.notes, *_notes(observed, samples)),
        partial=observed.partial,
    )


def _samples(observed: Observed, weight: float) -> int:
    """Give how many samples stand behind the stacks that are left.

    Those of pyinstrument weigh the seconds since the one before.
    """
    whole = sum(seconds for _, seconds in observed.capture.stacks)
    return round(observed.capture.samples * weight / whole) if whole else 0


def counted(observed: Observed) -> tuple[Cost, ...]:
    """Give the functions of an engine that counts calls."""
    rows = [row for row in observed.capture.functions if not is_harness(row.frame)]
    whole = sum(row.own for row in rows) or 1.0
    costs = []
    for row in rows:
        frame = make_frame(row.frame)
        costs.append(
            Cost(
                function=frame.function,
                file=frame.file,
                line=frame.line,
                origin=frame.origin,
                own=row.own / whole,
                total=min(row.total / whole, 1.0),
                calls=row.calls / max(observed.operations, 1),
            )
        )
    return tuple(sorted(costs, key=lambda cost: (-cost.own, -cost.total, cost.file)))


def _notes(observed: Observed, samples: int) -> Iterator[str]:
    factor = 1.0 if observed.slowdown is None else observed.slowdown.factor
    if factor > _MUCH_SLOWER:
        yield (
            f"{observed.engine} made it {factor:.1f} times slower: the own times of small"
            " functions are inflated, the order of large ones is not"
        )
    if observed.engine == "cprofile":
        yield "cprofile counts the calls of one thread, and has no stacks: there is no flame graph"
    elif samples < _ENOUGH_SAMPLES:
        longer = "" if observed.parts else "a longer `--duration` or "
        yield f"{samples} samples are few; {longer}a shorter `--interval` narrows the margin"
    if observed.clock == "wall" and observed.capture.threads > 1:
        yield (
            f"{observed.capture.threads} threads were seen: shares are of all their time together"
        )
