"""What a program of this package needs of its own process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

_PAGE_KIB = 1024


def take_stdout() -> Callable[[bytes], None]:
    """Keep stdout for lines to the parent process; what the user's code prints goes to stderr."""
    kept = os.dup(1)
    os.dup2(2, 1)

    def say(line: bytes) -> None:
        line += b"\n"
        while line:
            line = line[os.write(kept, line) :]

    return say


def resident() -> int:
    """Give the resident bytes of this process; their peak where there is no /proc."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text().splitlines())
        sizes = {words[0]: words[1] for words in lines if len(words) > 1}
        return int(sizes["VmRSS:"]) * _PAGE_KIB
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _PAGE_KIB


def clock_name() -> str:
    """Name the machine's clock: `perf_counter` of processes that give the same name agrees.

    Linux counts it from the start of the machine, for all processes; so do macOS and Windows.
    """
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        return boot.read_text().strip()
    import platform

    return platform.node()
