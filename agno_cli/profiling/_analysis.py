"""From stacks to functions and to sites: who spent the time, who asked for the memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from agno_cli.profiling._profile import Cost, Frame, Origin, Site, Stack

_Function: TypeAlias = tuple[str, str, Origin]

# Whose line a site is, nearest to the user first.
_NEAREST: tuple[Origin, ...] = ("yours", "agno_cli", "library", "python", "native")


def functions_of(frames: Sequence[Frame], stacks: Sequence[Stack]) -> tuple[Cost, ...]:
    """Sum the time of each function; one that calls itself counts once in a stack."""
    whole = sum(stack.weight for stack in stacks)
    own: defaultdict[_Function, float] = defaultdict(float)
    total: defaultdict[_Function, float] = defaultdict(float)
    lines: defaultdict[_Function, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for stack in stacks:
        keys = [_function(frames[index]) for index in stack.frames]
        for key in set(keys):
            total[key] += stack.weight
        own[keys[-1]] += stack.weight
        for index, key in zip(stack.frames, keys, strict=True):
            # The lines of its own time decide, those of its calls only where there is none.
            heavy = index == stack.frames[-1]
            lines[key][frames[index].line] += stack.weight * (1.0 if heavy else 1e-6)
    costs = (
        Cost(
            function=key[0],
            file=key[1],
            line=max(lines[key], key=lines[key].__getitem__),
            origin=key[2],
            own=own[key] / whole,
            total=total[key] / whole,
        )
        for key in total
    )
    return tuple(sorted(costs, key=lambda cost: (-cost.own, -cost.total, cost.file)))


def _function(frame: Frame) -> _Function:
    return frame.function, frame.file, frame.origin


def sites_of(frames: Sequence[Frame], stacks: Sequence[Stack], operations: int) -> tuple[Site, ...]:
    """Sum memory by the innermost line of the user's, else of this package, else of any."""
    size: defaultdict[int, float] = defaultdict(float)
    count: defaultdict[int, float] = defaultdict(float)
    askers: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for stack in stacks:
        place = _nearest(frames, stack)
        inner = frames[stack.frames[-1]]
        same = _function(inner) == _function(frames[place])
        size[place] += stack.weight
        count[place] += stack.count
        asker = "" if same else inner.function
        askers[place][asker] = askers[place].get(asker, 0.0) + stack.weight
    sites = [
        Site(
            function=frames[place].function,
            file=frames[place].file,
            line=frames[place].line,
            origin=frames[place].origin,
            bytes=size[place] / operations,
            allocations=count[place] / operations,
            by=max(askers[place], key=askers[place].__getitem__),
        )
        for place in size
    ]
    # The user's own first: that is what the user can change.
    return tuple(
        sorted(sites, key=lambda s: (s.origin != "yours", -s.bytes, -s.allocations, s.file, s.line))
    )


def _nearest(frames: Sequence[Frame], stack: Stack) -> int:
    for origin in _NEAREST:
        for index in reversed(stack.frames):
            # A generated statement is the user's, but no line to look at.
            if frames[index].origin == origin and frames[index].file:
                return index
    return stack.frames[-1]
