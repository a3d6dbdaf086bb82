"""The process that counts: `python -P -m agno_cli.bench._counter SOURCE NAME FILE`.

It writes a Counted as JSON to FILE: a file, because a benchmark may print.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from agno_cli.bench._children import report_problem
from agno_cli.bench._sources import find


def main(source: str, name: str, output: str) -> None:
    """Count what a benchmark leaves, and write it down."""
    benchmark = find(source, name)
    if benchmark.count is None:
        raise ValueError(f"benchmark `{name}` has nothing to count")
    Path(output).write_bytes(msgspec.json.encode(benchmark.count()))


if __name__ == "__main__":
    with report_problem():
        main(*sys.argv[1:])
