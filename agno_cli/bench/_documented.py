"""Figures of Agno-Go, to be shown beside ours; none of them was measured in our run.

`documented` is what its performance page says. `measured` is what its own benchmarks gave
(`go test -bench=. -benchmem ./pkg/agno/agent/`, v1.2.9, output thrown away, go 1.27.3) on a
virtual machine with two Xeon cores. Its bytes are all that one operation allocates, where ours
are those that are still live after it.
"""

from __future__ import annotations

from msgspec import Struct

NAME = "Agno-Go"
ELSEWHERE = "v1.2.9, go 1.27.3, a virtual machine with 2 Xeon cores"


class Figures(Struct, frozen=True):
    """Speed as it was published, bytes and allocations per operation where they are known."""

    speed: str
    bytes: int | None = None
    allocations: int | None = None


class Documented(Struct, frozen=True):
    """One benchmark of Agno-Go; `difference` is what it does otherwise than ours."""

    documented: Figures
    measured: Figures
    difference: str = ""


DOCUMENTED = {
    "create": Documented(
        Figures("184.5 ns", 1272, 8),
        Figures("270 ns", 536, 8),
    ),
    "create_tools": Documented(
        Figures("193.0 ns", 1288, 9),
        Figures("296 ns", 552, 9),
    ),
    "create_memory": Documented(
        Figures("111.9 ns", 312, 6),
        Figures("231 ns", 440, 6),
        "its memory is built once, outside the measured loop; ours is built for each agent",
    ),
    "run": Documented(
        Figures("~6M ops/s"),
        Figures("26 µs", 45_888, 345),
        "as it ships: its agent has a full memory of 100 messages and logs each run",
    ),
    "run_tool": Documented(
        Figures("~0.5M ops/s"),
        Figures("56 µs", 76_149, 615),
        "as it ships: its agent has a full memory of 100 messages and logs each run",
    ),
    "memory_append": Documented(
        Figures("~1M ops/s"),
        Figures("2.6 µs", 8160, 0),
        "it adds one message; ours adds a turn of two messages",
    ),
}
