"""A worker in a process of its own: `python -P -m agno_cli.scenarios._worker`.

It says on stdout that it is ready, then answers each line of stdin, a job, with another line.
When stdin ends, so does it: it cannot outlive its parent by more than a job.
"""

from __future__ import annotations

import sys

from agno_cli.bench._children import report_problem
from agno_cli.scenarios._process import take_stdout
from agno_cli.scenarios._work import greet, perform


def main() -> None:
    """Do the jobs that come."""
    with report_problem():
        say = take_stdout()
        say(greet())
        for line in sys.stdin.buffer:
            say(perform(line))


if __name__ == "__main__":
    main()
