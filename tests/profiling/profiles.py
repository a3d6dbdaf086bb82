"""Profiles made by hand."""

from agno_cli.bench._environment import read_environment
from agno_cli.profiling._analysis import functions_of, sites_of
from agno_cli.profiling._profile import (
    CpuProfile,
    Figures,
    Frame,
    MemoryProfile,
    Module,
    Slowdown,
    Stack,
    StartupProfile,
)

FRAMES = (
    Frame("result = agent.run(prompt)", "", 0, "yours"),
    Frame("Agent.run", "agno_cli/_agent.py", 94, "agno_cli"),
    Frame("<hot> & [bold]", "shop.py", 7, "yours"),
    Frame("encode", "msgspec/json.py", 3, "library"),
)
STACKS = (Stack((0, 1), 600.0, 3), Stack((0, 1, 2), 300.0, 2), Stack((0, 1, 2, 3), 100.0, 1))


def cpu(*, hot: float = 300.0, notes: tuple[str, ...] = (), partial: bool = False) -> CpuProfile:
    """Give a profile in which the hot function has so many of 1,000 samples."""
    stacks = (Stack((0, 1), 900.0 - hot), Stack((0, 1, 2), hot), STACKS[2])
    return CpuProfile(
        target="run",
        summary="a run",
        environment=read_environment(),
        engine="py-spy",
        clock="cpu",
        interval=0.002,
        samples=1000,
        seconds=2.0,
        operation="run",
        operations=500_000,
        bare=4e-6,
        slowdown=Slowdown(4e-6, 4.4e-6, "run"),
        frames=FRAMES,
        stacks=stacks,
        functions=functions_of(FRAMES, stacks),
        notes=notes,
        partial=partial,
    )


def memory(*, live: float = 112.0) -> MemoryProfile:
    """Give a profile of a hundred agents."""
    return MemoryProfile(
        target="run",
        summary="a run",
        environment=read_environment(),
        engine="memray",
        view="kept",
        operation="run",
        operations=100,
        figures=Figures(
            object="agent",
            objects=100,
            live=live,
            traced=live,
            peak=168.0,
            rss=113.9,
            rss_objects=20_000,
            operation="run",
            cold=17.0,
            warm=14.0,
        ),
        frames=FRAMES,
        stacks=STACKS,
        sites=sites_of(FRAMES, STACKS, 100),
    )


def startup() -> StartupProfile:
    """Give a profile of three modules."""
    return StartupProfile(
        target="shop",
        environment=read_environment(),
        seconds=0.1,
        spread=0.01,
        runs=5,
        python=0.03,
        slowdown=Slowdown(0.13, 0.14, "process"),
        modules=(
            Module("shop", 0.06, 0.1, -1),
            Module("shop.stock", 0.03, 0.04, 0),
            Module("json", 0.01, 0.01, 1),
        ),
    )
