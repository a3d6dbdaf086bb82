"""Providers over HTTP, against a server in a process of its own on this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from agno_cli.bench._operations import Operation, expect
from agno_cli.bench._server import allow_connections, start_server

IN_FLIGHT = 1_000
# Nobody checks it; never a real one.
_KEY = "benchmark"
_SDK_SECONDS = 600.0


def openai_provider(in_flight: int = IN_FLIGHT) -> Operation:
    """Ask through our openai provider, as `Agent` does."""
    from agno_cli import Message, ModelRequest
    from agno_cli.models.openai import OpenAIModel

    url, stop = start_server()
    model = OpenAIModel("bench", base_url=url, api_key=_KEY)

    async def ask(question: str) -> str:
        response = await model.acomplete(ModelRequest([Message("user", question)]))
        return response.message.content

    async def close() -> None:
        await model.aclose()
        stop()

    return _flood(ask, in_flight, close)


def openai_sdk(in_flight: int = IN_FLIGHT) -> Operation:
    """Ask through the openai SDK, with its own defaults but for retries and patience.

    Its time limit of 5 s to connect is too short for it at 1,000 requests in flight.
    """
    from openai import AsyncOpenAI

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


def _flood(
    ask: Callable[[str], Awaitable[str | None]],
    in_flight: int,
    close: Callable[[], Awaitable[None]],
) -> Operation:
    """Ask `in_flight` questions at once; each must come back with its own answer."""
    import asyncio

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
