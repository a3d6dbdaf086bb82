"""What a cache of answers is, and the one in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import ModelResponse
from agno_cli.models._protocol import StreamItem

_FOREVER = float("inf")

Piece: TypeAlias = TextDelta | ReasoningDelta


class CachedAnswer(Struct, frozen=True):
    """An answer as it is kept: without its usage, and with its pieces if it was streamed."""

    response: ModelResponse
    pieces: tuple[Piece, ...] | None = None

    def items(self) -> list[StreamItem]:
        """Give what a stream of it yields; one that was not streamed, in a piece of each kind."""
        message = self.response.message
        whole = (ReasoningDelta(message.reasoning), TextDelta(message.content))
        pieces = [piece for piece in whole if piece.text] if self.pieces is None else self.pieces
        return [*pieces, self.response]


class CacheProtocol(Protocol):
    """What a CachedModel keeps answers in; a dict is one, without bounds.

    It is used from any thread. One with `blocking = True` waits for a disk or a network, and
    asynchronous runs call it in a thread.
    """

    def get(self, key: bytes, /) -> CachedAnswer | None:
        """Give the answer to a request, None when there is none."""

    def __setitem__(self, key: bytes, answer: CachedAnswer, /) -> None: ...


class MemoryCache:
    """Answers in this process; the one that was not used for longest goes first.

    Args:
        max_entries: how many are kept.
        ttl: seconds an answer is used after it was kept, None for ever.
        clock: gives seconds that only grow.

    Pickled, it is another cache, and an empty one.

    Raises:
        ConfigurationError: a bound that makes no sense.
    """

    # Not cachetools: its caches are not safe to share between threads, and an answer takes them
    # several times as long to find as its key to make.

    def __init__(
        self,
        max_entries: int = 1024,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_bounds(max_entries, ttl)
        self._max_entries = max_entries
        self._ttl = ttl
        self._clock = clock
        self._entries: OrderedDict[bytes, tuple[CachedAnswer, float]] = OrderedDict()

    # There is no lock, which would take as long as all the rest of `get`. Each step is one
    # operation of the dict, which no thread can divide, and an entry may be gone before any.

    def get(self, key: bytes) -> CachedAnswer | None:
        """Give the answer to a request, None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        answer, expires = entry
        if expires != _FOREVER and expires <= self._clock():
            self._entries.pop(key, None)
            return None
        try:  # noqa: SIM105 - `suppress` takes longer than what is inside
            self._entries.move_to_end(key)
        except KeyError:
            pass
        return answer

    def __setitem__(self, key: bytes, answer: CachedAnswer) -> None:
        expires = _FOREVER if self._ttl is None else self._clock() + self._ttl
        self._entries[key] = answer, expires
        with suppress(KeyError):
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget all answers."""
        self._entries.clear()

    def __reduce__(self) -> tuple[object, ...]:
        return _memory_cache, (self._max_entries, self._ttl, self._clock)


def _memory_cache(max_entries: int, ttl: float | None, clock: Callable[[], float]) -> MemoryCache:
    return MemoryCache(max_entries, ttl=ttl, clock=clock)


def check_bounds(max_entries: int, ttl: float | None) -> None:
    """Raise ConfigurationError unless a cache can be held to these bounds."""
    if type(max_entries) is not int or max_entries < 1:
        raise ConfigurationError(f"`max_entries` is {max_entries!r}; give a whole number from 1 up")
    if ttl is not None and (not isinstance(ttl, int | float) or not ttl > 0):
        raise ConfigurationError(f"`ttl` is {ttl!r}; give seconds above 0, or None for ever")
