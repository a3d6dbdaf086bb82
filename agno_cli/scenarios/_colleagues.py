"""Agents whose messages can be checked: each carries a value made of all that it has heard."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from agno_cli import (
    Agent,
    Limits,
    Memory,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    ScriptedModel,
    Usage,
)
from agno_cli._errors import ModelError
from agno_cli._user_code import load
from agno_cli.scenarios._definition import AgentTable, Failure, ModelTable
from agno_cli.scenarios._quantities import quantiles
from agno_cli.scenarios._topology import value_of

_VALUES = re.compile(r"#\d+=(\d+);")
_FOR_EVER = 3_600.0
_SEED = 1


def read_value(text: str, agent: int) -> int | None:
    """Give the value in an agent's message, None where there is none."""
    found = re.search(rf"#{agent}=(\d+);", text)
    return int(found[1]) if found else None


def delays_of(model: ModelTable, agents: int) -> list[float]:
    """Give how long each agent's model takes: as the latency is distributed, in random order."""
    delays = quantiles(model.latency, agents)
    random.Random(_SEED).shuffle(delays)  # noqa: S311 - nothing is secret
    return delays


def make_colleagues(
    agent: AgentTable,
    model: ModelTable,
    delays: Sequence[float],
    failure: Failure,
    victim: int,
    timeout: float,
) -> list[Agent]:
    """Make an agent for each delay, of which the victim fails as it is told to.

    Raises:
        InputError: there is no such agent.
        ConfigurationError: the user's code raises, or the agent cannot work.
    """
    make = _maker(agent)
    made = []
    for number, delay in enumerate(delays):
        failing = failure if number == victim else "none"
        scripted = model.name or _script(number, model.answer, delay, failing)
        made.append(make(number, scripted))
        if failing == "hang":
            made[-1] = made[-1].replace(limits=Limits(seconds=timeout))
        made[-1].check()
    return made


def _maker(agent: AgentTable) -> Callable[[int, Model | str], Agent]:
    if not agent.reference:
        return lambda number, model: Agent(
            model,
            name=f"agent-{number}",
            instructions=agent.instructions,
            memory=Memory() if agent.memory else None,
        )
    given: Agent = load(agent.reference, "--agent", lambda value: isinstance(value, Agent))

    def make(number: int, model: Model | str) -> Agent:
        # An output type would have no room for what is checked; a memory is each one's own.
        memory = None if given.memory is None else Memory()
        return given.replace(name=f"agent-{number}", model=model, output_type=None, memory=memory)

    return make


def _script(number: int, answer: str, delay: float, failure: Failure) -> Model:
    if failure == "fail":
        return ScriptedModel([ModelError("it fails, as it was told to", provider="scripted")])

    start, end, usage, values = f"#{number}=", f"; {answer}", Usage(1, 1), _VALUES.findall

    def respond(request: ModelRequest) -> ModelResponse:
        # With as few steps as can be: what this takes is taken for the framework's.
        value = value_of(number, map(int, values(request.messages[-1].content)))
        message = Message("assistant", f"{start}{value}{end}")
        return ModelResponse(message, usage, "stop", "scripted")

    return ScriptedModel(respond, delay=_FOR_EVER if failure in {"hang", "cancel"} else delay)
