"""What a scenario can be asked for beside its file."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._errors import InputError
from agno_cli.scenarios._definition import (
    MOST_WORKERS,
    ApiRun,
    BatchRun,
    Crewed,
    Engine,
    MultiAgentRun,
    Run,
    Scenario,
)
from agno_cli.scenarios._quantities import Latency
from agno_cli.scenarios._thresholds import Threshold, combined

Transport: TypeAlias = Literal["http", "inproc"]


class Options(Struct, frozen=True, kw_only=True):
    """Changes to all runs of a scenario; None leaves what its file says.

    Attributes:
        thresholds: in place of the file's on the same subject, and beside the others.
        agent: `module:attribute` or `file.py:attribute`.
        model: the name of a real model.
        only: a text in the names of the runs to be done; the others are left out.
        agents: how many, of batch and multi-agent.
        transport: of api: over HTTP on loopback, or in one process without a network.
        url: of a service that runs already.
        allow_remote: whether that may be on another machine.
        port: where our own service listens; 0 for any that is free.
        find_max: search for the largest rate that meets the thresholds.
        inject_stall: seconds that the service is made to stand still for, half way.
        engine: one process, many, or Ray.
        workers: of the engine.
        address: of a Ray cluster.
    """

    rate: float | None = None
    duration: float | None = None
    warmup: float | None = None
    seed: int | None = None
    thresholds: tuple[Threshold, ...] = ()
    only: str | None = None
    agent: str | None = None
    model: str | None = None
    latency: Latency | None = None
    agents: int | None = None
    transport: Transport = "http"
    url: str | None = None
    allow_remote: bool = False
    port: int = 0
    find_max: bool = False
    inject_stall: float | None = None
    engine: Engine | None = None
    workers: int | None = None
    address: str | None = None


_AGENTS: dict[type[Crewed], tuple[int, int]] = {
    BatchRun: (1, 10_000_000),
    MultiAgentRun: (2, 10_000),
}
_OF_LOAD = ("rate", "duration", "warmup", "seed")
# Which workload an option is about, where not all have it.
_ONLY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*_OF_LOAD, "url", "inject_stall"), ("api",)),
    "agents": ("batch", "multi-agent"),
    "engine": ("batch", "multi-agent"),
    "workers": ("batch", "multi-agent"),
    "address": ("batch", "multi-agent"),
}


def changed(scenario: Scenario, options: Options) -> Scenario:
    """Give the scenario that was asked for.

    Raises:
        InputError: an option that the scenario has no use for.
    """
    for name, workloads in _ONLY.items():
        if getattr(options, name) is not None and scenario.workload not in workloads:
            raise InputError(
                f"`--{name.replace('_', '-')}` is for the workload {' or '.join(workloads)};"
                f" `{scenario.name}` is of `{scenario.workload}`"
            )
    for flag in ("find_max", "allow_remote"):
        if getattr(options, flag) and scenario.workload != "api":
            raise InputError(
                f"`--{flag.replace('_', '-')}` is for the workload api; `{scenario.name}` is of"
                f" `{scenario.workload}`"
            )
    return replace(
        scenario, runs=tuple(_changed(run, options) for run in _chosen(scenario, options))
    )


def _chosen(scenario: Scenario, options: Options) -> list[Run]:
    text = options.only or ""
    chosen = [run for run in scenario.runs if text.lower() in run.name.lower()]
    if options.engine is not None:
        # Where the file itself has runs on that engine, it is those that are meant.
        crewed = [run for run in chosen if isinstance(run, Crewed)]
        meant = [run for run in crewed if run.engine == options.engine]
        chosen = [*(meant or [run for run in crewed if run.engine == "one"] or crewed)]
    if not chosen:
        names = ", ".join(f"`{run.name}`" for run in scenario.runs)
        raise InputError(f"no run of `{scenario.name}` has `{text}` in its name; they are {names}")
    return chosen


def _changed(run: Run, options: Options) -> Run:
    changes: dict[str, Any] = {"thresholds": combined(run.thresholds, options.thresholds)}
    if options.agent is not None:
        changes["agent"] = replace(run.agent, reference=options.agent)
    if options.model is not None or options.latency is not None:
        changes["model"] = replace(
            run.model,
            name=options.model or run.model.name,
            latency=options.latency or run.model.latency,
        )
    if isinstance(run, ApiRun):
        given = {name: getattr(options, name) for name in _OF_LOAD}
        changes["load"] = replace(
            run.load, **{name: value for name, value in given.items() if value is not None}
        )
    elif isinstance(run, Crewed):
        changes |= _crew(run, options)
    return replace(run, **changes)


def _crew(run: Crewed, options: Options) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: value
        for name in ("agents", "engine", "workers", "address")
        if (value := getattr(options, name)) is not None
    }
    for name, least, most in (("agents", *_AGENTS[type(run)]), ("workers", 1, MOST_WORKERS)):
        value = changes.get(name)
        if value is not None and not least <= value <= most:
            raise InputError(f"`--{name} {value}` is out of range; give from {least} to {most:,}")
    engine = changes.get("engine", run.engine)
    if "workers" in changes and engine == "one":
        raise InputError("`--workers` is for many; add `--engine processes` or `--engine ray`")
    if "address" in changes and engine != "ray":
        raise InputError("`--address` is of a Ray cluster; add `--engine ray`")
    return changes
