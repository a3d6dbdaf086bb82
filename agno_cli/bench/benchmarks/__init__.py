"""The benchmarks: one entry each, in the order of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from agno_cli.bench._counting import count_memory
from agno_cli.bench._operations import Operation
from agno_cli.bench._registry import Benchmark
from agno_cli.bench._scaling import Kind, Work, scaling_name, worker_counts
from agno_cli.bench.benchmarks import (
    agents,
    endurance,
    http,
    memory,
    observed,
    parallel,
    production,
    startup,
    teams,
    tools,
    workflows,
)


def _counted(
    name: str,
    summary: str,
    prepare: Callable[[], Operation],
    *,
    operation: str = "run",
    default: bool = False,
) -> Benchmark:
    """Make a benchmark whose memory is counted too."""
    return Benchmark(
        name=name,
        summary=summary,
        operation=operation,
        prepare=prepare,
        count=partial(count_memory, prepare),
        default=default,
    )


def _timed(
    name: str,
    summary: str,
    prepare: Callable[[], Operation],
    *,
    operation: str = "run",
    lengthy: bool = False,
) -> Benchmark:
    """Make a benchmark that is only timed."""
    return Benchmark(
        name=name, summary=summary, operation=operation, prepare=prepare, lengthy=lengthy
    )


def _agents() -> Iterator[Benchmark]:
    yield _counted(
        "create",
        "an agent with a name, a model and instructions",
        agents.create,
        operation="agent",
        default=True,
    )
    yield _counted(
        "create_tools",
        "the same with a toolkit of two tools",
        agents.create_tools,
        operation="agent",
        default=True,
    )
    yield _counted(
        "create_memory",
        "the same with a fresh memory of its own",
        agents.create_memory,
        operation="agent",
        default=True,
    )
    yield _counted("first_run", "an agent created, and its first run", agents.first_run)
    yield _counted(
        "run",
        "a run on the scripted model, all fields of RunOutput filled",
        agents.run,
        default=True,
    )
    yield _counted(
        "run_tool",
        "a run with one tool call, its arguments validated",
        agents.run_tool,
        default=True,
    )
    yield _counted("run_tools_10", "a run with ten tool calls in one turn", agents.run_tools)
    yield _counted("run_output", "a run whose answer is decoded to a type", agents.run_output)
    yield _counted("arun", "an awaited run", agents.arun, default=True)
    yield _counted(
        "stream", "a streamed run, all of its events consumed", agents.stream, default=True
    )
    yield _timed(
        "gather",
        "10,000 concurrent runs of one agent, each answer checked to be its own",
        agents.gather,
    )


def _memory() -> Iterator[Benchmark]:
    yield _counted(
        "memory_append",
        "a turn committed to a memory that is at its bound",
        memory.append,
        operation="turn",
        default=True,
    )
    for messages in (100, 10_000):
        yield _timed(
            f"memory_load_{messages}",
            f"a conversation of {messages:,} messages, loaded",
            partial(memory.load, messages),
            operation="load",
        )
    yield _timed(
        "session_commit",
        "a turn committed to a session in SQLite: in its file, not forced to the disk",
        memory.commit_session,
        operation="turn",
    )


def _tools() -> Iterator[Benchmark]:
    yield _timed(
        "tool_schema",
        "a tool made from a signature of three parameters and its docstring",
        tools.schema,
        operation="tool",
    )
    yield _counted(
        "tool_decode", "the arguments of a call decoded and validated", tools.decode,
        operation="call",
    )  # fmt: skip
    yield _counted(
        "tool_call", "a call, from the model's JSON to the result it reads", tools.call,
        operation="call",
    )  # fmt: skip
    yield _timed("tools_slow", "a run with ten parallel tools of 10 ms, in threads", tools.slow)
    yield _timed("tools_slow_async", "the same awaited, with asynchronous tools", tools.slow_async)


def _observed() -> Iterator[Benchmark]:
    yield _counted(
        "run_hooks", "the run with a hook before and one after that do nothing", observed.run_hooks
    )
    yield _counted("run_metrics", "the run observed by Prometheus metrics", observed.run_metrics)
    yield _timed(
        "run_guarded",
        "the run with secrets and personal data redacted at all places",
        observed.run_guarded,
    )
    yield _counted(
        "pool_take",
        "an agent taken from a pool of four and given back, its memory cleared",
        observed.pool_take,
        operation="take",
    )


def _parallel() -> Iterator[Benchmark]:
    works: tuple[Work, ...] = ("create", "run")
    kinds: tuple[Kind, ...] = ("threads", "processes")
    for work in works:
        for kind in kinds:
            for workers in worker_counts():
                noun = kind.removesuffix("es" if kind == "processes" else "s")
                by = f"one {noun}" if workers == 1 else f"{workers} {kind}"
                done = "agents created" if work == "create" else "runs"
                yield _timed(
                    scaling_name(work, kind, workers),
                    f"{done} by {by}, all of them together",
                    partial(parallel.parallel, work, kind, workers),
                    operation="agent" if work == "create" else "run",
                )


def _production() -> Iterator[Benchmark]:
    yield _timed(
        "model_call", "the scripted model asked, by itself", production.model_call,
        operation="call",
    )  # fmt: skip
    yield _counted(
        "cache_hit",
        "an answer found in a CachedModel: key made, answer looked up",
        production.cache_hit,
        operation="call",
    )
    yield _timed(
        "cache_hit_sqlite",
        "the same with the answers in a SQLite file",
        production.cache_hit_sqlite,
        operation="call",
    )
    yield _counted(
        "limiter_pass",
        "a call through a ConcurrencyLimit with a free place",
        production.limiter,
        operation="call",
    )
    yield _timed(
        "rate_pass",
        "a call through a RateLimit of requests and tokens with room",
        production.rate_limit,
        operation="call",
    )
    yield _timed("retry_pass", "a call through a RetryPolicy", production.retry, operation="call")
    yield _timed(
        "fallback_pass", "a call through a FallbackModel", production.fallback, operation="call"
    )


def _http() -> Iterator[Benchmark]:
    providers: tuple[http.Provider, ...] = ("openai", "anthropic")
    for name in providers:
        for in_flight in (1, 100, 1_000):
            yield _timed(
                f"http_{name}_{in_flight}",
                f"the {name} provider, {in_flight:,} in flight on a local server",
                partial(http.provider, name, in_flight),
                operation="request",
            )
        yield _timed(
            f"http_{name}_stream",
            f"the {name} provider, an answer of 1,000 events",
            partial(http.stream, name),
            operation="event",
        )
    yield _timed(
        "http_openai_sdk",
        "the openai SDK on the same server, 1,000 in flight",
        http.openai_sdk,
        operation="request",
        lengthy=True,
    )


def _startup() -> Iterator[Benchmark]:
    yield Benchmark(
        name="import",
        summary="a process that imports agno_cli",
        operation="process",
        prepare=startup.import_package,
        count=startup.count_import,
    )
    yield Benchmark(
        name="help",
        summary="a process that prints `agno --help`",
        operation="process",
        prepare=startup.show_help,
        count=startup.count_help,
    )
    yield Benchmark(
        name="help_typer",
        summary="a process that prints the help of an empty four-command Typer app",
        operation="process",
        prepare=startup.show_typer_help,
        count=startup.count_typer_help,
    )
    yield Benchmark(
        name="run_process",
        summary="a process that answers by `agno run` on a scripted model",
        operation="process",
        prepare=startup.run_prompt,
        count=startup.count_run,
    )


def _teams() -> Iterator[Benchmark]:
    yield _timed("team", "a team of three, one after another", partial(teams.three, "sequential"))
    yield _timed("team_parallel", "a team of three, all at once", partial(teams.three, "parallel"))
    yield _timed("team_leader", "a team of three and a leader who plans and writes", teams.leader)
    yield _timed("team_consensus", "a team of three that answers and votes", teams.consensus)
    yield _timed("team_route", "a team of three of which a function chooses one", teams.route)
    yield _timed("team_100_async", "an awaited team of 100, all at once", teams.hundred)
    yield _timed(
        "team_100_waiting",
        "a team of 100 whose members each wait 10 ms, in threads",
        teams.hundred_waiting,
    )
    yield _timed(
        "team_100_waiting_async",
        "the same awaited, in tasks",
        teams.hundred_waiting_async,
    )


def _workflows() -> Iterator[Benchmark]:
    yield _timed("workflow", "a workflow of three agents", workflows.agents)
    yield _timed("workflow_functions", "a workflow of three functions", workflows.functions)
    yield _timed(
        "workflow_nodes",
        "a workflow of eight functions, with each kind of node once",
        workflows.nodes,
    )
    yield _timed(
        "checkpoint_memory",
        "a step of a workflow and its checkpoint, in this process",
        workflows.checkpoints_in_memory,
        operation="step",
    )
    yield _timed(
        "checkpoint_sqlite",
        "a step of a workflow and its checkpoint, in a SQLite file",
        workflows.checkpoints_in_sqlite,
        operation="step",
    )


BENCHMARKS = (
    *_agents(),
    *_memory(),
    *_tools(),
    *_production(),
    *_observed(),
    *_teams(),
    *_workflows(),
    *_parallel(),
    *_http(),
    *_startup(),
    Benchmark(
        name="soak",
        summary="100,000 runs of one agent with a tool and a bounded memory",
        operation="100,000 runs",
        count=endurance.soak,
    ),
)
