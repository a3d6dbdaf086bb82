"""A bound on the requests that a model is asked at once."""

from __future__ import annotations

from collections import deque

from agno_cli._errors import ConfigurationError
from agno_cli.models._forks import renew_after_fork
from agno_cli.models._protocol import Model, ModelRequest
from agno_cli.models._waiting import Allowance, Bell, Waits
from agno_cli.models._wrapper import Gate


class ConcurrencyLimit(Gate[None]):
    """A model that is asked at most so many requests at once.

    The others wait in the order in which they came, threads and tasks of any event loop
    together; one whose run is cancelled, or whose time is over, leaves the queue. A stream holds
    its place until it has ended or is closed. A synchronous request blocks its thread: made in an
    event loop whose own tasks hold the places, it would wait for itself.

    Args:
        model: the model that answers, or `provider:name`.
        limit: how many requests may be under way.

    Raises:
        ConfigurationError: the limit is no whole number from 1 up.
        ModelError: from a request: its time was over before it got a place.

    >>> from agno_cli import Agent, ScriptedModel
    >>> Agent(ConcurrencyLimit(ScriptedModel(["Paris."]), 8)).run("Capital of France?").content
    'Paris.'
    """

    def __init__(self, model: Model | str, limit: int) -> None:
        if type(limit) is not int or limit < 1:
            raise ConfigurationError(
                f"the concurrency limit is {limit!r}; give a whole number from 1 up"
            )
        super().__init__(model)
        self.limit = limit
        self._places = Places(limit)
        self._awaited = f"free place among the {limit} of the concurrency limit"

    def _cost(self, _: ModelRequest) -> None:
        """Every request takes one place."""

    def _enter(self, _: None) -> bool:
        return self._places.take()

    def _queue(self, _: None, bell: Bell, __: Allowance) -> Waits:
        return self._places.queue(bell)

    def _leave(self, _: None, __: object) -> None:
        self._places.give()


class Ticket:
    """One that waits for a place."""

    __slots__ = ("bell", "given", "lost")

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self.given = False
        self.lost = False  # nobody can hear the bell any more, so another has the place


class Places:
    """So many places, handed out in the order in which they were asked for.

    There is no lock. Each step is one operation of a deque, which no thread can divide; one who
    waits looks for a place after standing in the queue, and one who gives a place back looks at
    the queue after that: one of them sees the other. So the garbage collector, too, may give a
    place back in the middle of any of this, when it closes a stream.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin with all places free."""
        # Places that were taken before a fork may be given back in the child: no more than all.
        self._free = deque([None] * self._count, maxlen=self._count)
        self._queued: deque[Ticket] = deque()

    def take(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self._queued:
            return False
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def queue(self, bell: Bell) -> Waits:
        """Stand in the queue: yield until the place is given; closed early, give it up."""
        ticket = Ticket(bell)
        self._queued.append(ticket)
        self._hand_out()
        try:
            while not ticket.given:
                yield None
        except BaseException:
            self._leave(ticket)
            raise

    def give(self) -> None:
        """Give a place back."""
        self._free.append(None)
        if self._queued:
            self._hand_out()

    def _hand_out(self) -> None:
        while self._queued:
            try:
                self._free.pop()
            except IndexError:
                return
            try:
                ticket = self._queued.popleft()
            except IndexError:  # the last has just left, or another thread hands out too
                self._free.append(None)
                continue
            ticket.given = True
            if not ticket.bell.ring():
                ticket.lost = True
                self._free.append(None)

    def _leave(self, ticket: Ticket) -> None:
        try:
            self._queued.remove(ticket)
        except ValueError:  # a place was given meanwhile
            if not ticket.lost:
                self.give()

    def __reduce__(self) -> tuple[type[Places], tuple[int]]:
        return Places, (self._count,)
