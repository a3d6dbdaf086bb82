"""Models in this process, by llama.cpp: any GGUF file, and SmolLM2 by name."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeAlias

from msgspec import Struct

from agno_cli._context import CancelToken
from agno_cli._errors import ModelError, RunCancelled
from agno_cli._messages import ModelResponse
from agno_cli._settings import expanded
from agno_cli._threads import start
from agno_cli.models._download import find_download, pull
from agno_cli.models._llama import ENGINES, Engine, EngineSettings, usable_cores
from agno_cli.models._llama_chat import check_options, prepare
from agno_cli.models._protocol import Model, ModelRequest, StreamItem

# A small model that loops would fill its whole context.
_OPTIONS: dict[str, Any] = {"max_tokens": 1024}
# As the authors of SmolLM2 recommend.
_OPTIONS_BY_NAME = {"smollm2": {**_OPTIONS, "temperature": 0.2, "top_p": 0.9}}
# The run's own limit, which knows its size, is to be the one that reports.
_GRACE_SECONDS = 0.05


class LocalModel(Model):
    """A model that llama.cpp runs in this process.

    It is loaded at its first answer, once for each file and set of arguments, and shared by all
    LocalModels and threads; answers asked for at once are given one after the other. Tools work
    with any model, of one call a turn: its answers are constrained to JSON that is a call or an
    answer.

    Args:
        model: the path of a GGUF file; or `smollm2`, which is fetched at its first use.
        context: tokens that a conversation with its answer may have, bounded by the model's own.
        threads: how many to compute with; None for one a core of those this process may use.

    Options of a run are llama.cpp's: `temperature`, `max_tokens` (1024 unless given), `top_p`,
    `seed`, `stop` and others.

    Raises:
        ConfigurationError: no model has this name. Others come with the first answer: there is
            no such option, the file cannot be fetched or loaded, the package `xllamacpp` is
            missing.
    """

    provider = "local"
    native_schema = True

    def __init__(
        self,
        model: str | os.PathLike[str] = "smollm2",
        *,
        context: int = 4096,
        threads: int | None = None,
    ) -> None:
        self.name = os.fspath(model)
        self._by_name = not _is_path(model)
        if self._by_name:
            find_download(self.name)
        self._context = context
        self._threads = usable_cores() if threads is None else threads

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Give the answer; what stops the run stops the generation too.

        Raises:
            ModelError: the request cannot be answered, or not in time.
            RunCancelled: the run was cancelled.
        """
        for item in self.stream(request):
            last = item
        assert isinstance(last, ModelResponse)
        return last

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Give the answer without blocking the event loop; raises what `complete` does."""
        async for item in self.astream(request):
            last = item
        assert isinstance(last, ModelResponse)
        return last

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Give the answer token by token; closing the iterator stops the generation."""
        # The answer is generated in a worker thread: waiting in Python is what lets Ctrl-C in.
        items: SimpleQueue[_Item] = SimpleQueue()
        stop = self._start(request, items.put)
        unsubscribe = _on_cancel(request.cancel, lambda: items.put(_cancelled()))
        until = _deadline(request)
        try:
            while True:
                try:
                    item = items.get(timeout=None if until is None else max(0, until - monotonic()))
                except Empty:
                    raise _too_late(request) from None
                if isinstance(item, _End):
                    return item.conclude()
                yield item
        finally:
            stop.set()
            unsubscribe()

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Give the answer token by token; closing the iterator stops the generation."""
        import asyncio

        loop = asyncio.get_running_loop()
        items: asyncio.Queue[_Item] = asyncio.Queue()

        def put(item: _Item) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(items.put_nowait, item)

        stop = self._start(request, put)
        unsubscribe = _on_cancel(request.cancel, lambda: put(_cancelled()))
        until = _deadline(request)
        try:
            while True:
                try:
                    async with asyncio.timeout(None if until is None else until - monotonic()):
                        item = await items.get()
                except TimeoutError:
                    raise _too_late(request) from None
                if isinstance(item, _End):
                    item.conclude()
                    return
                yield item
        finally:
            stop.set()
            unsubscribe()

    def _start(self, request: ModelRequest, put: Callable[[_Item], object]) -> threading.Event:
        """Generate in a worker thread; `put` gets the items there, and an _End last.

        Returns:
            The event that stops it.
        """
        check_options(request.options)
        stop = threading.Event()
        start(
            lambda: self._generate(request, put, stop),
            lambda _, error: put(_End(error)),
        )
        return stop

    def _generate(
        self, request: ModelRequest, put: Callable[[_Item], object], stop: threading.Event
    ) -> None:
        loaded = self._engine()
        options = _OPTIONS_BY_NAME.get(self.name, _OPTIONS)
        body, reader = prepare(request, model=self.name, options=options)

        def receive(chunk: dict[str, Any]) -> bool:
            for item in reader.feed(chunk):
                put(item)
            return stop.is_set()

        loaded.generate(body, receive)
        for item in reader.finish():
            put(item)

    def _engine(self) -> Engine:
        path = pull(self.name) if self._by_name else expanded(self.name).resolve()
        return ENGINES.get(EngineSettings(str(path), self._context, self._threads))


class _End(Struct):
    """The end of an answer, or what it ended with."""

    error: BaseException | None = None

    def conclude(self) -> None:
        if self.error is not None:
            raise self.error


_Item: TypeAlias = StreamItem | _End


def _cancelled() -> _End:
    return _End(RunCancelled("the run was cancelled"))


def _is_path(model: str | os.PathLike[str]) -> bool:
    return not isinstance(model, str) or model.endswith(".gguf") or Path(model).name != model


def _on_cancel(token: CancelToken | None, callback: Callable[[], object]) -> Callable[[], None]:
    return (lambda: None) if token is None else token.subscribe(callback)


def _deadline(request: ModelRequest) -> float | None:
    return None if request.timeout is None else monotonic() + request.timeout + _GRACE_SECONDS


def _too_late(request: ModelRequest) -> ModelError:
    return ModelError(
        f"no answer within {request.timeout:g} s; give it more time or a smaller `max_tokens`",
        provider="local",
        retryable=True,
    )
