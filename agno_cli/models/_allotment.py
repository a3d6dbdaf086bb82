"""Token buckets with a queue before them, without a clock of their own.

https://en.wikipedia.org/wiki/Token_bucket
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from agno_cli.models._forks import renew_after_fork
from agno_cli.models._waiting import Bell, Waits

# A wait never rounds to nothing, so nobody asks again and again; buckets fill meanwhile.
_LEAST_SECONDS = 0.001


class Cost(Struct, frozen=True, gc=False):
    """What a request takes."""

    requests: float
    tokens: float


_NO_COST = Cost(0.0, 0.0)


class Bucket:
    """Holds up to `capacity`, and gets `rate` a second; full at first, maybe in debt later.

    Both may be infinite: then there is always enough.
    """

    __slots__ = ("_at", "_capacity", "_level", "_rate")

    def __init__(self, capacity: float, rate: float) -> None:
        self._capacity = capacity
        self._rate = rate
        self._level = capacity
        self._at = float("-inf")

    def seconds_until(self, cost: float, now: float, before: float = 0.0) -> float:
        """Give the seconds until there is enough, 0.0 when there is.

        Enough for more than the bucket can hold is a full one. `before` goes first.
        """
        if now > self._at:
            self.add((now - self._at) * self._rate)
            self._at = now
        enough = min(self._capacity, cost)
        short = before + enough - self._level
        return short / self._rate if short > 0.0 else 0.0

    def add(self, amount: float) -> None:
        """Put some in, as much as it holds, or take some out."""
        level = self._level + amount
        self._level = min(self._capacity, level)

    def renewed(self) -> Bucket:
        """Give a full one like this."""
        return Bucket(self._capacity, self._rate)


class Allotment:
    """A bucket of requests and one of tokens, and the queue of those who wait for both.

    Only the first of the queue waits for time; when it leaves, and when something is given back,
    it or its follower is rung to look again. The garbage collector may close a stream, and so
    settle its use, while its thread holds the lock: it is reentrant, and a ring may come for
    nothing.
    """

    def __init__(self, requests: Bucket, tokens: Bucket) -> None:
        self._requests = requests
        self._tokens = tokens
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin without a queue; what has been used stays used."""
        self._lock = threading.RLock()
        self._queued: OrderedDict[Bell, Cost] = OrderedDict()
        self._before = Cost(0.0, 0.0)  # what all of the queue will take

    def take(self, cost: Cost, now: float) -> bool:
        """Take the cost if there is enough and nobody waits."""
        with self._lock:
            if self._queued or self._seconds_until(cost, now) > 0.0:
                return False
            self._add(-cost.requests, -cost.tokens)
            return True

    def forecast(self, cost: Cost, now: float) -> float:
        """Give the seconds that a request would wait in the queue if all took what they said."""
        with self._lock:
            return max(
                self._requests.seconds_until(cost.requests, now, self._before.requests),
                self._tokens.seconds_until(cost.tokens, now, self._before.tokens),
            )

    def queue(self, cost: Cost, bell: Bell, clock: Callable[[], float]) -> Waits:
        """Stand in the queue: yield until the cost is taken; closed early, leave it.

        What is yielded are the seconds until there will be enough, or None while others are
        first; both may change, and then the bell rings.
        """
        with self._lock:
            self._queued[bell] = cost
            self._count(cost.requests, cost.tokens)
        try:
            while (seconds := self._try(cost, bell, clock())) != 0.0:
                yield seconds and max(seconds, _LEAST_SECONDS)
        finally:
            with self._lock:
                self._drop(bell)
                self._ring_first()

    def give_back(self, requests: float, tokens: float, now: float) -> None:
        """Give back what was taken and not used; what is negative was used on top."""
        with self._lock:
            self._seconds_until(_NO_COST, now)  # what time has brought comes first
            self._add(requests, tokens)
            self._ring_first()

    def _try(self, cost: Cost, bell: Bell, now: float) -> float | None:
        """Take the cost and give 0.0, or give the seconds until then; None: others are first."""
        with self._lock:
            if next(iter(self._queued), None) is not bell:
                return None
            seconds = self._seconds_until(cost, now)
            if seconds == 0.0:
                self._add(-cost.requests, -cost.tokens)
            return seconds

    def _seconds_until(self, cost: Cost, now: float) -> float:
        return max(
            self._requests.seconds_until(cost.requests, now),
            self._tokens.seconds_until(cost.tokens, now),
        )

    def _add(self, requests: float, tokens: float) -> None:
        self._requests.add(requests)
        self._tokens.add(tokens)

    def _count(self, requests: float, tokens: float) -> None:
        before = self._before
        self._before = Cost(before.requests + requests, before.tokens + tokens)

    def _drop(self, bell: Bell) -> None:
        cost = self._queued.pop(bell, None)
        if cost is not None:
            self._count(-cost.requests, -cost.tokens)

    def _ring_first(self) -> None:
        while self._queued:
            bell = next(iter(self._queued))
            if bell.ring():
                return
            self._drop(bell)  # the loop of the one who waited is closed

    def __reduce__(self) -> tuple[type[Allotment], tuple[Bucket, Bucket]]:
        return Allotment, (self._requests.renewed(), self._tokens.renewed())
