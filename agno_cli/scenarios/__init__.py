"""Scenarios: a workload with an arrival pattern, run for real and held against thresholds."""

from agno_cli.scenarios._reading import load as load
from agno_cli.scenarios._reading import names as names
from agno_cli.scenarios._run import run as run

__all__ = ["load", "names", "run"]
