"""A conversation: loaded at the start of a run, committed at its end.

A turn is what one run committed: the user's message, the tool calls with their results, the
answer. Turns are kept and dropped whole, so a tool call never loses its result. What is stored
is never changed in place: `load` gives a snapshot, and concurrent commits each add one turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from itertools import chain
from typing import Protocol

from msgspec import Struct

from ._messages import Message


class MemoryProtocol(Protocol):
    """What a run needs of a memory; an asynchronous one may return awaitables.

    Set `blocking = True` on a memory whose calls wait for a disk or a network, and
    asynchronous runs call it in a thread.
    """

    def load(self) -> Sequence[Message] | Awaitable[Sequence[Message]]:
        """Give a snapshot of the conversation, oldest message first, without instructions."""

    def commit(self, messages: Sequence[Message]) -> None | Awaitable[None]:
        """Add one turn: all of its messages or, when it raises, none."""


class Memory(Struct, eq=False):
    """A conversation in this process, bounded to its newest `max_turns` turns (0 keeps none).

    One conversation, not one for each user: give each user a memory of its own.

    >>> memory = Memory(max_turns=20)
    >>> memory.commit([Message("user", "Hi"), Message("assistant", "Hello")])
    >>> [message.content for message in memory.load()]
    ['Hi', 'Hello']
    """

    max_turns: int = 100
    _turns: list[tuple[Message, ...]] = []

    def load(self) -> list[Message]:
        """Give a snapshot of the conversation, oldest message first."""
        return list(chain.from_iterable(self._turns[-self.max_turns :]))

    def commit(self, messages: Sequence[Message]) -> None:
        """Add one turn and drop the oldest ones beyond the bound."""
        # Appending, and deleting by an index counted from the end, are each one atomic step of
        # `list`: threads need no lock, and a late trim cannot drop what it should keep.
        turns = self._turns
        turns.append(tuple(messages))
        if len(turns) > self.max_turns:
            if self.max_turns > 0:
                del turns[: -self.max_turns]
            else:
                turns.clear()

    def clear(self) -> None:
        """Forget the conversation."""
        self._turns.clear()

    def __len__(self) -> int:
        """Count the turns kept."""
        return len(self._turns)

    def __bool__(self) -> bool:
        """Be true also when empty, so that `if memory` asks whether there is one."""
        return True
