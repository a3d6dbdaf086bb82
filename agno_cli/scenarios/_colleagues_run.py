"""Runs of a graph of agents: each begins when the last message that it waits for is there.

Nothing but the public runtime: `Agent.arun` in tasks, or Teams that have the graph's shape.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - imported by the worker that needs it
from array import array
from collections.abc import Sequence
from time import perf_counter

from agno_cli import Agent, CancelToken, Team, TeamLimits
from agno_cli._errors import AgnoError, ConfigurationError
from agno_cli.scenarios._definition import Topology
from agno_cli.scenarios._topology import Graph


class Work:
    """One piece of work that a graph of agents does together.

    Attributes:
        said: what each run came to, None where it failed or had nobody to hear.
        failed: why runs failed.
        ready, ended: when each run had all messages, and when it ended, in seconds.
        makespan: seconds from the first start to the last end.
    """

    def __init__(self, graph: Graph, agents: Sequence[Agent], prompt: str) -> None:
        self._graph = graph
        self._agents = agents
        self._prompt = prompt
        self._missing = [len(heard) for heard in graph.hears]
        self._inboxes: list[list[str]] = [[] for _ in graph.hears]
        self._victim = -1
        self._cancel_after = 0.0
        self.said: list[str | None] = [None] * len(graph.hears)
        self.failed: dict[int, str] = {}
        self.ready = array("d", bytes(8 * len(graph.hears)))
        self.ended = array("d", self.ready)
        self.makespan = 0.0

    def cancel(self, agent: int, seconds: float) -> None:
        """Have one agent cancelled so many seconds after its start."""
        self._victim, self._cancel_after = agent, seconds

    async def do(self) -> None:
        """Do it; when it ends, however it ends, no task is left."""
        first = [run for run, missing in enumerate(self._missing) if not missing]
        began = perf_counter()
        for run in first:
            self.ready[run] = began
        async with asyncio.TaskGroup() as group:
            for run in first:
                group.create_task(self._from(run, group))
        self.makespan = perf_counter() - began

    async def _from(self, run: int, group: asyncio.TaskGroup) -> None:
        """Do a run, and in the same task one that it makes ready; others have their own."""
        following: int | None = run
        while following is not None:
            await self._run(following)
            following = self._hand_over(following, group)

    async def _run(self, run: int) -> None:
        inbox = self._inboxes[run]
        if not inbox and self._graph.hears[run]:
            return
        agent = run % self._graph.agents
        prompt = "\n".join([self._prompt, *inbox])
        try:
            if agent == self._victim:
                self.said[run] = await self._run_cancelled(agent, prompt)
            else:
                self.said[run] = (await self._agents[agent].arun(prompt)).content
        except AgnoError as error:
            self.failed[run] = f"{type(error).__name__}: {error}"

    async def _run_cancelled(self, agent: int, prompt: str) -> str:
        token = CancelToken()
        timer = asyncio.get_running_loop().call_later(self._cancel_after, token.cancel)
        try:
            return (await self._agents[agent].arun(prompt, cancel=token)).content
        finally:
            timer.cancel()

    def _hand_over(self, run: int, group: asyncio.TaskGroup) -> int | None:
        said, following = self.said[run], None
        self.ended[run] = now = perf_counter()
        for listener in self._graph.heard_by[run]:
            if said is not None:
                self._inboxes[listener].append(said)
            self._missing[listener] -= 1
            if self._missing[listener]:
                continue
            self.ready[listener] = now
            if following is None:
                following = listener
            else:
                group.create_task(self._from(listener, group))
        return following


def make_team(topology: Topology, graph: Graph, agents: Sequence[Agent]) -> Team:
    """Make a Team of the same shape, whose answer is that of the last agent.

    Raises:
        ConfigurationError: no Team has that shape.
    """
    if topology == "chain":
        return Team(agents)
    if topology == "fan-out":
        middle = [_parallel(agents[1:-1])] if len(agents) > 2 else []  # noqa: PLR2004 - its ends
        return Team([agents[0], *middle, agents[-1]])
    if topology == "tree":
        root = _branch(len(agents) - 1, graph, agents)
        return root if isinstance(root, Team) else Team([root])
    raise ConfigurationError(f'there is no Team of the shape {topology}; use `through = "tasks"`')


def _parallel(members: Sequence[Agent | Team]) -> Team:
    limits = TeamLimits(parallel_members=len(members))
    return Team(members, mode="parallel", name="together", limits=limits)


def _branch(run: int, graph: Graph, agents: Sequence[Agent]) -> Agent | Team:
    children = [_branch(child, graph, agents) for child in graph.hears[run]]
    return Team([_parallel(children), agents[run]]) if children else agents[run]
