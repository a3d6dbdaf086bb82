"""The benchmarks: one entry each, in the order of the tables."""

from __future__ import annotations

from functools import partial

from agno_cli.bench._counting import count_memory
from agno_cli.bench._registry import Benchmark
from agno_cli.bench.benchmarks import agents, endurance, http, startup

BENCHMARKS = (
    Benchmark(
        name="create",
        summary="an agent with a name, a model and instructions",
        operation="agent",
        prepare=agents.create,
        count=partial(count_memory, agents.create),
        default=True,
    ),
    Benchmark(
        name="create_tools",
        summary="the same with a toolkit of two tools",
        operation="agent",
        prepare=agents.create_tools,
        count=partial(count_memory, agents.create_tools),
        default=True,
    ),
    Benchmark(
        name="create_memory",
        summary="the same with a fresh memory of its own",
        operation="agent",
        prepare=agents.create_memory,
        count=partial(count_memory, agents.create_memory),
        default=True,
    ),
    Benchmark(
        name="run",
        summary="a run on the scripted model, all fields of RunOutput filled",
        operation="run",
        prepare=agents.run,
        count=partial(count_memory, agents.run),
        default=True,
    ),
    Benchmark(
        name="run_tool",
        summary="a run with one tool call, its arguments validated",
        operation="run",
        prepare=agents.run_tool,
        count=partial(count_memory, agents.run_tool),
        default=True,
    ),
    Benchmark(
        name="arun",
        summary="an awaited run",
        operation="run",
        prepare=agents.arun,
        count=partial(count_memory, agents.arun),
        default=True,
    ),
    Benchmark(
        name="stream",
        summary="a streamed run, all of its events consumed",
        operation="run",
        prepare=agents.stream,
        count=partial(count_memory, agents.stream),
        default=True,
    ),
    Benchmark(
        name="memory_append",
        summary="a turn committed to a memory that is at its bound",
        operation="turn",
        prepare=agents.memory_append,
        count=partial(count_memory, agents.memory_append),
        default=True,
    ),
    Benchmark(
        name="gather",
        summary="10,000 concurrent runs of one agent, each answer checked to be its own",
        operation="run",
        prepare=agents.gather,
    ),
    Benchmark(
        name="http_openai",
        summary="the openai provider, 1,000 requests in flight on a local server",
        operation="request",
        prepare=http.openai_provider,
        lengthy=True,
    ),
    Benchmark(
        name="http_openai_sdk",
        summary="the openai SDK on the same server, the same requests",
        operation="request",
        prepare=http.openai_sdk,
        lengthy=True,
    ),
    Benchmark(
        name="import",
        summary="a process that imports agno_cli",
        operation="process",
        prepare=startup.import_package,
        count=startup.count_import,
    ),
    Benchmark(
        name="help",
        summary="a process that prints `agno --help`",
        operation="process",
        prepare=startup.show_help,
        count=startup.count_help,
    ),
    Benchmark(
        name="help_typer",
        summary="a process that prints the help of an empty four-command Typer app",
        operation="process",
        prepare=startup.show_typer_help,
    ),
    Benchmark(
        name="soak",
        summary="100,000 runs of one agent with a tool and a bounded memory",
        operation="100,000 runs",
        count=endurance.soak,
    ),
)
