"""A conversation: loaded at the start of a run, committed at its end.

A turn is what one run committed: the user's message, the tool calls with their results, the
answer. Turns are kept and dropped whole, so a tool call never loses its result. What is stored
is never changed in place: `load` gives a snapshot, and concurrent commits each add one turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Sequence
from itertools import chain
from threading import Lock
from typing import Protocol

from msgspec import Struct

from ._errors import ConfigurationError
from ._messages import Message


class MemoryProtocol(Protocol):
    """What a run needs of a memory; an asynchronous one may return awaitables.

    Set `blocking = True` on a memory whose calls wait for a disk or a network, and
    asynchronous runs call it in a thread.
    """

    def load(self) -> Sequence[Message] | Awaitable[Sequence[Message]]:
        """Give a snapshot of the conversation, oldest message first, without instructions."""

    def commit(self, messages: Sequence[Message]) -> None | Awaitable[None]:
        """Add one turn: all of its messages or, when it raises, none.

        A run that is cancelled while this is under way waits for its end: what has been
        committed is not taken back.
        """


def is_memory(value: object) -> bool:
    """Tell whether a value can be asked for a conversation."""
    return not isinstance(value, type) and hasattr(value, "load") and hasattr(value, "commit")


class Memory(Struct, eq=False):
    """A conversation in this process, bounded to its newest `max_turns` turns (0 keeps none).

    One conversation, not one for each user: give each user a memory of its own.

    >>> memory = Memory(max_turns=20)
    >>> memory.commit([Message("user", "Hi"), Message("assistant", "Hello")])
    >>> [message.content for message in memory.load()]
    ['Hi', 'Hello']
    """

    max_turns: int = 100
    # Made by the first commit: an empty deque takes 700 bytes, and many memories stay empty.
    # `deque` drops what exceeds its bound in the same atomic step as it appends.
    _turns: deque[tuple[Message, ...]] | None = None

    def load(self) -> list[Message]:
        """Give a snapshot of the conversation, oldest message first."""
        turns = self._turns
        return [] if turns is None else list(chain.from_iterable(turns.copy()))

    def commit(self, messages: Sequence[Message]) -> None:
        """Add one turn and drop the oldest ones beyond the bound."""
        turns = self._turns
        if turns is None:
            turns = self._first_turns()
        turns.append(tuple(messages))

    def clear(self) -> None:
        """Forget the conversation."""
        if self._turns is not None:
            self._turns.clear()

    def __len__(self) -> int:
        """Count the turns kept."""
        return len(self._turns or ())

    def __bool__(self) -> bool:
        """Be true also when empty, so that `if memory` asks whether there is one."""
        return True

    def __repr__(self) -> str:
        return f"<Memory of {len(self)} turns, at most {self.max_turns}>"

    def _first_turns(self) -> deque[tuple[Message, ...]]:
        if type(self.max_turns) is not int or self.max_turns < 0:
            raise ConfigurationError(
                f"a memory cannot keep {self.max_turns!r} turns; give a whole number from 0 up"
            )
        with _FIRST:  # threads that commit first at once must agree on one deque
            if self._turns is None:
                self._turns = deque(maxlen=self.max_turns)
            return self._turns


_FIRST = Lock()
