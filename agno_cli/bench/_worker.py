"""The worker that pyperf drives: `python -P -m agno_cli.bench._worker --benchmark NAME …`.

A module of its own because pyperf reads `sys.argv`, prints, exits the process and runs this
same command again for each worker process. Each manager process has one benchmark, so there is
no numbering of tasks to keep in step.
"""

from __future__ import annotations

import argparse
import sys

from agno_cli.bench._children import report_problem
from agno_cli.bench._operations import Workbench
from agno_cli.bench._registry import select
from agno_cli.bench.benchmarks import BENCHMARKS


def main(arguments: list[str]) -> None:
    """Be the manager or, with `--worker`, one of its workers."""
    import pyperf

    def forward(command: list[str], parsed: argparse.Namespace) -> None:
        command.extend(["--benchmark", parsed.benchmark])

    runner = pyperf.Runner(
        program_args=("-P", "-m", "agno_cli.bench._worker"), add_cmdline_args=forward
    )
    runner.argparser.add_argument("--benchmark", required=True)
    parsed = runner.parse_args(arguments)
    if not parsed.worker:
        runner.bench_time_func(parsed.benchmark, _not_timed_here)
        return
    (benchmark,) = select(BENCHMARKS, [parsed.benchmark], everything=False)
    if benchmark.prepare is None:
        raise ValueError(f"benchmark `{benchmark.name}` has nothing to time")
    with Workbench(benchmark.prepare()) as bench:
        bench.verify()
        runner.bench_time_func(benchmark.name, bench.time, inner_loops=bench.per_loop)


def _not_timed_here(loops: int) -> float:
    raise AssertionError(f"the manager was asked to time {loops} loops")


if __name__ == "__main__":
    with report_problem():
        main(sys.argv[1:])
