"""The seam to the outside: a model takes messages and tools, and gives a response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypeAlias, final

from msgspec import Struct

from agno_cli._context import CancelToken
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import Message, ModelResponse
from agno_cli._threads import acall
from agno_cli._tools import Tool

StreamItem: TypeAlias = TextDelta | ReasoningDelta | ModelResponse


@final
class ModelRequest(Struct, eq=False):
    """One model call.

    `system` holds the instructions, which are never among the messages.
    A request serves all turns of its run: `messages` is the run's own list, which grows after
    the call, so a model that keeps it must copy it. The driver that makes the call fills
    `response` or `error`, and `streamed` with the words of a stream that broke; models only read
    the fields above them.

    `turn` counts the calls of the run, from 1.
    `timeout` is what is left of the run's time in seconds; `cancel` lets a model that is
    waiting or generating stop early.
    """

    messages: list[Message]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    options: Mapping[str, Any] = {}
    output_schema: dict[str, Any] | None = None
    timeout: float | None = None
    cancel: CancelToken | None = None
    turn: int = 1
    streamed: str = ""
    response: ModelResponse | None = None
    error: BaseException | None = None


class Model:
    """Base of all models. A model of your own needs `complete`, and better `acomplete` too.

    Attributes:
        provider: the first half of its name, e.g. `openai`.
        name: the second half, e.g. `gpt-5-mini`.
        address: where it is asked, if its name does not say so: models of one name at two
            addresses may answer differently. Without credentials.
        native_schema: whether it honours `ModelRequest.output_schema`; others are given an
            output tool instead.
        quick: whether an answer takes microseconds and never waits, so that a thread or a task
            of its own would gain nothing.
    """

    provider: str = "custom"
    name: str = ""
    address: str = ""
    native_schema: bool = False
    quick: bool = False

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Answer a request.

        Raises:
            ModelError: the provider failed.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `complete`")

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Answer a request without blocking the event loop; by default, in a thread."""
        response: ModelResponse = await acall(lambda: self.complete(request))
        return response

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Yield the answer in pieces and then, last, the whole ModelResponse."""
        response = self.complete(request)
        yield from _text_of(response)
        yield response

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Yield the answer in pieces and then, last, the whole ModelResponse."""
        response = await self.acomplete(request)
        for delta in _text_of(response):
            yield delta
        yield response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.provider}:{self.name}>"


def _text_of(response: object) -> Iterator[TextDelta]:
    """Give the text of a whole answer as one piece; a model of the user's may give anything."""
    if isinstance(response, ModelResponse) and response.message.content:
        yield TextDelta(response.message.content)
