"""What is asked of a worker whose agents work together, and what it answers."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from agno_cli.scenarios._definition import AgentTable, Failure, ModelTable, Through, Topology

Way: TypeAlias = Literal["timed", "traced"]


class MultiAgentJob(Struct, frozen=True, kw_only=True, tag="multi-agent"):
    """Have agents work together; see MultiAgentRun.

    Attributes:
        way: `timed`, or with the memory that they take `traced`, which slows them.
    """

    agent: AgentTable
    model: ModelTable
    way: Way
    agents: int
    topology: Topology
    through: Through
    rounds: int
    fanout: int
    failure: Failure
    timeout: float
    repeats: int


class MultiAgentDone(Struct, frozen=True, kw_only=True, tag="multi-agent"):
    """What came of it.

    Attributes:
        makespans: seconds from the first agent's start to the last one's end, of each repeat.
        hops: a histogram: from the last message that an agent waited for to its own, without the
            model's time.
        critical: seconds below which it cannot be done.
        messages, message_bytes: of one repeat.
        answered, skipped: agents' runs that came to an answer, or had nobody to hear.
        failed: whose runs failed, and why.
        wrong: what did not come out as it must, in words.
        orphans: tasks that were left over, of all repeats.
        peak: traced bytes at the peak, more than before.
        loop: of events.
    """

    makespans: tuple[float, ...] = ()
    hops: str = ""
    critical: float = 0.0
    messages: int = 0
    message_bytes: int = 0
    answered: int = 0
    skipped: int = 0
    failed: dict[str, str] = {}
    wrong: tuple[str, ...] = ()
    orphans: int = 0
    peak: float = 0.0
    loop: str = ""
