"""What all providers over HTTP have in common: the four ways to ask, retries, time limits.

A provider says how a request is written and how an answer is read (`_body`, `_decode`,
`_reader`); this file does the rest, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from agno_cli._errors import ConfigurationError, CredentialsError
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import ModelResponse
from agno_cli.models._failures import Peer, Reported
from agno_cli.models._links import (
    AsyncHttpxLink,
    AsyncLink,
    AsyncReply,
    Broken,
    HttpxLink,
    Post,
    Reply,
    close_loop_links,
    close_shared_link,
    is_proxied,
    loop_link,
    shared_link,
)
from agno_cli.models._protocol import Model, ModelRequest, StreamItem
from agno_cli.models._retry import Attempts, Failure, Patience
from agno_cli.models._sse import EventDecoder, ServerEvent

if TYPE_CHECKING:
    import httpx

# A hundred times the longest answer of any model; a server must not fill the memory.
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_TOO_LONG = f"the answer is longer than {_MAX_ANSWER_BYTES >> 20} MiB"
_DRAIN_SECONDS = 1.0

T = TypeVar("T")


class AnswerReader(Protocol):
    """Puts a streamed answer together."""

    @property
    def complete(self) -> bool:
        """Whether the provider said that nothing follows."""

    @property
    def may_end(self) -> bool:
        """Whether a stream that ends here was not cut."""

    def feed(self, event: ServerEvent) -> list[StreamItem]:
        """Take the next event and give what it adds to the answer.

        Raises:
            Reported: the provider reports an error.
            ValueError: the event is not what the provider's API promises.
        """

    def response(self) -> ModelResponse:
        """Give the whole answer."""


class HTTPModel(Model, ABC):
    """Base of the models that are asked over HTTP.

    Args:
        name: the model's name, as the provider knows it.
        peer: who is asked, for error texts.
        url: where to post.
        headers: what to send with each request, the key among it.
        client: for synchronous requests, instead of the connections that all models share;
            its proxies, certificates, authentication and mocks apply, its timeouts do not.
        async_client: the same for asynchronous requests; it belongs to one event loop.
        patience: time limits and retries.

    The shared connections close with their event loop or process. A client of yours is yours
    to close.
    """

    def __init__(
        self,
        name: str,
        *,
        peer: Peer,
        url: str,
        headers: Mapping[str, str],
        client: httpx.Client | None,
        async_client: httpx.AsyncClient | None,
        patience: Patience,
    ) -> None:
        from agno_cli import __version__

        self.name = name
        self.provider = peer.provider
        self.address = peer.place
        self.patience = patience
        self._peer = peer
        self._url = url
        self._headers = {
            "accept-encoding": "identity",  # answers are small; compression delays their pieces
            "content-type": "application/json",
            "user-agent": f"agno-cli/{__version__}",
            **headers,
        }
        self._link = None if client is None else HttpxLink(client)
        self._async_link = None if async_client is None else AsyncHttpxLink(async_client)
        self._proxied: bool | None = None

    @abstractmethod
    def _body(self, request: ModelRequest, *, stream: bool) -> dict[str, Any]:
        """Write a request."""

    @abstractmethod
    def _decode(self, body: bytes) -> ModelResponse:
        """Read an answer that came whole; raises as `AnswerReader.feed` does."""

    @abstractmethod
    def _reader(self) -> AnswerReader:
        """Make what reads the next streamed answer."""

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Ask for a whole answer.

        Raises:
            ModelError: the provider failed, or was too slow.
            CredentialsError: it refused the key.
            RunCancelled: the request's cancel token was used.
        """
        body = encode_json(self._body(request, stream=False))
        attempts = Attempts(self.patience, request, self.provider)
        while True:
            try:
                with closing(self._open(body, attempts)) as reply:
                    return self._understood(reply, _read_all(reply, attempts))
            except (Failure, Broken) as error:
                attempts.pause(self._failure(error))

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Ask for a whole answer without blocking the event loop; raises as `complete`."""
        body = encode_json(self._body(request, stream=False))
        attempts = Attempts(self.patience, request, self.provider)
        while True:
            try:
                async with aclosing(await in_time(self._aopen(body, attempts), attempts)) as reply:
                    answer = await in_time(_aread_all(reply), attempts)
                    return self._understood(reply, answer)
            except (Failure, Broken) as error:
                await attempts.apause(self._failure(error))

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Ask for an answer in pieces; raises as `complete`.

        A broken stream is retried only while nothing of it has been passed on.
        """
        body = encode_json(self._body(request, stream=True))
        attempts = Attempts(self.patience, request, self.provider)
        started = False
        while True:
            try:
                with closing(self._open(body, attempts)) as reply:
                    answer = _StreamedAnswer(self, reply)
                    while not answer.complete and (piece := reply.read()):
                        attempts.check()
                        for item in answer.feed(piece):
                            started = True
                            yield item
                    for item in answer.end():
                        started = True
                        yield item
                    _drain(reply)
                    return
            except (Failure, Broken) as error:
                attempts.pause(self._failure(error), started=started)

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Ask for an answer in pieces without blocking the event loop; see `stream`."""
        body = encode_json(self._body(request, stream=True))
        attempts = Attempts(self.patience, request, self.provider)
        started = False
        while True:
            try:
                async with aclosing(await in_time(self._aopen(body, attempts), attempts)) as reply:
                    answer = _StreamedAnswer(self, reply)
                    while not answer.complete and (piece := await in_time(reply.read(), attempts)):
                        for item in answer.feed(piece):
                            started = True
                            yield item
                    for item in answer.end():
                        started = True
                        yield item
                    await _adrain(reply)
                    return
            except (Failure, Broken) as error:
                await attempts.apause(self._failure(error), started=started)

    def close(self) -> None:
        """Close the shared connections of all models' synchronous requests.

        They close by themselves at exit, and later requests open new ones.
        """
        close_shared_link()

    async def aclose(self) -> None:
        """Close the shared connections of all models in the running event loop.

        Needed only where a loop is closed by hand: `asyncio.run` and `asyncio.Runner` do it.
        """
        await close_loop_links()

    def _open(self, body: bytes, attempts: Attempts) -> Reply:
        """Post, and wait for an answer whose status is fine."""
        attempts.check()
        reply = (self._link or shared_link()).post(self._post(body, attempts))
        if _is_fine(reply.status):
            return reply
        with closing(reply):
            refusal = b"".join(_pieces(reply, _MAX_ERROR_BYTES))
        raise self._peer.refusal(reply.status, reply.headers, refusal)

    async def _aopen(self, body: bytes, attempts: Attempts) -> AsyncReply:
        """Post, and wait for an answer whose status is fine."""
        attempts.check()
        link = self._async_link or await self._shared_async_link()
        reply = await link.post(self._post(body, attempts))
        if _is_fine(reply.status):
            return reply
        async with aclosing(reply):
            refusal = await _aread(reply, _MAX_ERROR_BYTES)
        raise self._peer.refusal(reply.status, reply.headers, refusal)

    async def _shared_async_link(self) -> AsyncLink:
        if self._proxied is None:
            self._proxied = is_proxied(self._url)
        return await loop_link(proxied=self._proxied)

    def _post(self, body: bytes, attempts: Attempts) -> Post:
        silence = attempts.silence()
        connect = min(self.patience.connect_seconds, silence)
        return Post(self._url, self._headers, body, connect, silence)

    def _understood(self, reply: Reply | AsyncReply, body: bytes) -> ModelResponse:
        try:
            return self._decode(body)
        except Reported as report:
            raise self._peer.reported(report, reply.headers) from report
        except (ValueError, RecursionError) as error:  # RecursionError: JSON nested too deep
            raise self._peer.misunderstood(reply.status, reply.headers, body, error) from error

    def _failure(self, error: Failure | Broken) -> Failure:
        if isinstance(error, Failure):
            return error
        failure = self._peer.broken(error)
        failure.__cause__ = error.__cause__ or error
        return failure


class _StreamedAnswer:
    """The pieces of one streamed answer: events, or JSON from a server that cannot stream."""

    __slots__ = ("_body", "_events", "_model", "_reader", "_reply", "_size")

    def __init__(self, model: HTTPModel, reply: Reply | AsyncReply) -> None:
        streamed = "event-stream" in (reply.headers.get("content-type") or "")
        self._model = model
        self._reply = reply
        self._events = EventDecoder() if streamed else None
        self._reader = model._reader()  # noqa: SLF001 - its other half
        self._body = bytearray()
        self._size = 0

    @property
    def complete(self) -> bool:
        """Whether nothing of the answer follows, though the stream may go on."""
        return self._reader.complete

    def feed(self, piece: bytes) -> list[StreamItem]:
        """Take a piece and give what it adds to the answer; raises `Failure`."""
        reply, peer = self._reply, self._model._peer  # noqa: SLF001 - its other half
        self._size += len(piece)
        if self._size > _MAX_ANSWER_BYTES:
            raise Broken(_TOO_LONG, again=False)
        if self._events is None:
            self._body += piece
            return []
        items: list[StreamItem] = []
        data = piece
        try:
            for event in self._events.feed(piece):
                data = event.data
                items += self._reader.feed(event)
        except Reported as report:
            raise peer.reported(report, reply.headers) from report
        except (ValueError, RecursionError) as error:  # RecursionError: JSON nested too deep
            raise peer.misunderstood(reply.status, reply.headers, data, error) from error
        return items

    def end(self) -> list[StreamItem]:
        """Give what is left when the stream has ended, last the ModelResponse."""
        if self._events is not None:
            if not self._reader.may_end:
                raise Broken("the stream ended before its answer did")
            return [self._reader.response()]
        response = self._model._understood(self._reply, bytes(self._body))  # noqa: SLF001 - as above
        message = response.message
        items: list[StreamItem] = []
        if message.reasoning:
            items.append(ReasoningDelta(message.reasoning))
        if message.content:
            items.append(TextDelta(message.content))
        return [*items, response]


def _is_fine(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - the successes


def _pieces(reply: Reply, most: int) -> Iterator[bytes]:
    while most > 0 and (piece := reply.read()):
        yield piece
        most -= len(piece)


def _read_all(reply: Reply, attempts: Attempts) -> bytes:
    pieces, left = [], _MAX_ANSWER_BYTES
    while piece := reply.read():
        attempts.check()
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Broken(_TOO_LONG, again=False)
    return b"".join(pieces)


async def _aread_all(reply: AsyncReply) -> bytes:
    body = await _aread(reply, _MAX_ANSWER_BYTES)
    if len(body) > _MAX_ANSWER_BYTES:
        raise Broken(_TOO_LONG, again=False)
    return body


async def _aread(reply: AsyncReply, most: int) -> bytes:
    """Read to the end, or until more than `most` bytes are there."""
    pieces = []
    while most >= 0 and (piece := await reply.read()):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _drain(reply: Reply) -> None:
    """Read what follows an answer, nearly always nothing, so that its connection is reused."""
    with suppress(Broken):
        while reply.read():
            pass


async def _adrain(reply: AsyncReply) -> None:
    import asyncio

    with suppress(Broken, TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while await reply.read():
                pass


async def in_time(awaitable: Awaitable[T], attempts: Attempts) -> T:
    """Await within the time of the request.

    Raises:
        ModelError: the time is over.
    """
    remaining = attempts.remaining()
    if remaining is None:
        return await awaitable
    import asyncio

    try:
        async with asyncio.timeout(remaining) as timeout:
            return await awaitable
    except TimeoutError:
        if not timeout.expired():
            raise
        raise attempts.too_late() from None


def encode_json(value: dict[str, Any]) -> bytes:
    """Write a request's body.

    Raises:
        ConfigurationError: an option cannot be written as JSON.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half a surrogate pair: files named in another encoding, say. JSON cannot carry it.
        return msgspec.json.encode(_without_surrogates(value))
    except (TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"the request cannot be written as JSON: {error}; check the model's `options`"
        ) from error


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value


def checked_url(base_url: str, path: str) -> str:
    """Join a base URL, as users write it, and a path.

    Raises:
        ConfigurationError: it is no HTTP URL.
    """
    from urllib.parse import urlsplit

    base = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(base)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
        usable = usable and base.isprintable() and " " not in base
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"`{base_url}` is not a base URL; it looks like `https://api.example.com/v1`"
        )
    return base + path


def checked_key(key: str, source: str) -> str:
    """Take the white space off a key, and refuse what cannot be sent.

    Raises:
        CredentialsError: it holds characters that no key has; it is not shown.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise CredentialsError(
            f"the key in {source} holds spaces, control or non-ASCII characters; copy it again"
        )
    return key


def place_of(url: str) -> str:
    """Name a server without the password and the query that its URL may hold."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
