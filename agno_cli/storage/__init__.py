"""Conversations that outlive the process."""

from agno_cli.storage.sqlite import Session as Session
from agno_cli.storage.sqlite import SqliteMemory as SqliteMemory
from agno_cli.storage.sqlite import SqliteSessions as SqliteSessions
from agno_cli.storage.sqlite import sessions_path as sessions_path

__all__ = ["Session", "SqliteMemory", "SqliteSessions", "sessions_path"]
