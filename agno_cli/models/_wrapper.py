"""What the models that wrap another model have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, TypeVar

from agno_cli._messages import ModelResponse
from agno_cli.models._protocol import Model, ModelRequest, StreamItem
from agno_cli.models._registry import resolve_model
from agno_cli.models._waiting import Allowance, Bell, TaskBell, ThreadBell, Waits

Cost = TypeVar("Cost")


class Wrapper(Model, ABC):
    """Base of the models that have others answer; it passes for the first of them.

    Args:
        models: Models, or `provider:name`.
    """

    def __init__(self, *models: Model | str) -> None:
        self._models = tuple(map(resolve_model, models))
        self._model = first = self._models[0]
        self.provider = first.provider
        self.name = first.name
        others = (f"{model.provider}:{model.name} {model.address}" for model in self._models[1:])
        self.address = ", ".join([first.address, *others])
        self.native_schema = all(model.native_schema for model in self._models)

    def close(self) -> None:
        """Close what the wrapped models hold for synchronous requests."""
        for model in self._models:
            close = getattr(model, "close", None)
            if close is not None:
                close()

    async def aclose(self) -> None:
        """Close what the wrapped models hold in the running event loop."""
        for model in self._models:
            close = getattr(model, "aclose", None)
            if close is not None:
                await close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {', '.join(map(repr, self._models))}>"


class Gate(Wrapper, Generic[Cost]):
    """Base of the models whose requests wait for their turn."""

    _awaited = "turn"

    @abstractmethod
    def _cost(self, request: ModelRequest, /) -> Cost:
        """Tell what a request takes."""

    @abstractmethod
    def _enter(self, cost: Cost, /) -> bool:
        """Let a request pass at once, or tell that it must wait."""

    @abstractmethod
    def _queue(self, cost: Cost, bell: Bell, allowance: Allowance, /) -> Waits:
        """Yield how long to wait for the bell until the request may pass."""

    @abstractmethod
    def _leave(self, cost: Cost, response: object, /) -> None:
        """End a request that has passed; `response` is None when it failed or was stopped."""

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Wait for the request's turn, and have the model answer."""
        cost = self._cost(request)
        if not self._enter(cost):
            request = self._wait(request, cost)
        response = None
        try:
            response = self._model.complete(request)
            return response
        finally:
            self._leave(cost, response)

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Wait for the request's turn, and have the model answer; the event loop goes on."""
        cost = self._cost(request)
        if not self._enter(cost):
            request = await self._await(request, cost)
        response = None
        try:
            response = await self._model.acomplete(request)
            return response
        finally:
            self._leave(cost, response)

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Wait for the request's turn, and have the model answer in pieces."""
        cost = self._cost(request)
        if not self._enter(cost):
            request = self._wait(request, cost)
        response = None
        try:
            with opened(self._model, request) as items:
                for item in items:
                    if isinstance(item, ModelResponse):
                        response = item
                    yield item
        finally:
            self._leave(cost, response)

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Wait for the request's turn, and have the model answer in pieces."""
        cost = self._cost(request)
        if not self._enter(cost):
            request = await self._await(request, cost)
        response = None
        try:
            async with aopened(self._model, request) as items:
                async for item in items:
                    if isinstance(item, ModelResponse):
                        response = item
                    yield item
        finally:
            self._leave(cost, response)

    def _wait(self, request: ModelRequest, cost: Cost) -> ModelRequest:
        allowance, bell = Allowance(request, self.provider, self._awaited), ThreadBell()
        allowance.wait_through(bell, self._queue(cost, bell, allowance))
        return allowance.left(request)

    async def _await(self, request: ModelRequest, cost: Cost) -> ModelRequest:
        allowance, bell = Allowance(request, self.provider, self._awaited), TaskBell()
        await allowance.await_through(bell, self._queue(cost, bell, allowance))
        return allowance.left(request)


@contextmanager
def opened(model: Model, request: ModelRequest) -> Iterator[Iterator[StreamItem]]:
    """Open a model's stream, and close it in the end."""
    stream = model.stream(request)
    try:
        yield stream
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


@asynccontextmanager
async def aopened(model: Model, request: ModelRequest) -> AsyncIterator[AsyncIterator[StreamItem]]:
    """Open a model's asynchronous stream, and close it in the end."""
    stream = model.astream(request)
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
