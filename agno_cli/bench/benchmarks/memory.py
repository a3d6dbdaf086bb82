"""Conversations: what a run reads at its start and adds at its end."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from agno_cli import Memory, Message
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import ANSWER, PROMPT, UNROLLED

_TURN = [Message("user", PROMPT), Message("assistant", ANSWER)]
_BOUND = 100


def append() -> Operation:
    """Commit a turn to a full memory, which drops its oldest."""
    memory = _filled(_BOUND)

    def check(_: None) -> None:
        expect((len(memory), memory.load()), (_BOUND, _TURN * _BOUND))

    return Operation(
        statement="memory.commit(turn)",
        names={"memory": memory, "turn": _TURN},
        check=check,
        unrolled=UNROLLED,
    )


def load(messages: int) -> Operation:
    """Load a conversation of so many messages."""
    turns = messages // len(_TURN)
    return Operation(
        statement="result = memory.load()",
        names={"memory": _filled(turns)},
        check=lambda result: expect(result, _TURN * turns),
    )


def commit_session() -> Operation:
    """Commit a turn to a session in SQLite, which survives the process, not a power failure."""
    from agno_cli.storage import SqliteSessions

    folder = TemporaryDirectory()
    sessions = SqliteSessions(Path(folder.name, "sessions.db"))
    memory = sessions.memory("bench", max_turns=1)
    committed = 0

    def check(_: None) -> None:
        nonlocal committed
        expect(memory.load(), _TURN)
        session = sessions.get("bench")
        turns = 0 if session is None else session.turns
        expect(turns > committed, True)  # noqa: FBT003 - a value like any other
        committed = turns

    def close() -> None:
        sessions.close()
        folder.cleanup()

    return Operation(
        statement="memory.commit(turn)",
        names={"memory": memory, "turn": _TURN},
        check=check,
        close=close,
    )


def _filled(turns: int) -> Memory:
    memory = Memory(max_turns=turns)
    for _ in range(turns):
        memory.commit(_TURN)
    return memory
