"""The same amount of work, done by more and more workers: threads of one process, or processes.

Workers are started and have done the work once before anything is timed. What is timed is from
handing out the shares until the last of them is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agno_cli import Agent, ScriptedModel
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench._scaling import Kind, Work
from agno_cli.bench.benchmarks.agents import ANSWER, PROMPT

# 20 ms of work each: handing out the shares takes a hundredth of it.
_AMOUNTS: dict[Work, int] = {"create": 200_000, "run": 20_000}

_AGENT = Agent(ScriptedModel([ANSWER]), instructions="Be brief.")


def parallel(work: Work, kind: Kind, workers: int, amount: int | None = None) -> Operation:
    """Do `amount` operations in all, shared out evenly."""
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    amount = amount or _AMOUNTS[work]
    pool: Any
    if kind == "threads":
        pool = ThreadPoolExecutor(workers)
    else:
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    shares = [amount // workers + (number < amount % workers) for number in range(workers)]
    done = [(share, ANSWER) for share in shares]
    return Operation(
        statement="result = list(map(do_share, shares))",
        names={"map": pool.map, "do_share": _WORKS[work], "shares": shares},
        check=lambda result: expect(result, done),
        per_statement=amount,
        close=pool.shutdown,
    )


def create_share(share: int) -> tuple[int, str | None]:
    """Create agents; say how many, and what the last one answers."""
    agent, model = _AGENT, ScriptedModel([ANSWER])
    number = 0
    for number in range(1, share + 1):  # noqa: B007 - counted, and told
        agent = Agent(model, name="bench", instructions="Be brief.")
    return number, agent.run(PROMPT).content


def run_share(share: int) -> tuple[int, str | None]:
    """Run one agent; say how often, and what it answered last."""
    number, content = 0, None
    for number in range(1, share + 1):  # noqa: B007 - counted, and told
        content = _AGENT.run(PROMPT).content
    return number, content


_WORKS: dict[Work, Callable[[int], tuple[int, str | None]]] = {
    "create": create_share,
    "run": run_share,
}
