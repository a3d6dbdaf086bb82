"""Both providers against llama.cpp's own HTTP server with a real model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec import Struct

from agno_cli import (
    Agent,
    Limits,
    ModelError,
    ModelRequest,
    ModelResponse,
    OutputInvalid,
    RunFinished,
    TextDelta,
)
from agno_cli.models._http import HTTPModel
from agno_cli.models.anthropic import AnthropicModel
from agno_cli.models.openai import OpenAIModel
from tests.models.asking import Ask, every_way, question, streamed

pytestmark = pytest.mark.local

OPTIONS: dict[str, Any] = {"max_tokens": 24, "temperature": 0}


@pytest.fixture(params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, llama_server: str) -> HTTPModel:
    if request.param == "openai":
        return OpenAIModel("smollm2", provider="llamacpp", base_url=f"{llama_server}/v1")
    return AnthropicModel("smollm2", base_url=llama_server)


def asked(text: str = "What is the capital of France? Answer in one sentence.") -> ModelRequest:
    return question(text, options=OPTIONS, system="You are a helpful assistant.")


@every_way
def test_a_real_answer(model: HTTPModel, ask: Ask) -> None:
    response = ask(model, asked())
    assert "Paris" in response.message.content
    assert response.finish_reason == "stop"
    assert response.usage.input_tokens > 10
    assert 1 < response.usage.output_tokens <= 24
    assert response.model


def test_a_real_stream_comes_in_pieces(model: HTTPModel) -> None:
    *pieces, response = model.stream(asked())
    assert isinstance(response, ModelResponse)
    texts = [piece.text for piece in pieces if isinstance(piece, TextDelta)]
    assert len(texts) > 3
    assert "".join(texts) == response.message.content


class City(Struct):
    name: str
    country: str


@streamed
def test_a_real_answer_is_bounded(model: HTTPModel, ask: Ask) -> None:
    request = question("Count to one hundred.", options={"max_tokens": 3})
    assert ask(model, request).finish_reason == "length"


def test_structured_output(llama_server: str) -> None:
    model = OpenAIModel("smollm2", provider="llamacpp", base_url=f"{llama_server}/v1")
    agent = Agent(model, output_type=City, options={"max_tokens": 60, "temperature": 0})
    city = agent.run("The capital of France, as JSON.").data
    assert isinstance(city, City)
    *_, finished = agent.stream("The capital of France, as JSON.")
    assert isinstance(finished, RunFinished)
    assert isinstance(finished.output.data, City)


def test_structured_output_where_the_server_takes_no_notice_of_the_schema(
    llama_server: str,
) -> None:
    """llama.cpp's Messages API knows no output format, and this model is too small for words."""
    model = AnthropicModel("smollm2", base_url=llama_server)
    agent = Agent(model, output_type=City, options={"max_tokens": 40, "temperature": 0})
    with suppress(OutputInvalid):
        assert isinstance(agent.run("The capital of France, as JSON.").data, City)


async def test_a_real_conversation(model: HTTPModel) -> None:
    agent = Agent(model, options=OPTIONS, limits=Limits(seconds=60))
    output = await agent.arun("What is the capital of France? Answer in one sentence.")
    assert "Paris" in output.content
    assert output.usage.requests == 1


def test_a_real_error(model: HTTPModel) -> None:
    with pytest.raises(ModelError) as caught:
        model.complete(question("hi " * 20_000))
    assert caught.value.status == 400
    assert not caught.value.retryable
