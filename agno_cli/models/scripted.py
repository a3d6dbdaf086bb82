"""A model that follows a script: deterministic answers, tool calls, delays and faults.

For tests, benchmarks and scenarios; nothing is fetched and nothing is random.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from agno_cli._errors import ConfigurationError, copy_of
from agno_cli._events import ReasoningDelta, TextDelta
from agno_cli._messages import FinishReason, Message, ModelResponse, ToolCall, Usage

from ._protocol import Model, ModelRequest, StreamItem

Script: TypeAlias = "Sequence[Line] | Callable[[ModelRequest], Line]"
Line: TypeAlias = str | ModelResponse | Exception


def say(
    content: str = "",
    *calls: tuple[str, dict[str, Any]],
    reasoning: str = "",
    usage: Usage = Usage(1, 1),  # noqa: B008 - a frozen value
    finish_reason: FinishReason | None = None,
) -> ModelResponse:
    """Write one line of a script: a text, tool calls as `(name, arguments)`, or both.

    >>> say("", ("add", {"a": 1, "b": 2})).message.tool_calls[0].arguments
    '{"a":1,"b":2}'
    """
    if not isinstance(content, str):
        raise ConfigurationError(f"{content!r} is nothing to say; give a text")
    made = tuple(
        ToolCall(f"call_{number}", name, msgspec.json.encode(arguments).decode())
        for number, (name, arguments) in enumerate(calls, 1)
    )
    message = Message("assistant", content, made, reasoning=reasoning)
    reason = finish_reason or ("tool_calls" if made else "stop")
    return ModelResponse(message, usage, reason, "scripted")


class ScriptedModel(Model):
    """A model whose answers are written beforehand.

    Args:
        script: the answers, one for each turn of a run, the last one repeated; or a function
            of the ModelRequest. An answer is a text, a ModelResponse (`say` writes one) or an
            exception to raise.
        delay: seconds each answer takes; when streamed, spread over its pieces.
        native_schema: whether to pass for a model that honours output schemas.

    Raises:
        ConfigurationError: the script is empty, or holds something that is no answer.

    Each run follows a list from its beginning, so one model serves any number of runs at once.

    >>> from agno_cli import Agent
    >>> Agent(ScriptedModel(["It is noon."])).run("What time is it?").content
    'It is noon.'
    """

    provider = "scripted"
    name = "scripted"

    def __init__(
        self, script: Script = ("ok",), *, delay: float = 0.0, native_schema: bool = False
    ) -> None:
        self.delay = delay
        self.native_schema = native_schema
        # A subclass may do what waits.
        self.quick = type(self) is ScriptedModel and not delay and not callable(script)
        if callable(script):
            self._next: Callable[[ModelRequest], Line] = script
            return
        if not script or not isinstance(script, list | tuple):
            raise ConfigurationError(f"the script is {script!r}; give a list of answers")
        lines = [_checked(line) for line in script]
        only = lines[0]
        self._next = (lambda _: only) if len(lines) == 1 else _by_turn(lines)

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Give the script's next answer."""
        if self.delay:
            self._wait(request, self.delay)
        line = self._next(request)
        return line if type(line) is ModelResponse else _performed(line)

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Give the script's next answer; a delay does not block the event loop."""
        if self.delay:
            import asyncio

            await asyncio.sleep(self.delay)
        line = self._next(request)
        return line if type(line) is ModelResponse else _performed(line)

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Give the answer word by word."""
        pieces = _pieces(_performed(self._next(request)))
        for piece in pieces:
            if self.delay:
                self._wait(request, self.delay / len(pieces))
            yield piece

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Give the answer word by word; a delay does not block the event loop."""
        import asyncio

        pieces = _pieces(_performed(self._next(request)))
        for piece in pieces:
            if self.delay:
                await asyncio.sleep(self.delay / len(pieces))
            yield piece

    @staticmethod
    def _wait(request: ModelRequest, seconds: float) -> None:
        """Sleep, but not past the cancellation of the run."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if request.cancel is not None and request.cancel.cancelled:
                return
            time.sleep(min(left, 0.01) if request.cancel is not None else left)


def _by_turn(lines: list[ModelResponse | Exception]) -> Callable[[ModelRequest], Line]:
    count = len(lines)
    return lambda request: lines[request.turn - 1 if request.turn < count else -1]


def _checked(line: Line) -> ModelResponse | Exception:
    if isinstance(line, str):
        return say(line)
    if isinstance(line, ModelResponse | Exception):
        return line
    raise ConfigurationError(
        f"{line!r} is no answer of a script; give a text, a ModelResponse or an exception"
    )


def _performed(line: Line) -> ModelResponse:
    checked = _checked(line)
    if isinstance(checked, ModelResponse):
        return checked
    raise copy_of(checked)  # each run raises an error of its own


def _pieces(response: ModelResponse) -> list[StreamItem]:
    pieces: list[StreamItem] = []
    if response.message.reasoning:
        pieces.append(ReasoningDelta(response.message.reasoning))
    words = response.message.content.split(" ")
    pieces += [TextDelta(word + " ") for word in words[:-1]]
    if words[-1]:
        pieces.append(TextDelta(words[-1]))
    return [*pieces, response]
