"""What must be known to read a run's figures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agno_cli.scenarios._api_service import COLLECTED_AFTER
from agno_cli.scenarios._definition import ApiRun, Load
from agno_cli.scenarios._recording import Head, Recording

if TYPE_CHECKING:
    from agno_cli.scenarios._api_fold import Counts, Observed

_ENOUGH_FOR_P999 = 10_000


def conditions(one: ApiRun, observed: Observed) -> str:
    """Say in a line what was measured, on what, with what load."""
    transports = {
        "http": "HTTP on loopback",
        "inproc": "in one process, no network",
        "url": observed.url,
    }
    model = ""
    if observed.transport != "url":
        model = f", {one.model.name or _scripted(one)}"
    return f"{transports[observed.transport]}, {_arrival(one.load)}{model}"


def _scripted(one: ApiRun) -> str:
    mean = one.model.latency.mean
    return f"model takes {one.model.latency.text}" if mean else "model takes no time"


def _arrival(load: Load) -> str:
    seconds = f"for {load.duration:g} s"
    if load.arrival == "closed":
        return f"closed loop of {load.connections} {seconds}"
    if load.arrival == "ramp":
        return f"from {load.rate_from:,.0f} to {load.rate:,.0f}/s {seconds}"
    random = " at random" if load.arrival == "poisson" else ""
    return f"{load.rate:,.0f}/s{random} {seconds}"


def notes(
    one: ApiRun, recording: Recording, first: int, observed: Observed, counts: Counts
) -> Iterator[str]:
    """Yield the notes, what decides first."""
    if observed.transport == "inproc":
        yield (
            "agents and generator share one process and its event loop: these are no requests a"
            " second of a service"
        )
    elif observed.after is not None:
        yield (
            f"{observed.after.server} on {observed.after.loop}, garbage collected after"
            f" {COLLECTED_AFTER:,} objects; {_cores(observed)}"
        )
    elif observed.transport == "url":
        yield f"generator {_where(observed.cores[1])}; where the service runs is not known here"
    if one.load.arrival == "closed":
        yield (
            "closed loop: a request is sent when one before it is answered, so what would have"
            " come meanwhile is not in the response times"
        )
    if counts.unfinished:
        yield f"{counts.unfinished:,} requests were under way when it ended"
    if counts.dropped:
        yield f"{counts.dropped:,} requests were never sent: no connection was free until the end"
    scheduled = recording.count - first
    if one.load.arrival != "closed" and counts.due < scheduled:
        yield f"{scheduled - counts.due:,} of {scheduled:,} requests were never due: it ended early"
    if counts.due < _ENOUGH_FOR_P999:
        yield f"{counts.due:,} requests: too few for p(99.9)"
    yield (
        f"{first:,} requests of warm-up are left out;"
        f" {recording.head[Head.CONNECTIONS]:,.0f} connections at most"
    )


def _cores(observed: Observed) -> str:
    service, generator = observed.cores
    count = os.cpu_count() or 1
    if not service:
        return f"service and generator run on any of {count} cores"
    return f"service {_where(service)}, generator {_where(generator)}, of {count}"


def _where(cores: tuple[int, ...]) -> str:
    return f"on core {cores[0]}" if cores else "on any core"
