"""What holds memory: an operation's exact figures and sites, or a program's at its highest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench._children import CouldNotMeasureError, started
from agno_cli.bench._environment import read_environment
from agno_cli.profiling._analysis import sites_of
from agno_cli.profiling._engines import Settings
from agno_cli.profiling._errors import CouldNotProfileError, TookTooLongError
from agno_cli.profiling._frames import RawFrame, fold, without_harness
from agno_cli.profiling._memory_child import Counted, MemoryTask, Said
from agno_cli.profiling._messages import Failed, as_error
from agno_cli.profiling._profile import Figures, MemoryProfile, Totals, View
from agno_cli.profiling._programs import Program, ended_within, ends, is_partial
from agno_cli.profiling._targets import Target
from agno_cli.profiling._tracking import MemrayFile, Tracker, choose_tracker, read_traced

# Less than this for each run is no leak: a cache that fills shows as parts of a byte.
_LEAST_LEAK = 1.0
_LAST_WORDS = 300
# Trackers that differ by more see different things; a part of a byte is not one.
_AGREEING, _NEGLIGIBLE = 0.02, 8.0


class MemorySettings(Struct, frozen=True, kw_only=True):
    """How to count.

    Args:
        tracker: None for the best there is.
        view: None for what suits the target: `kept`, or `peak` for a program.
        objects: how many to make; 0 for as many as their speed allows.
        native: whether frames of native code are shown.
        timeout: seconds after which the target is ended.
    """

    tracker: Tracker | None = None
    view: Literal["leaks", "temporary"] | None = None
    objects: int = 0
    native: bool = False
    timeout: float = 300.0


def profile_memory(
    target: Target, settings: MemorySettings, on_step: Callable[[str], None] = lambda _: None
) -> MemoryProfile:
    """Find what a target's memory goes to.

    Raises:
        InputError: there is no such target, or the tracker cannot show what is asked for.
        ConfigurationError: the user's code raises when it is imported; a tracker is missing.
        CouldNotProfileError: the target failed or took too long.
    """
    if target.kind == "real":
        raise InputError("memory is not profiled of a real run; leave `--model` out")
    tracker, notes = choose_tracker(settings.tracker)
    if tracker == "tracemalloc" and (settings.view == "temporary" or settings.native):
        option = "--native" if settings.native else "--temporary"
        raise InputError(f"`{option}` needs memray: tracemalloc sees only what is alive")
    on_step(f"counting {target.text} with {tracker} in a process of its own")
    if target.kind == "program":
        return _of_program(target, settings, tracker, notes)
    return _of_operation(target, settings, tracker, notes)


def _of_operation(
    target: Target, settings: MemorySettings, tracker: Tracker, notes: Sequence[str]
) -> MemoryProfile:
    view = settings.view or "kept"
    task = MemoryTask(target, tracker, view, settings.objects, settings.native)
    counted = _run_child(task, settings.timeout)
    stacks = [
        (inner, size, count)
        for stack, size, count in counted.stacks
        if (inner := without_harness(stack)) is not None and not _is_tracker(stack)
    ]
    profile = _profile(target, tracker, view, counted.operations, stacks, notes)
    if view == "leaks":
        profile = _only_leaks(profile)
    return msgspec.structs.replace(
        profile,
        summary=counted.summary,
        operation=counted.noun,
        figures=counted.figures,
        notes=(*profile.notes, *_figure_notes(counted.figures)),
    )


def _figure_notes(figures: Figures | None) -> Iterator[str]:
    if figures is None or abs(figures.live - figures.traced) < _NEGLIGIBLE:
        return
    if figures.disagreement > _AGREEING:
        yield (
            f"tracemalloc sees {figures.traced:.1f} live bytes, memray {figures.live:.1f}: native"
            " code takes memory of its own"
        )


def _is_tracker(stack: Sequence[RawFrame]) -> bool:
    """Tell what tracking itself takes."""
    return any("memray" in path or path.endswith("tracemalloc.py") for _, path, _ in stack[-2:])


def _only_leaks(profile: MemoryProfile) -> MemoryProfile:
    """Leave out what does not grow with each run."""
    sites = tuple(site for site in profile.sites if site.bytes >= _LEAST_LEAK)
    least = _LEAST_LEAK * profile.operations
    stacks = tuple(stack for stack in profile.stacks if stack.weight >= least)
    return msgspec.structs.replace(profile, sites=sites, stacks=stacks)


def _profile(
    target: Target,
    tracker: Tracker,
    view: View,
    operations: int,
    stacks: Sequence[tuple[Sequence[RawFrame], float, int]],
    notes: Sequence[str],
) -> MemoryProfile:
    frames, folded = fold(stacks)
    folded = tuple(stack for stack in folded if stack.weight > 0 or stack.count > 0)
    return MemoryProfile(
        target=target.text,
        summary="",
        environment=read_environment(),
        engine=tracker,
        view=view,
        operation="program",
        operations=operations,
        frames=frames,
        stacks=folded,
        sites=sites_of(frames, folded, operations),
        notes=tuple(notes),
    )


def _run_child(task: MemoryTask, seconds: float) -> Counted:
    with TemporaryDirectory() as folder:
        output = Path(folder, "counted")
        command = [sys.executable, "-P", "-m", "agno_cli.profiling._memory_child"]
        try:
            with started([*command, msgspec.json.encode(task).decode(), str(output)]) as child:
                code = ended_within(child.process, seconds)
                if code is None:
                    raise TookTooLongError(f"the target did not end within {seconds:g} s")
                complaints = child.complaints()
        except CouldNotMeasureError as error:
            raise CouldNotProfileError(str(error)) from error
        if not output.exists():
            lines = [line.strip() for line in complaints.splitlines() if line.strip()]
            said = f" and said: {lines[-1][:_LAST_WORDS]}" if lines else ""
            raise CouldNotProfileError(f"the target ended its process with exit code {code}{said}")
        counted: Said = msgspec.json.decode(output.read_bytes(), type=Said)
    if isinstance(counted, Failed):
        raise as_error(counted)
    return counted


def _of_program(
    target: Target, settings: MemorySettings, tracker: Tracker, notes: Sequence[str]
) -> MemoryProfile:
    view: View = settings.view or ("peak" if tracker == "memray" else "kept")
    if tracker == "tracemalloc" and settings.view is None:
        notes = (*notes, "tracemalloc shows what is alive in the end, not at the peak")
    with TemporaryDirectory() as folder:
        limits = Settings(timeout=settings.timeout)
        program = Program(target, limits, Path(folder))
        engine = "memray-native" if settings.native else tracker
        ran, capture = program.tracked(engine)
        if tracker == "memray":
            file = MemrayFile(capture, native=settings.native)
            records = file.records(view)
            totals = Totals(*file.totals())
        else:
            traced = read_traced(capture)
            records = {(stack, False): (float(size), count) for stack, size, count in traced.stacks}
            totals = Totals(traced.peak, None, None)
    stacks = [
        (inner, size, count)
        for (stack, _), (size, count) in records.items()
        if (inner := without_harness(stack)) is not None and not _is_tracker(stack)
    ]
    profile = _profile(target, tracker, view, 1, stacks, notes)
    return msgspec.structs.replace(
        profile,
        totals=totals,
        notes=(*profile.notes, *ends(ran, limits)),
        partial=is_partial(ran, limits),
    )
