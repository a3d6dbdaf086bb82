"""A bounded pool of agents, each lent to one holder at a time."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ._agent import Agent
from ._errors import ConfigurationError, LimitReached
from ._limits import check_seconds
from ._memory import Memory
from ._threads import acall, call_with_timeout

if TYPE_CHECKING:
    import asyncio

_logger = logging.getLogger("agno_cli")
_HINT = (
    "the agents of this pool have no memory, so one agent could serve everybody at once; to bound"
    " how many calls are under way, wrap its model in a `ConcurrencyLimit`"
)


class AgentPool:
    """At most `size` agents with a conversation each, lent to one holder at a time.

    Seldom the right tool. An agent never changes, so one serves any number of threads, tasks and
    users at once, and creating one takes less time than taking one from a pool: without a memory
    there is nothing to pool, and `agent.run(prompt, memory=Memory())` gives each user a
    conversation without one. A pool is right where a conversation of several runs needs something
    scarce - a browser, a licence, a database handle held by the tools - and must leave no trace
    for the next holder.

    Agents are made when they are first needed and wait for the next holder with their memory
    cleared, also when the last one raised or was cancelled. Threads and tasks of any event loop
    may wait together; who came first is served first. End what you started before you give an
    agent back: a run that is still under way then would end in the next holder's conversation.

    Args:
        make: makes one agent, called in the thread or task that takes it.
        size: how many agents there are at most.
        timeout: seconds that a holder waits for an agent, None to wait as long as it takes.

    >>> from agno_cli import ScriptedModel
    >>> pool = AgentPool(lambda: Agent(ScriptedModel(["Hello."]), memory=Memory()), size=4)
    >>> with pool.take() as agent:  # or `async with`
    ...     agent.run("Hi").content
    'Hello.'

    Raises:
        ConfigurationError: `size` or `timeout` cannot be used.
    """

    __slots__ = ("_shelf",)

    def __init__(
        self, make: Callable[[], Agent], *, size: int, timeout: float | None = None
    ) -> None:
        if not callable(make):
            raise ConfigurationError(f"`make` is {make!r}; give a function that makes an agent")
        if type(size) is not int or size < 1:
            raise ConfigurationError(f"`size` is {size!r}; give a whole number from 1 up")
        if timeout is not None:
            check_seconds("`timeout` of the pool", timeout)
        self._shelf = _Shelf(make, size, timeout)

    def take(self) -> Loan:
        """Give the loan of one agent, for one `with` or `async with`.

        Raises:
            LimitReached: on entering, no agent came free within the timeout.
            ConfigurationError: on entering, `make` gave something that cannot be pooled, or
                waiting would block the event loop that the holders run in.
        """
        return Loan(self._shelf)

    @property
    def held(self) -> int:
        """How many agents are lent."""
        return self._shelf.held

    @property
    def waiting(self) -> int:
        """How many threads and tasks wait for one."""
        return self._shelf.waiting

    def __repr__(self) -> str:
        shelf = self._shelf
        return f"<AgentPool with {shelf.held} of {shelf.size} held, {shelf.waiting} waiting>"


class Loan:
    """One agent for the time of a `with` or `async with`; `AgentPool.take` gives it."""

    __slots__ = ("_agent", "_shelf", "_unused")

    def __init__(self, shelf: _Shelf) -> None:
        self._shelf = shelf
        self._unused = [None]  # `pop` is atomic: of two threads that begin one loan, one fails
        self._agent: Agent | None = None

    def __enter__(self) -> Agent:
        self._begin()
        agent = self._agent = self._shelf.lend()
        return agent

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        problem = self._shelf.take_back(self._end())
        if problem is not None and error is None:
            raise problem

    async def __aenter__(self) -> Agent:
        self._begin()
        agent = self._agent = await self._shelf.alend()
        return agent

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        problem = await self._shelf.atake_back(self._end())
        if problem is not None and error is None:
            raise problem

    def _begin(self) -> None:
        if not self._unused:
            raise ConfigurationError("this loan has been used; call `pool.take()` for each `with`")
        self._unused.pop()

    def _end(self) -> Agent:
        agent, self._agent = self._agent, None
        if agent is None:
            raise ConfigurationError(
                "this loan holds no agent, so none can be given back; leave it to `with`"
            )
        return agent


class _Waiter(Struct, eq=False):
    """Someone in the queue. `wake` raises RuntimeError where nobody waits any more."""

    wake: Callable[[], object]
    served: bool = False
    agent: Agent | None = None


class _Shelf:
    """The places of a pool: each is lent, holds an idle agent, or has none yet.

    The lock is re-entrant because the garbage collector may close, in the middle of any of these
    methods, a generator that holds an agent. So whoever queues looks for a free place after it
    stands in the queue, not before.
    """

    def __init__(self, make: Callable[[], Agent], size: int, timeout: float | None) -> None:
        self.size = size
        self._make = make
        self._timeout = timeout
        self._lock = RLock()
        self._idle: list[Agent] = []
        self._unmade = size
        self._queue: deque[_Waiter] = deque()
        # By id, agents and their memories: one that is known may not be made again.
        self._known: dict[int, object] = {}
        self._hinted = False
        self._returning: set[asyncio.Task[Exception | None]] = set()  # else they may be collected

    @property
    def held(self) -> int:
        with self._lock:
            return self.size - self._unmade - len(self._idle)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def lend(self) -> Agent:
        with self._lock:
            if not self._queue and self._idle:
                return self._idle.pop()
            _refuse_to_block(would_wait=bool(self._queue) or not self._unmade)
            bell = Lock()
            bell.acquire()
            waiter = self._enqueue(_Waiter(bell.release))
        try:
            bell.acquire(timeout=-1 if self._timeout is None else self._timeout)
        except BaseException:
            self._leave(waiter)
            raise
        return self._served(waiter)

    async def alend(self) -> Agent:
        import asyncio

        with self._lock:
            if not self._queue and self._idle:
                return self._idle.pop()
            loop = asyncio.get_running_loop()
            bell: asyncio.Future[None] = loop.create_future()
            waiter = self._enqueue(_Waiter(lambda: loop.call_soon_threadsafe(_ring, bell)))
        if self._timeout is not None:
            timer = loop.call_later(self._timeout, _ring, bell)
            bell.add_done_callback(lambda _: timer.cancel())
        try:
            if not waiter.served:
                await bell
        except BaseException:
            self._leave(waiter)
            raise
        return self._served(waiter)

    def take_back(self, agent: Agent) -> Exception | None:
        """Clear and shelve an agent; give what went wrong."""
        memory: Any = agent.memory
        if memory is None:
            return self._settle(agent, None)
        try:
            given = memory.clear()
            if hasattr(given, "__await__"):
                import asyncio

                call_with_timeout(lambda: asyncio.run(_awaited(given)), None)
        except Exception as error:
            return self._settle(agent, error)
        except BaseException:
            self._discard(agent)
            raise
        return self._settle(agent, None)

    async def atake_back(self, agent: Agent) -> Exception | None:
        """Clear and shelve an agent; a cancelled task need not wait for a slow memory."""
        if agent.memory is None or type(agent.memory) is Memory:
            return self.take_back(agent)
        import asyncio

        task = asyncio.ensure_future(self._atake_back(agent, agent.memory))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)
        return await asyncio.shield(task)

    async def _atake_back(self, agent: Agent, memory: Any) -> Exception | None:
        try:
            blocking = getattr(memory, "blocking", False)
            given = acall(memory.clear) if blocking else memory.clear()
            if hasattr(given, "__await__"):
                await given
        except Exception as error:
            return self._settle(agent, error)
        except BaseException:  # the event loop is closing
            self._discard(agent)
            raise
        return self._settle(agent, None)

    def _settle(self, agent: Agent, error: Exception | None) -> Exception | None:
        """Shelve a cleared agent; one that could not be cleared makes room for another."""
        if error is None:
            self._put(agent)
        else:
            _logger.warning("an agent's memory could not be cleared, so it is dropped: %r", error)
            self._discard(agent)
        return error

    def _discard(self, agent: Agent) -> None:
        with self._lock:
            self._known.pop(id(agent), None)
            self._known.pop(id(agent.memory), None)
        self._put(None)

    def _put(self, agent: Agent | None) -> None:
        with self._lock:
            self._shelve(agent)
            self._serve()

    def _shelve(self, agent: Agent | None) -> None:
        if agent is None:
            self._unmade += 1
        else:
            self._idle.append(agent)

    def _serve(self) -> None:
        """Hand free places to those who wait, in their order."""
        while self._queue and (self._idle or self._unmade):
            waiter = self._queue.popleft()
            if self._idle:
                waiter.agent = self._idle.pop()
            else:
                self._unmade -= 1
            waiter.served = True
            try:
                waiter.wake()
            except RuntimeError:  # its event loop has been closed
                waiter.served = False  # it may be collected later, and has nothing to give back
                self._shelve(waiter.agent)

    def _enqueue(self, waiter: _Waiter) -> _Waiter:
        self._queue.append(waiter)
        self._serve()
        return waiter

    def _leave(self, waiter: _Waiter) -> None:
        """Take someone out of the queue who does not wait any more."""
        with self._lock:
            if not waiter.served:
                with suppress(ValueError):  # passed over
                    self._queue.remove(waiter)
                return
        self._put(waiter.agent)

    def _served(self, waiter: _Waiter) -> Agent:
        with self._lock:
            if not waiter.served:
                self._queue.remove(waiter)
                raise LimitReached(
                    "time",
                    f"none of the pool's {self.size} agents came free within {self._timeout:g} s;"
                    " give it a larger `size` or `timeout`, or hold agents for less long",
                )
        return self._made() if waiter.agent is None else waiter.agent

    def _made(self) -> Agent:
        try:
            agent = self._make()
            self._admit(agent)
        except BaseException:
            self._put(None)
            raise
        return agent

    def _admit(self, agent: Agent) -> None:
        """Raise ConfigurationError unless this agent can be lent to one holder after another."""
        if not isinstance(agent, Agent):
            raise ConfigurationError(f"`make` of the pool gave {agent!r}; let it give an Agent")
        memory = agent.memory
        if memory is not None and not callable(getattr(memory, "clear", None)):
            raise ConfigurationError(
                f"the memory of {agent!r} has no `clear`, so the next holder would read this one's"
                " conversation; use `Memory`, or give each run its own: `run(..., memory=...)`"
            )
        parts = (agent,) if memory is None else (agent, memory)
        with self._lock:
            for part, what in zip(parts, ("agent", "memory"), strict=False):
                if id(part) in self._known:
                    raise ConfigurationError(
                        f"`make` of the pool gave one {what} twice, which two holders would share;"
                        " let it make a new one at each call"
                    )
            self._known.update({id(part): part for part in parts})
            hint, self._hinted = memory is None and not self._hinted, True
        if hint:
            _logger.warning(_HINT)


def _refuse_to_block(*, would_wait: bool) -> None:
    """Raise ConfigurationError where a wait stops those whose agents are waited for."""
    loaded = sys.modules.get("asyncio")  # else there is no loop
    if would_wait and loaded is not None and loaded._get_running_loop() is not None:  # noqa: SLF001 - `get_running_loop` raises instead
        raise ConfigurationError(
            "every agent of the pool is held, and waiting here would block the event loop;"
            " write `async with pool.take()`"
        )


def _ring(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)


async def _awaited(awaitable: Any) -> None:
    await awaitable
