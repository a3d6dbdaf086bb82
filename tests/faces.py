"""The four faces of a run in one form, and what came of a run as lines of text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agno_cli import AgnoError, RunFinished, RunOutput
from agno_cli._orchestration import Runnable

Face = Callable[..., RunOutput]


def by_run(agent: Runnable, prompt: str = "hi", **given: Any) -> RunOutput:
    return agent.run(prompt, **given)


def by_arun(agent: Runnable, prompt: str = "hi", **given: Any) -> RunOutput:
    return asyncio.run(agent.arun(prompt, **given))


def by_stream(agent: Runnable, prompt: str = "hi", **given: Any) -> RunOutput:
    *_, last = agent.stream(prompt, **given)
    assert isinstance(last, RunFinished)
    return last.output


def by_astream(agent: Runnable, prompt: str = "hi", **given: Any) -> RunOutput:
    async def last() -> RunOutput:
        *_, event = [event async for event in agent.astream(prompt, **given)]
        assert isinstance(event, RunFinished)
        return event.output

    return asyncio.run(last())


FACES: list[Face] = [by_run, by_arun, by_stream, by_astream]


every_face = pytest.mark.parametrize("face", FACES)


def transcript(output: RunOutput) -> list[str]:
    """Write a run down: one line a message, `!` after the role of an error."""
    return [
        f"{message.role}{'!' * message.is_error}: {message.content}"
        + "".join(f" -> {call.name}{call.arguments}" for call in message.tool_calls)
        for message in output.messages
    ]


def outcome(face: Face, agent: Runnable, **given: Any) -> list[str]:
    """Run, and write down what came of it; the last line tells how it ended."""
    try:
        output = face(agent, **given)
    except AgnoError as error:
        ending = f"{type(error).__name__}: {error}"
        if error.output is None:
            return [ending]
        return [*transcript(error.output), f"[{error.output.status}] {ending}"]
    return [*transcript(output), f"[{output.status}] {output.data!r}"]
