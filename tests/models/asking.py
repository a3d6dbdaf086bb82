"""Ask a model in each of the four ways, and hand it a server that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from agno_cli import AgnoError, Message, Model, ModelError, ModelRequest, ModelResponse
from agno_cli.models._retry import Patience
from agno_cli.models.anthropic import AnthropicModel
from agno_cli.models.openai import OpenAIModel
from tests.models.fault_server import (
    FaultServer,
    Reply,
    answer,
    completion,
    delta,
    events,
    usage_chunk,
)

KEY = "sk-very-secret-key"
# Fast, so that nothing but the faults themselves takes time.
QUICK = Patience(connect_seconds=2, silence_seconds=0.3, retries=2, backoff_seconds=0.01)

Ask: TypeAlias = Callable[[Model, ModelRequest], ModelResponse]


def by_complete(model: Model, request: ModelRequest) -> ModelResponse:
    return model.complete(request)


def by_acomplete(model: Model, request: ModelRequest) -> ModelResponse:
    return asyncio.run(model.acomplete(request))


def by_stream(model: Model, request: ModelRequest) -> ModelResponse:
    *_, last = model.stream(request)
    assert isinstance(last, ModelResponse)
    return last


def by_astream(model: Model, request: ModelRequest) -> ModelResponse:
    async def collect() -> list[Any]:
        return [item async for item in model.astream(request)]

    last = asyncio.run(collect())[-1]
    assert isinstance(last, ModelResponse)
    return last


every_way = pytest.mark.parametrize("ask", [by_complete, by_acomplete, by_stream, by_astream])
whole = pytest.mark.parametrize("ask", [by_complete, by_acomplete])
streamed = pytest.mark.parametrize("ask", [by_stream, by_astream])


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def openai_at(server: FaultServer, **given: Any) -> OpenAIModel:
    given = {"api_key": KEY, "patience": QUICK, **given}
    return OpenAIModel("m", base_url=f"{server.url}/v1", **given)


def anthropic_at(server: FaultServer, **given: Any) -> AnthropicModel:
    given = {"api_key": KEY, "patience": QUICK, **given}
    return AnthropicModel("m", base_url=server.url, **given)


def question(text: str = "hi", **fields: Any) -> ModelRequest:
    return ModelRequest([Message("user", text)], **fields)


GOOD_STREAM = events(delta(content="Paris."), delta("stop"), usage_chunk())
GOOD_WHOLE = answer(completion("Paris."))


def good(ask: Ask) -> Reply:
    return GOOD_WHOLE if ask in (by_complete, by_acomplete) else GOOD_STREAM


def failure(ask: Ask, model: Any, **fields: Any) -> AgnoError:
    with pytest.raises(AgnoError) as caught:
        ask(model, question(**fields))
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__cause__)
    return caught.value


def facts(error: AgnoError) -> tuple[str, int | None, str | None, bool]:
    assert isinstance(error, ModelError)
    return error.provider, error.status, error.request_id, error.retryable
