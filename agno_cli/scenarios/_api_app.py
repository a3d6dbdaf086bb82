"""What the API service does for one request, with and without HTTP around it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import cycle
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli import Agent, Memory, Model, ScriptedModel, Tool, tool
from agno_cli._user_code import load
from agno_cli.scenarios._definition import AgentTable, ModelTable
from agno_cli.scenarios._quantities import quantiles

# As many models as a distribution has steps; more would be more exact than three digits are.
_MODELS = 1024


class Question(Struct):
    """The body of a request."""

    prompt: str


class Reply(Struct):
    """The body of an answer; `model_seconds` is what the model took, by itself."""

    run_id: str
    content: str
    model_seconds: float


class Costs(Struct):
    """Seconds spent in the handler, summed, and how many requests that was for.

    `problem` is what the first one that failed raised.
    """

    requests: int = 0
    problem: str = ""
    json: float = 0.0
    create: float = 0.0
    run: float = 0.0


def make_agents(agent: AgentTable, model: ModelTable, seed: int) -> Callable[[], Agent]:
    """Give the function that makes an agent for a request.

    Each gets a scripted model whose delay is one of 1,024 that lie as the latency's distribution
    does, in a random order: so every request's own delay is known, and drawing it costs nothing.

    Raises:
        InputError: there is no such agent.
        ConfigurationError: the user's code raises, or the model or agent cannot work.
    """
    models = _models(model, seed)
    if agent.reference:
        given = load(agent.reference, "--agent", lambda value: isinstance(value, Agent))
        if not model.name and given.output_type is not None:
            from agno_cli.bench._user_agent import _answer

            models = _models(msgspec.structs.replace(model, answer=_answer(given)), seed)
        given.replace(model=next(models)).check()
        return lambda: given.replace(model=next(models))
    tools = tuple(_tools(agent.tools))
    instructions, memory = agent.instructions, Memory if agent.memory else None

    def make() -> Agent:
        return Agent(
            next(models),
            name="api",
            instructions=instructions,
            tools=tools,
            memory=memory and memory(),
        )

    make().check()
    return make


def _models(model: ModelTable, seed: int) -> Iterator[Model | str]:
    if model.name:
        return cycle([model.name])
    delays = quantiles(model.latency, 1 if model.latency.shape == "constant" else _MODELS)
    random.Random(seed).shuffle(delays)  # noqa: S311 - nothing is secret
    return cycle(
        [ScriptedModel([model.answer], delay=delay, native_schema=True) for delay in delays]
    )


def _tools(count: int) -> Iterator[Tool]:
    for number in range(count):

        def look_up(key: str) -> str:
            """Look something up."""
            return key

        yield tool(name=f"look_up_{number}")(look_up)


async def answer(body: bytes, make: Callable[[], Agent], costs: Costs) -> bytes:
    """Do what the service is there for: decode, make an agent, run it, encode."""
    began = perf_counter()
    prompt = _decode(body).prompt
    decoded = perf_counter()
    agent = make()
    made = perf_counter()
    output = await agent.arun(prompt)
    ran = perf_counter()
    delay = getattr(agent.model, "delay", output.model_seconds)
    reply = _encode(Reply(output.run_id, output.content, delay))
    ended = perf_counter()
    costs.requests += 1
    costs.json += decoded - began + ended - ran
    costs.create += made - decoded
    costs.run += ran - made if not delay else output.total_seconds - output.model_seconds
    return reply


_decode = msgspec.json.Decoder(Question).decode
_encode = msgspec.json.Encoder().encode
