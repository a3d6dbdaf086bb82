"""Calls under way, so that equal requests at the same time make one."""

from __future__ import annotations

import threading
from time import monotonic

from msgspec import Struct

from agno_cli._errors import copy_of
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli.models._forks import renew_after_fork
from agno_cli.models._waiting import Bell, ThreadBell, Waits
from agno_cli.models.caches import CachedAnswer, Piece

# How long the reader of a stream may be away before others ask for themselves.
_PAUSE_SECONDS = 1.0


class Flight:
    """One call that is under way.

    Attributes:
        thread: where it was made.
        paused: since when the reader of its stream is away; 0.0 while the model is at work.
        landed: whether it has ended, with an answer, an error or neither.
    """

    __slots__ = (
        "answer", "error", "key", "landed", "leader", "paused", "streamed", "thread", "waiting",
    )  # fmt: skip

    def __init__(self, key: bytes, seat: Seat) -> None:
        self.key = key
        self.leader = seat.bell
        self.streamed = seat.streamed
        self.thread = threading.get_ident()
        self.paused = 0.0
        self.landed = False
        self.answer: CachedAnswer | None = None
        self.error: Exception | None = None
        self.waiting: dict[Bell, None] = {}

    def is_held_up(self, bell: Bell) -> bool:
        """Tell whether a wait could be long, or for ever: nobody is at work on the answer.

        The call may be this very thread's, further up its stack or in its event loop.
        """
        if isinstance(bell, ThreadBell) and self.thread == threading.get_ident():
            return True
        return self.paused > 0.0 and monotonic() - self.paused >= _PAUSE_SECONDS


class Seat(Struct, eq=False):
    """What a request has come to.

    It has the answer of another; or a flight of its own, whose call it is to make; or neither,
    and makes a call that nobody waits for.
    """

    bell: Bell
    streamed: bool = False
    answer: CachedAnswer | None = None
    flight: Flight | None = None
    pieces: list[Piece] = []

    def holds(self, item: object) -> bool:
        """Collect a piece of the answer, or tell that it is the whole."""
        if isinstance(item, TextDelta | ReasoningDelta):
            self.pieces.append(item)
            return False
        return True

    def pause(self) -> None:
        """Note that the reader of the stream is away from now on."""
        if self.flight is not None:
            self.flight.paused = monotonic()

    def resume(self) -> None:
        """Note that the reader is back, and the model at work."""
        if self.flight is not None:
            self.flight.paused = 0.0


class Flights:
    """The calls under way, by the keys of their requests.

    The lock is reentrant: the garbage collector may close a stream, which ends its flight, while
    its thread holds the lock.
    """

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin without calls."""
        self._lock = threading.RLock()
        self._flying: dict[bytes, Flight] = {}

    def take_seat(self, key: bytes, seat: Seat) -> Waits:
        """Yield how long to wait for the seat's bell, until the request has come to something.

        Raises:
            Exception: the call failed that this request waited for; a copy for this one.
        """
        while True:
            flight = self._board(key, seat)
            if flight.leader is seat.bell:
                seat.flight = flight
                return
            try:
                while not flight.landed:
                    if flight.is_held_up(seat.bell):
                        return
                    yield _PAUSE_SECONDS if flight.streamed else None
            finally:
                flight.waiting.pop(seat.bell, None)
            if flight.error is not None:
                raise copy_of(flight.error) from flight.error.__cause__
            if flight.answer is not None:
                seat.answer = flight.answer
                return

    def land(
        self, flight: Flight, answer: CachedAnswer | None, error: Exception | None = None
    ) -> None:
        """End a flight; without an answer and an error, one of those who wait makes the call."""
        with self._lock:
            if flight.landed:
                return
            flight.answer = answer
            flight.error = error
            flight.landed = True
            if self._flying.get(flight.key) is flight:  # not so in a forked child
                del self._flying[flight.key]
            waiting, flight.waiting = flight.waiting, {}
        for bell in list(waiting):  # one who leaves may still take itself off it
            bell.ring()

    def _board(self, key: bytes, seat: Seat) -> Flight:
        with self._lock:
            flight = self._flying.get(key)
            if flight is None:
                flight = self._flying[key] = Flight(key, seat)
            else:
                flight.waiting[seat.bell] = None
            return flight

    def __reduce__(self) -> tuple[type[Flights], tuple[()]]:
        return Flights, ()
