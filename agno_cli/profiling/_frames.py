"""Frames as engines report them, made short and comparable; the profiler's own taken away."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import agno_cli
from agno_cli.profiling._profile import Frame, Origin, Stack

RawFrame: TypeAlias = tuple[str, str, int]
"""A function, a whole path and a line, outermost first in a stack."""

# What the loop that repeats a target is called, in any engine: all above it is ours.
MARKER = "profiled_part"
_PACKAGE = f"{Path(agno_cli.__file__).parent}{os.sep}"
_OURS = tuple(
    f"{_PACKAGE}{name}"
    for name in (f"profiling{os.sep}", f"bench{os.sep}_operations.py", f"bench{os.sep}_child")
)
_STATEMENT = re.compile(r"<(.*\bresult\b.*)>")
_GENERATED = ("timed", "kept")
_STARTING = ("<frozen site>", "<frozen importlib", "<frozen zipimport>", "<frozen getpath>")
_RUNPY = re.compile(r"\bfrozen runpy>$|\brunpy\.py$")
_LIBRARY = re.compile(r".*/(?:site|dist)-packages/(.+)")
_PYTHON = re.compile(r".*/lib/(?:lib)?python3\.\d+t?/(.+)|<([\w .-]+)>")
_NATIVE = re.compile(r"\.(?:so|c|cc|cpp|h|hpp|rs|pyx|pxd|S)$|\.so\.|^\[")


@lru_cache(maxsize=8192)
def make_frame(raw: RawFrame) -> Frame:
    """Shorten a frame's path, and say whose code it is."""
    function, path, line = raw
    if function in _GENERATED and (statement := _STATEMENT.fullmatch(path)):
        return Frame(statement[1], "", 0, "yours")
    if _STATEMENT.fullmatch(path):  # a comprehension in it
        return Frame(function.rpartition(".")[2], "", 0, "yours")
    file, origin = _place(path)
    return Frame(function, file, line, origin)


def _place(path: str) -> tuple[str, Origin]:
    posix = path.replace("\\", "/")
    if path.startswith(_PACKAGE):
        return f"agno_cli/{path.removeprefix(_PACKAGE)}".replace(os.sep, "/"), "agno_cli"
    if library := _LIBRARY.fullmatch(posix):
        return library[1], "agno_cli" if library[1].startswith("agno_cli/") else "library"
    if python := _PYTHON.fullmatch(posix):
        return python[1] or path, "python"
    if _NATIVE.search(posix):
        return posix.rpartition("/")[2], "native"
    if not path or path.startswith(sys.base_prefix + os.sep):
        # Without one: what an engine adds of its own, such as time that is awaited.
        return path.removeprefix(sys.base_prefix + os.sep), "python"
    return _relative(path), "yours"


def _relative(path: str) -> str:
    """Write a path from the current folder where it is in it."""
    here = f"{Path.cwd()}{os.sep}"
    return path.removeprefix(here).replace(os.sep, "/")


def without_harness(stack: Sequence[RawFrame]) -> Sequence[RawFrame] | None:
    """Take what profiles and repeats the target off a stack; None when nothing else is there.

    A stack of another thread or process has no marker, and stays whole.
    """
    if not stack:
        return None
    for index in range(len(stack) - 1, -1, -1):
        function, path, _ = stack[index]
        if function in _GENERATED and _STATEMENT.fullmatch(path):
            return stack[index:]
    marked = [index for index, frame in enumerate(stack) if frame[0] == MARKER]
    if not marked and _is_start(stack):
        return None
    inner = stack[marked[-1] + 1 :] if marked else stack
    while inner and (inner[0][1].startswith(_OURS) or (marked and _RUNPY.search(inner[0][1]))):
        inner = inner[1:]
    return [frame for frame in inner if not frame[1].startswith(_OURS[0])] or None


def _is_start(stack: Sequence[RawFrame]) -> bool:
    """Tell an interpreter that starts, on its way to the profiled part."""
    function, path, _ = stack[0]
    if path.startswith(_STARTING):
        return True
    if function != "_run_module_as_main":
        return any(path.startswith(_OURS[0]) for _, path, _ in stack)
    return any(
        name == "_get_module_details" or path.startswith(_PACKAGE) for name, path, _ in stack
    )


def is_harness(frame: RawFrame) -> bool:
    """Tell a function that only repeats the target, or profiles it."""
    function, path, _ = frame
    return path.startswith(_OURS) or function == MARKER or "_lsprof" in function


def fold(stacks: Iterable[tuple[Sequence[RawFrame], float, int]]) -> tuple[
    tuple[Frame, ...], tuple[Stack, ...]
]:  # fmt: skip
    """Sum equal stacks up, and number their frames."""
    numbers: dict[Frame, int] = {}
    sums: dict[tuple[int, ...], tuple[float, int]] = {}
    for raw, weight, count in stacks:
        key = tuple(numbers.setdefault(make_frame(frame), len(numbers)) for frame in raw)
        before = sums.get(key, (0.0, 0))
        sums[key] = before[0] + weight, before[1] + count
    folded = sorted(sums.items(), key=lambda item: -item[1][0])
    return tuple(numbers), tuple(Stack(key, *values) for key, values in folded)
