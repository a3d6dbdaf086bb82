"""What only shows after many runs."""

from __future__ import annotations

import gc
import tracemalloc

from agno_cli import Agent, Memory, ScriptedModel, say
from agno_cli.bench._operations import expect
from agno_cli.bench._results import Count, Counted
from agno_cli.bench.benchmarks.agents import PROMPT, add

SOAKED = 100_000
# Long enough for the memory to be at its bound and every cache and free list to be full.
_WARM_UP = 5_000


def soak(runs: int = SOAKED, warm_up: int = _WARM_UP) -> Counted:
    """Run one agent many times; give how much its process grew.

    Twice: first untraced, for the resident memory (native leaks show there), then a fifth of it
    traced, which is slow, for the exact bytes of Python objects.
    """
    model = ScriptedModel([say("", ("add", {"a": 2, "b": 3})), say("The sum is 5.")])
    agent = Agent(model, tools=[add], memory=Memory(max_turns=10))
    _run_often(agent, warm_up)
    counts = {}
    before = _resident_bytes()
    _run_often(agent, runs)
    after = _resident_bytes()
    if before is not None and after is not None:
        counts["rss"] = Count(float(after - before), "byte")
    tracemalloc.start()
    _run_often(agent, warm_up)
    start = tracemalloc.get_traced_memory()[0]
    _run_often(agent, runs // 5)
    counts["growth"] = Count(float(tracemalloc.get_traced_memory()[0] - start), "byte")
    tracemalloc.stop()
    notes = () if "rss" in counts else ("resident memory is read from /proc, which is missing",)
    return Counted(counts, notes)


def _run_often(agent: Agent, runs: int) -> None:
    for _ in range(runs):
        output = agent.run(PROMPT)
    expect((output.content, output.messages[2].content), ("The sum is 5.", "5"))
    del output
    gc.collect()


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - no pathlib in a soak
            pages = int(statm.read().split()[1])
    except OSError:
        return None
    import resource

    return pages * resource.getpagesize()
