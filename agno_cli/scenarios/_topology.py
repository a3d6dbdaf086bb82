"""Who hears whom: graphs of agents in which each waits for the messages of those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli.scenarios._definition import Topology

MOST_MESSAGES = 1_000_000
_MOST_RUNS = 100_000
# Sums of what all have said stay below it, and differ when one is missing or comes twice.
_MODULUS = 2**61 - 1
_STEP = 2_654_435_761


class Graph(Struct, frozen=True, dict=True):
    """Runs of agents, numbered so that each comes after those it hears.

    Attributes:
        agents: how many there are; run `r` is of agent `r % agents`.
        hears: for each run, the runs whose messages it waits for.
    """

    agents: int
    hears: tuple[tuple[int, ...], ...]

    def agent_of(self, run: int) -> int:
        """Say whose run it is."""
        return run % self.agents

    @cached_property
    def heard_by(self) -> tuple[tuple[int, ...], ...]:
        """For each run, those that wait for its message."""
        listeners: list[list[int]] = [[] for _ in self.hears]
        for run, heard in enumerate(self.hears):
            for other in heard:
                listeners[other].append(run)
        return tuple(map(tuple, listeners))

    @property
    def messages(self) -> int:
        """How many are sent when nobody fails."""
        return sum(map(len, self.hears))

    def critical_path(self, seconds: Sequence[float]) -> float:
        """Give the time below which it cannot be done, from the seconds that each agent takes."""
        ends: list[float] = []
        for run, heard in enumerate(self.hears):
            begins = max((ends[other] for other in heard), default=0.0)
            ends.append(begins + seconds[self.agent_of(run)])
        return max(ends)

    def values(self, failing: AbstractSet[int] = frozenset()) -> list[int | None]:
        """Give what each run must come to; None where its agent fails, or has nobody to hear."""
        values: list[int | None] = []
        for run, heard in enumerate(self.hears):
            there = [value for other in heard if (value := values[other]) is not None]
            gone = self.agent_of(run) in failing or (heard and not there)
            values.append(None if gone else value_of(self.agent_of(run), there))
        return values


def value_of(agent: int, heard: Iterable[int]) -> int:
    """Give the value that an agent's message carries, from those that it has heard."""
    return ((agent + 1) * _STEP + sum(heard)) % _MODULUS


def make_graph(topology: Topology, agents: int, *, rounds: int = 1, fanout: int = 2) -> Graph:
    """Make a graph.

    - `chain`: each hears the one before.
    - `fan-out`: all but the last hear the first, and the last hears them.
    - `tree`: each hears its children, of which there are `fanout`; the last is the root.
    - `all-to-all`: in each of `rounds` every agent hears all others of the round before.

    Raises:
        ConfigurationError: more runs or messages than are kept track of.
    """
    runs = agents * rounds if topology == "all-to-all" else agents
    messages = agents * (agents - 1) * (rounds - 1) if topology == "all-to-all" else agents
    if messages > MOST_MESSAGES or runs > _MOST_RUNS:
        raise ConfigurationError(
            f"{agents:,} agents in {rounds:,} rounds of all-to-all are {runs:,} runs and"
            f" {messages:,} messages, more than the {_MOST_RUNS:,} and {MOST_MESSAGES:,} that are"
            " kept track of; lower `agents` or `rounds`"
        )
    hears: dict[Topology, Callable[[int], Sequence[int]]] = {
        "chain": lambda run: range(max(run - 1, 0), run),
        "fan-out": lambda run: _fan(run, agents),
        "tree": lambda run: _children(run, agents, fanout),
        "all-to-all": lambda run: _others(run, agents),
    }
    return Graph(agents, tuple(tuple(hears[topology](run)) for run in range(runs)))


def _fan(run: int, agents: int) -> Sequence[int]:
    if run == 0:
        return ()
    return range(1, run) if run == agents - 1 and run > 1 else (0,)


def _children(run: int, agents: int, fanout: int) -> Sequence[int]:
    """Count from the root, which is 0 there and the last here."""
    first = fanout * (agents - 1 - run) + 1
    return [agents - 1 - place for place in range(first, min(first + fanout, agents))]


def _others(run: int, agents: int) -> Sequence[int]:
    before = run - run % agents - agents
    return [before + other for other in range(agents) if before >= 0 and other != run % agents]
