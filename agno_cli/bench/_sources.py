"""From a source to its benchmarks, in the process that chooses and in those that measure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agno_cli.bench._registry import Benchmark, Source, select


def load_benchmarks(source: Source) -> Sequence[Benchmark]:
    """Give the benchmarks of a source.

    Raises:
        InputError: there is no such file, module or attribute, or it holds no benchmark.
        ConfigurationError: the user's code raises when it is imported.
    """
    if source.kind == "file":
        from agno_cli.bench._user_file import benchmarks_of_file

        return benchmarks_of_file(source)
    if source.kind == "agent":
        from agno_cli.bench._user_agent import benchmarks_of_agent

        return benchmarks_of_agent(source)
    from agno_cli.bench.benchmarks import BENCHMARKS

    return BENCHMARKS


def find(source: str, name: str) -> Benchmark:
    """Give one benchmark of a source that came as JSON through a command line."""
    benchmarks = load_benchmarks(msgspec.json.decode(source, type=Source))
    (benchmark,) = select(benchmarks, [name])
    return benchmark
