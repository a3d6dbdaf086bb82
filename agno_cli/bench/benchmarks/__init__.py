"""The benchmarks: one entry each, in the order of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from agno_cli.bench._counting import count_memory
from agno_cli.bench._operations import Operation
from agno_cli.bench._registry import Benchmark
from agno_cli.bench._scaling import Kind, Work, scaling_name, worker_counts
from agno_cli.bench.benchmarks import agents, endurance, http, memory, parallel, startup, tools


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
        "a turn committed to a session in SQLite, on disk",
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


BENCHMARKS = (
    *_agents(),
    *_memory(),
    *_tools(),
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
