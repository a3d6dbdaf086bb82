"""Conversations that outlive the process."""

from agno_cli.storage.checkpoints import KeptRun as KeptRun
from agno_cli.storage.checkpoints import SqliteCheckpoints as SqliteCheckpoints
from agno_cli.storage.sqlite import Session as Session
from agno_cli.storage.sqlite import SqliteMemory as SqliteMemory
from agno_cli.storage.sqlite import SqliteSessions as SqliteSessions
from agno_cli.storage.sqlite import Turn as Turn
from agno_cli.storage.sqlite import sessions_path as sessions_path

__all__ = [
    "KeptRun",
    "Session",
    "SqliteCheckpoints",
    "SqliteMemory",
    "SqliteSessions",
    "Turn",
    "sessions_path",
]
