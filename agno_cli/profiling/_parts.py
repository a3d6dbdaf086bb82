"""The stacks of a real run, under what they worked for: the model, the tools or the framework."""

from __future__ import annotations

from collections.abc import Sequence

from agno_cli.profiling._profile import Frame, Stack

PARTS = ("model", "tools", "framework")
_MODELS, _TOOLKITS = "agno_cli/models/", "agno_cli/toolkits/"
_MODEL_CALLS = ("complete", "acomplete", "stream", "astream")
# Where a tool is called; in the functions that wait for one, all time is the tool's.
_CALLS = "agno_cli/_calls.py"
_WAITING = ("value_of", "_await_apart")


def by_part(
    frames: Sequence[Frame], stacks: Sequence[Stack]
) -> tuple[tuple[Frame, ...], tuple[Stack, ...]]:
    """Put a frame of its part's name above each stack."""
    first = len(frames)
    named = (*frames, *(Frame(part, "", 0, "agno_cli") for part in PARTS))
    return named, tuple(
        Stack(
            (first + PARTS.index(_part([frames[index] for index in stack.frames])), *stack.frames),
            stack.weight,
            stack.count,
        )
        for stack in stacks
    )


def _part(stack: Sequence[Frame]) -> str:
    calls = [number for number, frame in enumerate(stack) if frame.file == _CALLS]
    if calls and _is_of_tool(stack[calls[0]], stack[calls[0] + 1 :]):
        return "tools"
    if any(_is_of_model(frame) for frame in stack):
        return "model"
    return "framework"


def _is_of_tool(call: Frame, below: Sequence[Frame]) -> bool:
    if call.function.startswith(_WAITING) and below:
        return True
    return any(
        frame.file.startswith(_TOOLKITS)
        or frame.origin in ("yours", "library")
        or (frame.file == _CALLS and frame.function.startswith(_WAITING))
        for frame in below
    )


def _is_of_model(frame: Frame) -> bool:
    """Tell this package's models, and one of the user's by what it is called for."""
    name = frame.function.rpartition(".")[2]
    return frame.file.startswith(_MODELS) or (frame.origin == "yours" and name in _MODEL_CALLS)
