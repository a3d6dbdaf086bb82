"""What a scenario file holds. Figures are texts with units there, and plain numbers here.

A file has a `workload`, tables that all its runs share, and one `[[run]]` for each time it is
run with something changed; without any, it is run once. See the files that come with this
package for examples.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from agno_cli.scenarios._quantities import (
    NO_LATENCY,
    Latency,
    read_latency,
    read_quantity,
)
from agno_cli.scenarios._thresholds import Threshold, parse_thresholds

Workload: TypeAlias = Literal["api", "batch", "multi-agent"]
Arrival: TypeAlias = Literal["constant", "poisson", "ramp", "closed"]
Topology: TypeAlias = Literal["chain", "fan-out", "tree", "all-to-all"]
Through: TypeAlias = Literal["tasks", "team"]
Failure: TypeAlias = Literal["none", "fail", "hang", "cancel"]
Engine: TypeAlias = Literal["one", "processes", "ray"]

MOST_WORKERS = 1_024


def _seconds(place: str, value: object) -> float:
    return read_quantity(place, value, "time")


def _per_second(place: str, value: object) -> float:
    return read_quantity(place, value, "rate")


Seconds = Annotated[float, Meta(extra={"read": _seconds})]
Rate = Annotated[float, Meta(extra={"read": _per_second})]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class AgentTable(Struct, frozen=True, kw_only=True):
    """The agent that is made.

    Attributes:
        reference: `module:attribute` or `file.py:attribute` of one of the user's; its model is
            replaced unless one is named. The other fields are not used then, but `prompt`.
        tools: how many tools it has; they are not called.
        memory: whether each has a memory of its own.
        prompt: what each run says.
    """

    reference: str = ""
    instructions: str = "Answer in one sentence."
    tools: Annotated[int, Meta(ge=0, le=100)] = 0
    memory: bool = False
    prompt: Annotated[str, Meta(pattern=r"\S")] = "What is the capital of France?"


class ModelTable(Struct, frozen=True, kw_only=True):
    """What answers.

    Attributes:
        name: of a real model, as in `openai:gpt-5-mini`; empty for a scripted one.
        answer: what the scripted one says.
        latency: how long that takes.
    """

    name: str = ""
    answer: str = "The capital of France is Paris."
    latency: Annotated[Latency, Meta(extra={"read": read_latency})] = NO_LATENCY


class Load(Struct, frozen=True, kw_only=True):
    """How requests arrive.

    Attributes:
        arrival: at even distances, at random ones (`poisson`), ever faster (`ramp`, from
            `rate_from`), or each as soon as one before it is answered (`closed`).
        rate: requests a second; not for `closed`.
        duration: seconds that are measured, after `warmup`, which is not.
        connections: opened before the first request; for `closed`, how many ask at once.
        max_in_flight: most connections; requests beyond wait in a queue.
        timeout: seconds until a request has failed.
        seed: of what is random.
        expect: what an answer of another's service must hold.
    """

    arrival: Arrival = "constant"
    rate: Rate = 1_000.0
    rate_from: Rate = 1.0
    duration: Seconds = 10.0
    warmup: Seconds = 1.0
    connections: Annotated[int, Meta(ge=1, le=20_000)] = 64
    max_in_flight: Annotated[int, Meta(ge=1, le=20_000)] = 10_000
    timeout: Seconds = 10.0
    seed: int = 1
    expect: str = ""


class Shared(Struct, frozen=True, kw_only=True):
    """What all runs have, whatever their workload.

    Attributes:
        name: tells the runs of a scenario apart.
        stated: figures from elsewhere to be shown beside, by metric, as they were stated.
    """

    name: str = ""
    agent: AgentTable = AgentTable()
    model: ModelTable = ModelTable()
    thresholds: Annotated[tuple[Threshold, ...], Meta(extra={"read": parse_thresholds})] = ()
    stated: dict[str, str] = {}


class ApiRun(Shared, frozen=True, kw_only=True, tag_field="workload", tag="api"):
    """A service that makes an agent for each request."""

    load: Load = Load()


class Crewed(Shared, frozen=True, kw_only=True):
    """What is carried out by workers.

    Attributes:
        engine: one process, many on this machine, or Ray's, on many machines.
        workers: how many, of `processes` and `ray`; 0 for one a processor.
        address: of a Ray cluster; empty for one of our own, on this machine.
    """

    engine: Engine = "one"
    workers: Annotated[int, Meta(ge=0, le=MOST_WORKERS)] = 0
    address: str = ""


class BatchRun(Crewed, frozen=True, kw_only=True, tag_field="workload", tag="batch"):
    """Many agents created at once.

    Attributes:
        agents: how many.
        repeats: fresh processes, each of which makes a cold batch and then warm ones.
        warm: batches after the cold one, in each process.
        collector: whether Python's garbage collector looks at the agents while they are made, as
            it does unless it is turned off.
        sizes: other numbers of agents, whose memory is compared.
    """

    agents: Count = 1_000
    repeats: Annotated[int, Meta(ge=1, le=100)] = 5
    warm: Annotated[int, Meta(ge=0, le=1_000)] = 20
    collector: bool = True
    sizes: tuple[Count, ...] = ()


class MultiAgentRun(Crewed, frozen=True, kw_only=True, tag_field="workload", tag="multi-agent"):
    """Agents that work together.

    Attributes:
        agents: how many.
        topology: who hands over to whom.
        through: what carries them out: a task for each agent, or a Team of the same shape.
        rounds: of `all-to-all`, in each of which every agent speaks once.
        fanout: of `tree`, how many children each has.
        failure: what happens to one of them, which is half way.
        timeout: seconds until an agent that hangs is given up.
        repeats: how often it is done.
    """

    agents: Annotated[int, Meta(ge=2, le=10_000)] = 100
    topology: Topology = "fan-out"
    through: Through = "tasks"
    rounds: Annotated[int, Meta(ge=1, le=100)] = 2
    fanout: Annotated[int, Meta(ge=2, le=100)] = 3
    failure: Failure = "none"
    timeout: Seconds = 0.5
    repeats: Annotated[int, Meta(ge=1, le=1_000)] = 20


Run: TypeAlias = ApiRun | BatchRun | MultiAgentRun
RUNS: dict[Workload, type[Run]] = {"api": ApiRun, "batch": BatchRun, "multi-agent": MultiAgentRun}


class Scenario(Struct, frozen=True, kw_only=True):
    """A scenario: what is run, and how often."""

    name: str
    summary: str
    workload: Workload
    runs: tuple[Run, ...]
