"""Streams of guarded agents: nothing of an answer is shown before it has been checked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable

from agno_cli._events import Event, MemberEvent, ReasoningDelta, RunFinished, TextDelta


def hold_back(events: Iterable[Event]) -> Generator[Event, None, None]:
    """Pass the events of a stream on, but the answer whole, as the guardrails left it.

    Deltas are dropped; before RunFinished comes one TextDelta with the checked text. It costs
    the words as they come, and keeps what happens in between. `ToolCallStarted` still shows
    arguments as the model wrote them. What happens in a member of a team is treated alike.

    >>> from agno_cli import Agent, ScriptedModel
    >>> from agno_cli.guardrails import guard, redact
    >>> agent = Agent(ScriptedModel(["Ask ada@example.com."]), hooks=guard(redact()))
    >>> [event.text for event in hold_back(agent.stream("Whom?")) if isinstance(event, TextDelta)]
    ['Ask [redacted email address].']
    """
    try:
        for event in events:
            yield from _shown(event)
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


async def ahold_back(events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
    """Pass the events of an asynchronous stream on; see `hold_back`."""
    try:
        async for event in events:
            for shown in _shown(event):
                yield shown
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _shown(event: Event) -> Iterable[Event]:
    if isinstance(event, MemberEvent):
        return [MemberEvent(event.member, inner) for inner in _shown(event.event)]
    if isinstance(event, TextDelta | ReasoningDelta):
        return ()
    if isinstance(event, RunFinished) and event.output.content:
        return TextDelta(event.output.content), event
    return (event,)
