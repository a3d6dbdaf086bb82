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


_NONE = Figures("not benchmarked")

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
    "team": Documented(
        _NONE,
        Figures("119 µs", None, 1050),
        "its members are not shown the task again after the first, and usage is not summed",
    ),
    "team_parallel": Documented(
        _NONE,
        Figures("154 µs", None, 1073),
        "its results are in the order in which they came",
    ),
    "team_leader": Documented(
        _NONE,
        Figures("238 µs", None, 1771),
        "its leader's plan is not read: every member is given the whole task",
    ),
    "team_consensus": Documented(
        _NONE,
        Figures("282 µs", None, 2146),
        "it ends after two rounds whatever the answers; ours votes",
    ),
    "team_100_async": Documented(
        _NONE,
        Figures("5,750 µs", None, 27_947),
        "in goroutines; ours in one thread, as members that do not wait gain nothing by more",
    ),
    "workflow": Documented(
        _NONE,
        Figures("108 µs", None, 1116),
    ),
}
