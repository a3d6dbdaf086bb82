"""From a target to an operation that can be repeated, in the process that does it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from agno_cli._agent import Agent
from agno_cli._errors import InputError
from agno_cli._user_code import load
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench._registry import BUILT_IN, Benchmark, Source, select
from agno_cli.bench._sources import load_benchmarks
from agno_cli.profiling._targets import DEFAULT, Target

if TYPE_CHECKING:
    from agno_cli.scenarios._definition import BatchRun, MultiAgentRun

_OPTION = "TARGET"


class Work(Struct, frozen=True, kw_only=True):
    """Something that can be repeated.

    Args:
        noun: what one of it is called.
        summary: what it is, in a line.
        prepare: makes the operation.
        object: what its memory is counted by, where that is not what it returns.
        prepare_object: makes the operation that creates such an object.
    """

    noun: str
    summary: str
    prepare: Callable[[], Operation]
    object: str = ""
    prepare_object: Callable[[], Operation] | None = None


def find_work(target: Target) -> Work:
    """Load what a target names.

    Raises:
        InputError: there is no such module, attribute or scenario.
        ConfigurationError: the user's code raises when it is imported.
    """
    if target.kind == "benchmark":
        return _of_benchmark(target.name)
    if target.kind == "scenario":
        return _of_scenario(target.name)
    found = load(target.name, _OPTION, callable_or_agent)
    if isinstance(found, Agent):
        return _of_agent(target)
    return _of_marked(target) or _of_function(target, found)


def callable_or_agent(value: Any) -> bool:
    """Tell whether something can be profiled by its name."""
    return isinstance(value, Agent) or (callable(value) and not isinstance(value, type))


def _of_benchmark(name: str) -> Work:
    (benchmark,) = select(load_benchmarks(BUILT_IN), [name])
    if name != DEFAULT:
        return _work(benchmark)
    (created,) = select(load_benchmarks(BUILT_IN), ["create"])
    return _work(benchmark, created)


def _of_agent(target: Target) -> Work:
    source = Source("agent", target.name, target.call_tools)
    by_name = {one.name.rpartition(".")[2]: one for one in load_benchmarks(source)}
    chosen = by_name.get("run_tools") if target.call_tools else None
    return _work(chosen or by_name["run"], by_name["create"])


def _work(benchmark: Benchmark, creation: Benchmark | None = None) -> Work:
    assert benchmark.prepare is not None, "targets without one are refused"
    return Work(
        noun=benchmark.operation,
        summary=benchmark.summary,
        prepare=benchmark.prepare,
        object="" if creation is None else "agent",
        prepare_object=None if creation is None else creation.prepare,
    )


def _of_marked(target: Target) -> Work | None:
    """Find a function that the user marked as a benchmark, with its setup and its check."""
    place, _, name = target.name.rpartition(":")
    try:
        benchmarks = load_benchmarks(Source("file", place))
    except InputError:  # there are none in it
        return None
    return next((_work(one) for one in benchmarks if one.name == name), None)


def _of_function(target: Target, function: Callable[..., Any]) -> Work:
    from inspect import iscoroutinefunction, signature

    try:
        signature(function).bind()
    except TypeError:
        raise InputError(
            f"`{target.name}` takes arguments; give a function without, that calls it"
        ) from None
    except ValueError:  # it is written in C and does not say
        pass
    lines = (function.__doc__ or "").strip().splitlines()
    operation = partial(
        Operation,
        statement=f"result = {'await ' * iscoroutinefunction(function)}function()",
        names={"function": function},
        check=lambda _: None,
    )
    return Work(noun="call", summary=lines[0].rstrip(".") if lines else "", prepare=operation)


def _of_scenario(name: str) -> Work:
    """Give what a scenario's first run does, in one process and without a network."""
    from agno_cli.scenarios import load as load_scenario
    from agno_cli.scenarios._definition import BatchRun, MultiAgentRun

    scenario = load_scenario(name)
    run = scenario.runs[0]
    if run.model.name:
        raise InputError(
            f"scenario `{name}` asks {run.model.name}, again and again; profile one real run by"
            f" `--model {run.model.name}`"
        )
    if isinstance(run, BatchRun):
        return _of_batch(run, scenario.summary)
    if isinstance(run, MultiAgentRun):
        return _of_crew(run, scenario.summary)
    from agno_cli.scenarios._creation import creation

    def request() -> Operation:
        made = creation(run.agent, run.model)
        statement = f"{made.statement}.run(prompt)"
        names = {**made.names, "prompt": run.agent.prompt}
        return Operation(statement=statement, names=names, check=lambda _: None)

    return Work(noun="request", summary=f"{scenario.summary}: without HTTP", prepare=request)


def _of_batch(run: BatchRun, summary: str) -> Work:
    from itertools import repeat

    from agno_cli.scenarios._creation import creation

    def batch() -> Operation:
        made = creation(run.agent, run.model)
        expression = made.statement.removeprefix("result = ")
        return Operation(
            statement=f"result = [{expression} for _ in repeat(None, {run.agents})]",
            names={**made.names, "repeat": repeat},
            check=lambda agents: expect(len(agents), run.agents),
        )

    return Work(
        noun="batch",
        summary=summary,
        prepare=batch,
        object="agent",
        prepare_object=lambda: creation(run.agent, run.model),
    )


def _of_crew(run: MultiAgentRun, summary: str) -> Work:
    from agno_cli.scenarios._multi_agent_job import MultiAgentJob
    from agno_cli.scenarios._multi_agent_work import work_together

    job = MultiAgentJob(
        agent=run.agent,
        model=run.model,
        way="timed",
        agents=run.agents,
        topology=run.topology,
        through=run.through,
        rounds=run.rounds,
        fanout=run.fanout,
        failure=run.failure,
        timeout=run.timeout,
        repeats=1,
    )

    def crew() -> Operation:
        return Operation(
            statement="result = work_together(job)",
            names={"work_together": work_together, "job": job},
            check=lambda done: expect(done.wrong, ()),
        )

    return Work(noun="round", summary=summary, prepare=crew)
