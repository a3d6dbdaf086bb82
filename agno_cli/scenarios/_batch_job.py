"""What is asked of a worker that makes agents, and what it answers."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.scenarios._definition import AgentTable, ModelTable

Way: TypeAlias = Literal["kept", "dropped", "single", "resident", "counted", "checked"]


class BatchJob(Struct, frozen=True, kw_only=True, tag="batch"):
    """Make agents.

    Attributes:
        way: `kept` until the last one is there, or `dropped` one by one; `single`: each timed;
            what they take of `resident` memory; live bytes and allocations `counted`; or each
            `checked` to be one of its own, and run.
        agents: how many.
        batches: how often.
        collector: whether Python's garbage collector looks at them meanwhile.
        at: when to begin, by `perf_counter`; 0 for at once.
    """

    agent: AgentTable
    model: ModelTable
    way: Way
    agents: int
    batches: int = 1
    collector: bool = True
    at: float = 0.0


class BatchDone(Struct, frozen=True, kw_only=True, tag="batch"):
    """What came of it.

    Attributes:
        started, ended: of the last batch, by the worker's clock.
        seconds: of each batch.
        teardown: until all agents of a batch were gone, for each.
        histogram: of single creations, without what reading the clock takes.
        clock: seconds that reading the clock takes.
        bytes: resident, or live of each agent.
        allocations: of each agent; None where they cannot be counted.
        runs, ids: how many were run, and how many different ids these runs had.
        notes: how it was counted, where that is not the usual way.
    """

    started: float = 0.0
    ended: float = 0.0
    seconds: tuple[float, ...] = ()
    teardown: tuple[float, ...] = ()
    histogram: str = ""
    clock: float = 0.0
    bytes: float = 0.0
    allocations: float | None = None
    runs: int = 0
    ids: int = 0
    notes: tuple[str, ...] = ()
