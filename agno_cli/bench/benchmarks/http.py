"""Providers over HTTP, against a server in a process of its own on this machine.

The server's module is imported where it is used: it loads asyncio, 40 ms for every worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from agno_cli.bench._operations import Operation, expect

Provider: TypeAlias = Literal["openai", "anthropic"]

IN_FLIGHT = 1_000
# Nobody checks it; never a real one.
_KEY = "benchmark"
_SDK_SECONDS = 600.0


def provider(name: Provider, in_flight: int) -> Operation:
    """Ask through one of our providers, as `Agent` does."""
    from agno_cli import Message, ModelRequest
    from agno_cli.bench._server import start_server

    url, stop = start_server()
    model = _model(name, url)

    async def ask(question: str) -> str:
        response = await model.acomplete(ModelRequest([Message("user", question)]))
        return str(response.message.content)

    async def close() -> None:
        await model.aclose()
        stop()

    return _flood(ask, in_flight, close)


def openai_sdk(in_flight: int = IN_FLIGHT) -> Operation:
    """Ask through the openai SDK, with its own defaults but for retries and patience.

    Its time limit of 5 s to connect is too short for it at 1,000 requests in flight.
    """
    from openai import AsyncOpenAI

    from agno_cli.bench._server import start_server

    url, stop = start_server()
    client = AsyncOpenAI(base_url=url, api_key=_KEY, max_retries=0, timeout=_SDK_SECONDS)

    async def ask(question: str) -> str | None:
        completion = await client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": question}]
        )
        return completion.choices[0].message.content

    async def close() -> None:
        await client.close()
        stop()

    return _flood(ask, in_flight, close)


def stream(name: Provider) -> Operation:
    """Read an answer that is streamed in 1,000 events, as fast as they can be read."""
    from agno_cli import Message, ModelRequest
    from agno_cli.bench._server import STREAMED, start_server

    url, stop = start_server()
    model = _model(name, url)

    def check(items: list[Any]) -> None:
        expect([item.text for item in items[:-1]], ["word "] * STREAMED)
        expect(items[-1].message.content, "word " * STREAMED)

    async def close() -> None:
        await model.aclose()
        stop()

    return Operation(
        statement="result = [item async for item in model.astream(request)]",
        names={"model": model, "request": ModelRequest([Message("user", "word ")])},
        check=check,
        per_statement=STREAMED,
        close=close,
    )


def _model(name: Provider, url: str) -> Any:
    from agno_cli.models.anthropic import AnthropicModel
    from agno_cli.models.openai import OpenAIModel

    kind = OpenAIModel if name == "openai" else AnthropicModel
    return kind("bench", base_url=url, api_key=_KEY)


def _flood(
    ask: Callable[[str], Awaitable[str | None]],
    in_flight: int,
    close: Callable[[], Awaitable[None]],
) -> Operation:
    """Ask `in_flight` questions at once; each must come back with its own answer."""
    import asyncio

    from agno_cli.bench._server import allow_connections

    allow_connections(in_flight)
    questions = [f"question {number}" for number in range(in_flight)]

    def check(answers: list[Any]) -> None:
        expect(answers, questions)

    return Operation(
        statement="result = await gather(*[ask(question) for question in questions])",
        names={"gather": asyncio.gather, "ask": ask, "questions": questions},
        check=check,
        per_statement=in_flight,
        close=close,
    )
