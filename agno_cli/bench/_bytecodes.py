"""Bytecodes per operation: exact, and the same on every machine with this Python.

Counted by `sys.monitoring`, so from Python 3.12 on, in the process that counts. Work in C is one
instruction whatever it costs: bytecodes say that code changed, not how long it takes.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from agno_cli.bench._operations import Operation, Workbench

OPERATIONS = 100
NEEDS = "bytecodes are counted from Python 3.12 on"
_TOOL = "agno-bench"
_TOOLS = range(6)  # the numbers `sys.monitoring` has for tools
_EMPTY = Operation(statement="pass", names={}, check=lambda _: None)


def count_bytecodes(prepare: Callable[[], Operation]) -> float | None:
    """Count the instructions one operation executes, in all threads; None before Python 3.12.

    A difference quotient, (2N - N) / N, after a warm-up, minus that of an empty loop, whose `pass`
    is an instruction: neither what is done once nor the loop around the statement is counted.
    """
    if not hasattr(sys, "monitoring"):
        return None
    with Workbench(prepare()) as bench:
        bench.verify()
        counted = _quotient(bench)
    with Workbench(_EMPTY) as empty:
        counted -= _quotient(empty)
    return counted / bench.operation.per_statement


def _quotient(bench: Workbench) -> float:
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()  # finalizers written in Python would be counted wherever they happen to run
    try:
        _instructions(bench, OPERATIONS)
        once, twice = _instructions(bench, OPERATIONS), _instructions(bench, 2 * OPERATIONS)
    finally:
        if was_enabled:
            gc.enable()
    return (twice - once) / OPERATIONS


def _instructions(bench: Workbench, operations: int) -> int:
    # By name, for mypy judges this file by the oldest Python.
    monitoring: Any = getattr(sys, "monitoring")  # noqa: B009 - as said
    places: list[Any] = [None] * operations
    indices = list(range(operations))
    seen = 0

    def see(_code: object, _offset: int) -> None:
        nonlocal seen
        seen += 1

    tool = next(number for number in _TOOLS if monitoring.get_tool(number) is None)
    monitoring.use_tool_id(tool, _TOOL)
    try:
        monitoring.register_callback(tool, monitoring.events.INSTRUCTION, see)
        monitoring.set_events(tool, monitoring.events.INSTRUCTION)
        bench.keep(places, indices)
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
    finally:
        monitoring.free_tool_id(tool)
    return seen
