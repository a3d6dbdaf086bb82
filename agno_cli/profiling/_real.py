"""One real run: its model is asked and paid, its tools are called, and it is not repeated."""

from __future__ import annotations

from time import perf_counter

from agno_cli._agent import Agent
from agno_cli._messages import RunOutput
from agno_cli._tools import tool_table
from agno_cli._user_code import load
from agno_cli.profiling._messages import Profiled
from agno_cli.profiling._profile import Parts
from agno_cli.profiling._targets import Target

_FREE = ("local:", "scripted:")


class RealRun:
    """An agent on a model of its user's choice.

    Raises:
        InputError: there is no such agent.
        ConfigurationError: there is no such model, or no key for it.
    """

    noun = "run"

    def __init__(self, target: Target) -> None:
        agent = Agent()
        if target.name:
            agent = load(target.name, "TARGET", lambda value: isinstance(value, Agent))
        self._agent = agent.replace(model=target.model)
        self._agent.check()
        tools = len(tool_table(self._agent.tools))
        self.summary = f"one real run on {target.model}" + (f", {tools} tools" if tools else "")
        self._prompt, self._model = target.prompt, target.model

    def warm_up(self) -> None:
        """Run it once beforehand where that costs nothing: a local model loads its weights."""
        if self._model.startswith(_FREE):
            self._agent.run(self._prompt)

    def profiled(self) -> Profiled:
        """Run it once."""
        started = perf_counter()
        spent = profiled_part(self._agent, self._prompt).timings
        seconds = perf_counter() - started
        parts = Parts(spent.model, spent.tools, spent.framework)
        return Profiled((seconds,), seconds, 1, parts)


def profiled_part(agent: Agent, prompt: str) -> RunOutput:
    """Run; by this function's name its stacks are told from ours."""
    return agent.run(prompt)
