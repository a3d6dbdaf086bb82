"""The worker that pyperf drives: `python -P -m agno_cli.bench._worker --benchmark NAME …`.

A module of its own because pyperf reads `sys.argv`, prints, exits the process and runs this
same command again for each worker process. Each manager process has one benchmark, so there is
no numbering of tasks to keep in step.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from agno_cli.bench._children import report_problem
from agno_cli.bench._operations import Workbench
from agno_cli.bench._relative_worker import relative_time
from agno_cli.bench._results import Aside
from agno_cli.bench._sources import find

_FORWARDED = ("benchmark", "source", "aside")


def main(arguments: list[str]) -> None:
    """Be the manager or, with `--worker`, one of its workers."""
    import pyperf

    def forward(command: list[str], parsed: argparse.Namespace) -> None:
        for name in _FORWARDED:
            command.extend([f"--{name}", getattr(parsed, name)])

    runner = pyperf.Runner(
        program_args=("-P", "-m", "agno_cli.bench._worker"), add_cmdline_args=forward
    )
    for name in _FORWARDED:
        runner.argparser.add_argument(f"--{name}", required=True)
    parsed = runner.parse_args(arguments)
    if not parsed.worker:
        runner.bench_time_func(parsed.benchmark, _not_timed_here)
        return
    benchmark = find(parsed.source, parsed.benchmark)
    if benchmark.prepare is None:
        raise ValueError(f"benchmark `{benchmark.name}` has nothing to time")
    with Workbench(benchmark.prepare()) as bench:
        bench.verify()
        runner.bench_time_func(benchmark.name, bench.time, inner_loops=bench.per_loop)
        if not parsed.calibrate_loops:
            _note(Path(parsed.aside), bench, parsed.values, relative=not benchmark.lengthy)


def _note(path: Path, bench: Workbench, values: int, *, relative: bool) -> None:
    """Add what pyperf has no place for, as one line, to the file that all workers share."""
    cpu = tuple(bench.cpu[-values:])
    loops = relative_time(bench.time) if relative else None
    aside = Aside(cpu, None if loops is None else loops / bench.per_loop)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(aside) + b"\n")


def _not_timed_here(loops: int) -> float:
    raise AssertionError(f"the manager was asked to time {loops} loops")


if __name__ == "__main__":
    with report_problem():
        main(sys.argv[1:])
