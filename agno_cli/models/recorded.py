"""Models that record what another model answers, and that answer from a recording."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import ModelResponse
from agno_cli.models._cassette import Cassette, Entry, Piece, Recorder, canonical
from agno_cli.models._protocol import Model, ModelRequest, StreamItem


class RecordedModel(Model):
    """Another model, whose answers are also written to a cassette file.

    Args:
        model: the model that answers.
        path: the cassette; it appears with the first answer. A stream that is closed early and
            a request that fails are not recorded.
        overwrite: whether a file that is there already is replaced.

    Prompts, answers and tool results are stored as they are; keys are no part of a request.

    Raises:
        ConfigurationError: the file is there already, or cannot be written.
    """

    def __init__(
        self, model: Model, path: str | os.PathLike[str], *, overwrite: bool = False
    ) -> None:
        self.provider = model.provider
        self.name = model.name
        self.native_schema = model.native_schema
        self._model = model
        self._recorder = Recorder(Path(path), model, overwrite=overwrite)

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Have the model answer, and record it."""
        asked = canonical(request)
        response = self._model.complete(request)
        self._recorder.add(asked, response, None)
        return response

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Have the model answer, and record it."""
        asked = canonical(request)
        response = await self._model.acomplete(request)
        self._recorder.add(asked, response, None)
        return response

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Have the model answer, and record the answer with its pieces."""
        asked, pieces = canonical(request), list[Piece]()
        stream = self._model.stream(request)
        try:
            for item in stream:
                self._keep(asked, pieces, item)
                yield item
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Have the model answer, and record the answer with its pieces."""
        asked, pieces = canonical(request), list[Piece]()
        stream = self._model.astream(request)
        try:
            async for item in stream:
                self._keep(asked, pieces, item)
                yield item
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    def _keep(self, asked: str, pieces: list[Piece], item: StreamItem) -> None:
        if isinstance(item, ModelResponse):
            self._recorder.add(asked, item, pieces)
        else:
            pieces.append(item)


class ReplayedModel(Model):
    """A model that answers from a cassette, at once and without a network.

    A request is answered when its messages, system text, tools, options and output schema are
    those of a recorded one; made several times, it gets the recorded answers in their order, then
    the last again and again. One replayed model serves any number of runs at once.

    Raises:
        ConfigurationError: the file holds no recording; from a run, also: it holds no answer to
            the request.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._cassette = Cassette(Path(path))
        header = self._cassette.header
        self.provider = header.provider
        self.name = header.name
        self.native_schema = header.native_schema

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Give the recorded answer."""
        return self._cassette.find(request).response

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Give the recorded answer."""
        return self.complete(request)

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Give the recorded answer in the pieces in which it came."""
        yield from _items(self._cassette.find(request))

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Give the recorded answer in the pieces in which it came."""
        for item in _items(self._cassette.find(request)):
            yield item


def _items(entry: Entry) -> list[StreamItem]:
    """Put an answer that was not streamed into one piece of each kind."""
    message = entry.response.message
    whole = (ReasoningDelta(message.reasoning), TextDelta(message.content))
    pieces = [piece for piece in whole if piece.text] if entry.pieces is None else entry.pieces
    return [*pieces, entry.response]
