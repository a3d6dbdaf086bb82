"""Benchmarks of a user; with SLOWER in the environment `runs` does 15 % more work."""

import os
import time

from agno_cli import Agent, ScriptedModel
from agno_cli.bench import benchmark

AGENT = Agent(ScriptedModel(["Paris."]), instructions="Be brief.")
# 23 runs in the place of 20 are 15 % more.
RUNS = 23 if "SLOWER" in os.environ else 20


@benchmark(expected="Paris.")
def runs():
    for _ in range(RUNS):
        output = AGENT.run("The capital of France?")
    return output.content


@benchmark
def sleep():
    time.sleep(0.11)


@benchmark
def long():
    time.sleep(0.51)
