"""Bytecodes are exact."""

import gc
import sys
from typing import Any

import pytest

from agno_cli import _context
from agno_cli.bench._bytecodes import count_bytecodes
from agno_cli.bench._operations import Operation
from agno_cli.bench.benchmarks import agents

needs_monitoring = pytest.mark.skipif(
    not hasattr(sys, "monitoring"), reason="sys.monitoring is of Python 3.12"
)


def operation(statement: str, per_statement: int = 1, **names: Any) -> Operation:
    return Operation(
        statement=statement, names=names, check=lambda _: None, per_statement=per_statement
    )


@pytest.mark.skipif(hasattr(sys, "monitoring"), reason="Python 3.12 has sys.monitoring")
def test_an_older_python_counts_none():
    assert count_bytecodes(lambda: operation("result = None")) is None


@needs_monitoring
@pytest.mark.parametrize("prepare", [agents.create, agents.run_tool, agents.arun])
def test_every_repeat_counts_the_same(prepare, monkeypatch):
    def count() -> float | None:
        # As in a fresh process, where the harness counts: every 4,096th id takes some more.
        monkeypatch.setattr(_context, "run_ids", _context._run_ids())
        return count_bytecodes(prepare)

    assert len({count() for _ in range(3)}) == 1


@needs_monitoring
def test_what_a_call_does_counts():
    def none():
        pass

    def three():
        none()
        none()
        none()

    one = count_bytecodes(lambda: operation("f()", f=none))
    more = count_bytecodes(lambda: operation("f()", f=three))
    assert one is not None
    assert more is not None
    assert more > one + 3
    assert count_bytecodes(lambda: operation("f()", 2, f=three)) == more / 2


@needs_monitoring
def test_the_collector_is_left_as_it_was():
    gc.disable()
    try:
        count_bytecodes(lambda: operation("None"))
        assert not gc.isenabled()
    finally:
        gc.enable()
    count_bytecodes(lambda: operation("None"))
    assert gc.isenabled()
