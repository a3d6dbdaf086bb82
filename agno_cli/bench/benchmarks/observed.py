"""What looking on costs: hooks, metrics and guardrails around a run, and a pool around agents.

`run` is what they are to be compared with: the same agent without any of them.
"""

from __future__ import annotations

from collections.abc import Callable

from agno_cli import Agent, AgentPool, Hooks, Memory, RunContext, RunOutput, ScriptedModel
from agno_cli.bench._operations import Operation, expect
from agno_cli.bench.benchmarks.agents import ANSWER, PROMPT, UNROLLED, check_answer


def run_hooks() -> Operation:
    """Run an agent with a hook before and one after, which do nothing."""

    def before(_: RunContext, __: str) -> None:
        """Leave the prompt as it is."""

    def after(_: RunContext, __: RunOutput) -> None:
        """Leave the answer as it is."""

    return _run(Hooks(before_run=(before,), after_run=(after,)))


def run_metrics() -> Operation:
    """Run an agent that Prometheus metrics observe, and see it counted."""
    from agno_cli.metrics import Metrics

    metrics = Metrics()
    agent = metrics.observe(_agent())

    def check(output: RunOutput) -> None:
        check_answer(output)
        labels = {"agent": "bench", "status": "completed"}
        runs = metrics.registry.get_sample_value("agno_agent_runs_total", labels)
        expect((runs or 0) > 0, expected=True)

    return _operation(agent, check)


def run_guarded() -> Operation:
    """Run an agent with redaction of secrets and personal data at all four places."""
    from agno_cli.guardrails import guard, redact

    return _run(guard(redact()))


def pool_take() -> Operation:
    """Take an agent from a pool and give it back."""
    pool = AgentPool(lambda: _agent().replace(memory=Memory()), size=4)

    def check(agent: Agent) -> None:
        check_answer(agent.run(PROMPT))
        with pool.take() as taken:
            pass  # given back, it forgets
        expect((taken is agent, repr(taken.memory)), (True, repr(Memory())))

    return Operation(
        statement="with take() as result: pass",
        names={"take": pool.take},
        check=check,
        unrolled=UNROLLED,
    )


def _agent() -> Agent:
    return Agent(ScriptedModel([ANSWER]), name="bench", instructions="Be brief.")


def _run(hooks: Hooks) -> Operation:
    return _operation(_agent().replace(hooks=hooks), check_answer)


def _operation(agent: Agent, check: Callable[[RunOutput], None]) -> Operation:
    return Operation(
        statement="result = agent.run(prompt)",
        names={"agent": agent, "prompt": PROMPT},
        check=check,
        unrolled=UNROLLED,
    )
