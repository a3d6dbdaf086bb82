"""A statement becomes loops that time it and keep what it makes."""

from typing import Any

import pytest

from agno_cli.bench._operations import Operation, Workbench, WorkNotDoneError, expect


def operation(statement: str, **more: Any) -> Operation:
    fields: dict[str, Any] = {"names": {}, "check": lambda result: None} | more
    return Operation(statement=statement, **fields)


def test_the_statement_runs_once_for_each_copy_and_loop():
    made: list[int] = []
    one = operation("result = made.append(1)", names={"made": made}, unrolled=3, per_statement=2)
    with Workbench(one) as bench:
        assert bench.time(5) > 0
    assert (len(made), bench.per_loop) == (15, 6)


def test_every_result_is_kept_in_its_place():
    with Workbench(operation("result = object()")) as bench:
        places = [None] * 3
        bench.keep(places, [0, 1, 2])
    assert len(set(map(id, places))) == 3


def test_an_awaiting_statement_runs_in_one_event_loop():
    """Connections opened before the timed part must still be usable in it."""
    import asyncio

    loops = []

    async def work() -> int:
        loops.append(asyncio.get_running_loop())
        return 7

    results: list[int] = []
    one = operation("result = await work()", names={"work": work}, check=results.append)
    with Workbench(one) as bench:
        bench.verify()
        bench.time(2)
    assert (results, len(loops), len(set(loops))) == ([7, 7], 3, 1)


def test_work_that_was_not_done_is_an_error_before_and_after_timing():
    wrong = operation("result = 4", check=lambda result: expect(result, 5))
    with Workbench(wrong) as bench:
        with pytest.raises(WorkNotDoneError, match="the work was not done: 4 instead of 5"):
            bench.verify()
        with pytest.raises(WorkNotDoneError):
            bench.time(1)


def test_what_an_operation_holds_is_closed():
    closed = []

    async def close() -> None:
        closed.append("awaited")

    async def nothing() -> None:
        return

    with Workbench(operation("pass", close=lambda: closed.append("called"))) as bench:
        bench.verify()
    with Workbench(operation("await nothing()", names={"nothing": nothing}, close=close)) as bench:
        bench.verify()
    assert closed == ["called", "awaited"]
