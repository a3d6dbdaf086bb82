"""A model whose answers are kept, and given again to the same question."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from agno_cli._errors import ConfigurationError, RunError, copy_of
from agno_cli._messages import ModelResponse, Usage
from agno_cli._threads import acall
from agno_cli.models._flights import Flights, Seat
from agno_cli.models._protocol import Model, ModelRequest, StreamItem
from agno_cli.models._request_key import RequestKeys
from agno_cli.models._waiting import Allowance, OutOfTime, TaskBell, ThreadBell
from agno_cli.models._wrapper import Wrapper, aopened, opened
from agno_cli.models.caches import CachedAnswer, CacheProtocol, MemoryCache, Piece

_logger = logging.getLogger("agno_cli")
_NOTHING = Usage(requests=0)


class CachedModel(Wrapper):
    """A model whose answers are kept, and given again to the same question.

    Questions are the same when model, messages, instructions, tools with their schemas, options
    and output schema are; whether the answer is streamed does not matter. A kept answer has used
    nothing: its usage is 0 requests and 0 tokens. Errors are not kept, nor is a stream that was
    closed early. A stream is kept with its pieces and replayed in them.

    Equal requests at the same time make one call, in threads and tasks alike; the others wait
    for its answer, or get a copy of its error. When that call is cancelled or its run's time is
    over, one of the others makes it. A request does not wait for a stream whose reader has been
    away for a second, nor for what its own thread would have to go on with first: it asks for
    itself. Between processes nothing is shared but the store.

    Args:
        model: the model that answers, or `provider:name`.
        store: a MemoryCache, a SqliteCache, or any CacheProtocol, such as a dict; None for a
            MemoryCache of its own. Several models may share one.

    A store that cannot be read raises; when an answer cannot be kept, that is logged.

    Raises:
        ConfigurationError: the store is none; from a request, also: it holds something that
            cannot be written, so that it has no key.

    >>> from agno_cli import Agent, ScriptedModel
    >>> agent = Agent(CachedModel(ScriptedModel(["Paris."])))
    >>> [agent.run("Capital of France?").usage.requests for _ in range(2)]
    [1, 0]
    """

    def __init__(self, model: Model | str, *, store: CacheProtocol | None = None) -> None:
        if store is None:
            store = MemoryCache()
        if isinstance(store, type) or not (hasattr(store, "get") and hasattr(store, "__setitem__")):
            raise ConfigurationError(
                f"the store is {store!r}; give a `MemoryCache`, a `SqliteCache` or a dict"
            )
        super().__init__(model)
        self.store = store
        self._blocking = bool(getattr(store, "blocking", False))
        self._key = RequestKeys(self._model)
        self._flights = Flights()

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Give the kept answer, or have the model answer."""
        key = self._key(request)
        answer = self.store.get(key)
        if answer is not None:
            return answer.response
        allowance, seat = self._seated(key, request)
        if seat.answer is not None:
            return seat.answer.response
        with self._leading(seat, allowance):
            seat.answer = self.store.get(key)  # one may have been kept since the look above
            if seat.answer is not None:
                return seat.answer.response
            response = self._model.complete(allowance.left(request))
            seat.answer = self._kept(key, response)
        return response

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Give the kept answer, or have the model answer; the event loop is not blocked."""
        key = self._key(request)
        answer = await self._alook(key) if self._blocking else self.store.get(key)
        if answer is not None:
            return answer.response
        allowance, seat = await self._aseated(key, request)
        if seat.answer is not None:
            return seat.answer.response
        with self._leading(seat, allowance):
            seat.answer = await self._alook(key)
            if seat.answer is not None:
                return seat.answer.response
            response = await self._model.acomplete(allowance.left(request))
            seat.answer = await self._akept(key, response)
        return response

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Give the kept answer in pieces, or have the model answer in pieces."""
        key = self._key(request)
        answer = self.store.get(key)
        if answer is None:
            allowance, seat = self._seated(key, request, streamed=True)
            with self._leading(seat, allowance):
                seat.answer = answer = seat.answer or self.store.get(key)
                if answer is None:
                    with opened(self._model, allowance.left(request)) as items:
                        for item in items:
                            if seat.holds(item):
                                seat.answer = self._kept(key, item, seat.pieces)
                                self._land(seat)
                            seat.pause()
                            yield item
                            seat.resume()
                    return
        yield from answer.items()

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Give the kept answer in pieces, or have the model answer in pieces."""
        key = self._key(request)
        answer = await self._alook(key)
        if answer is None:
            allowance, seat = await self._aseated(key, request, streamed=True)
            with self._leading(seat, allowance):
                seat.answer = answer = seat.answer or await self._alook(key)
                if answer is None:
                    async with aopened(self._model, allowance.left(request)) as items:
                        async for item in items:
                            if seat.holds(item):
                                seat.answer = await self._akept(key, item, seat.pieces)
                                self._land(seat)
                            seat.pause()
                            yield item
                            seat.resume()
                    return
        for item in answer.items():
            yield item

    def close(self) -> None:
        """Close what the model holds for synchronous requests, and the store."""
        super().close()
        close = getattr(self.store, "close", None)
        if close is not None:
            close()

    def _seated(
        self, key: bytes, request: ModelRequest, *, streamed: bool = False
    ) -> tuple[Allowance, Seat]:
        """Wait until there is an answer, or until it is this request's turn to ask for it."""
        allowance, bell = Allowance(request, self.provider), ThreadBell()
        seat = Seat(bell, streamed)
        allowance.wait_through(bell, self._flights.take_seat(key, seat))
        return allowance, seat

    async def _aseated(
        self, key: bytes, request: ModelRequest, *, streamed: bool = False
    ) -> tuple[Allowance, Seat]:
        allowance, bell = Allowance(request, self.provider), TaskBell()
        seat = Seat(bell, streamed)
        await allowance.await_through(bell, self._flights.take_seat(key, seat))
        return allowance, seat

    @contextmanager
    def _leading(self, seat: Seat, allowance: Allowance) -> Iterator[None]:
        """Let those who wait know what has become of the call, whatever that is."""
        try:
            yield
        except BaseException as error:
            self._land(seat, _copy_for_others(error, allowance))
            raise
        self._land(seat)

    def _land(self, seat: Seat, error: Exception | None = None) -> None:
        if seat.flight is not None:
            self._flights.land(seat.flight, seat.answer, error)

    async def _alook(self, key: bytes) -> CachedAnswer | None:
        if not self._blocking:
            return self.store.get(key)
        answer: CachedAnswer | None = await acall(lambda: self.store.get(key))
        return answer

    def _kept(
        self, key: bytes, response: object, pieces: list[Piece] | None = None
    ) -> CachedAnswer | None:
        """Keep an answer; what a model of the user's gives instead of one is not kept."""
        if not isinstance(response, ModelResponse):
            return None
        kept = None if pieces is None else tuple(pieces)
        answer = CachedAnswer(replace(response, usage=_NOTHING), kept)
        try:
            self.store[key] = answer
        except Exception as error:  # the answer is here, and has been paid for
            _logger.warning("an answer could not be cached: %s", error)
        return answer

    async def _akept(
        self, key: bytes, response: object, pieces: list[Piece] | None = None
    ) -> CachedAnswer | None:
        if not self._blocking:
            return self._kept(key, response, pieces)
        answer: CachedAnswer | None = await acall(lambda: self._kept(key, response, pieces))
        return answer


def _copy_for_others(error: BaseException, allowance: Allowance) -> Exception | None:
    """Copy an error that would have met the others too; None when it was this run's alone."""
    if not isinstance(error, Exception) or isinstance(error, RunError | OutOfTime):
        return None
    if allowance.is_over():
        return None
    try:
        copied = copy_of(error)
    except Exception:  # whatever the constructor of an error wants
        return None
    copied.__cause__ = error.__cause__
    return copied
