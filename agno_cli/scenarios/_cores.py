"""Which processor core does what: a service and its load generator must not share one."""

from __future__ import annotations

import os
import sys


def available() -> tuple[int, ...]:
    """Give the cores that this process may run on; empty where the system does not say."""
    return tuple(sorted(os.sched_getaffinity(0))) if sys.platform == "linux" else ()


def shares(parts: int) -> list[tuple[int, ...]]:
    """Give each part a core of its own; where there are too few, all may run anywhere."""
    cores = available()
    return [(core,) for core in cores[:parts]] if len(cores) >= parts else [()] * parts


def pin(cores: tuple[int, ...]) -> None:
    """Run this process, and the threads that it starts, on those cores only."""
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, cores)
