"""Who holds a run, and whether it is still alive.

A process that was killed leaves its name in the file. Its successor need not wait where it can
be told that nobody is left: on this machine, by the process id and the time that it began.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec import Struct


class Holder(Struct, frozen=True):
    """One who carries a run out.

    Args:
        host: the machine and, on Linux, the process namespace that `pid` belongs to.
        boot: which start of the machine, empty where that is not known.
        pid: the process.
        born: when the process began, in the machine's own unit; empty where not known.
        token: tells the holders of one process apart.
        since: when it took the run, in seconds since 1970, UTC.
    """

    host: str
    boot: str
    pid: int
    born: str
    token: str
    since: float

    def __str__(self) -> str:
        from datetime import UTC, datetime

        since = datetime.fromtimestamp(self.since, UTC)
        return f"process {self.pid} on `{self.host.split(' ')[0]}`, since {since:%F %T} UTC"


def new_holder(token: str, since: float) -> Holder:
    """Give the holder that this process is."""
    host, boot = _machine()
    return Holder(host, boot, os.getpid(), _born_as(os.getpid()), token, since)


def is_dead(holder: Holder, is_live: Callable[[str], bool]) -> bool:
    """Tell whether a holder is known to be gone; False where it cannot be told.

    Args:
        holder: who held the run.
        is_live: whether a token of this process is in use.
    """
    host, boot = _machine()
    if holder.host != host:
        return False
    if holder.boot != boot:
        return True
    if holder.pid == os.getpid() and holder.born == _born_as(holder.pid):
        return not is_live(holder.token)
    return not _exists(holder.pid) or _born(holder.pid) != holder.born


def _exists(pid: int) -> bool:
    if os.name == "nt":  # pragma: no cover - there, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@cache
def _machine() -> tuple[str, str]:
    import platform

    try:
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a link to no path
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # pragma: no cover - no Linux
        namespace = boot = ""
    return f"{platform.node()} {namespace}", boot


@cache
def _born_as(pid: int) -> str:
    """Tell when this process began; a fork has an id of its own."""
    return _born(pid)


def _born(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]  # the name before it may hold anything
