"""Strands Agents."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

IMPORT = "from strands import Agent, tool"
DISTRIBUTION = "strands-agents"
EQUAL = ("a synchronous tool, its arguments validated",)
DIFFERENT = (
    "it has no fake model: a stub of its Model interface, which streams each answer in one piece",
    "a call drives the asynchronous run in a thread with a new event loop; `run, awaited` does not",
    "the tool's schema is made by its decorator, once, before the timing",
    "the tool is called in a worker thread",
    "an agent keeps its conversation: it is emptied before each run",
    "callback_handler=None (its default prints the answer)",
)


def events(start: dict[str, Any], delta: dict[str, Any], reason: str) -> list[dict[str, Any]]:
    """Give the events of a message of one block."""
    return [
        {"messageStart": {"role": "assistant"}},
        start,
        {"contentBlockDelta": {"delta": delta}},
        {"contentBlockStop": {}},
        {"messageStop": {"stopReason": reason}},
    ]


def result_in(message: dict[str, Any]) -> str | None:
    """Give the result of the tool that a message holds, if it does."""
    result = message["content"][-1].get("toolResult")
    return str(result["content"][0]["text"]) if result else None


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from strands import Agent, tool
    from strands.models import Model

    use = {"toolUse": {"toolUseId": "call_1", "name": "add"}}
    arguments = {"toolUse": {"input": json.dumps(task.arguments)}}
    call = events({"contentBlockStart": {"start": use}}, arguments, "tool_use")

    def answer(text: str) -> list[dict[str, Any]]:
        return events({"contentBlockStart": {"start": {}}}, {"text": text}, "end_turn")

    class Stub(Model):
        def get_config(self, *_: Any, **__: Any) -> Any:
            return {"model_id": "stub"}

        update_config = structured_output = get_config

        async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
            text = task.reply(messages[0]["content"][0]["text"], result_in(messages[-1]))
            for event in call if text is None else answer(text):
                yield event

    model = Stub()
    add = tool(task.add)

    def create() -> Any:
        return Agent(model=model, name="bench", system_prompt="Be brief.", callback_handler=None)

    def create_tool() -> Any:
        return Agent(
            model=model, name="bench", system_prompt="Be brief.", tools=[add], callback_handler=None
        )

    def run(agent: Any, prompt: str) -> Any:
        agent.messages.clear()
        return agent(prompt).message["content"][0]["text"]

    async def arun(agent: Any, prompt: str) -> Any:
        agent.messages.clear()
        return (await agent.invoke_async(prompt)).message["content"][0]["text"]

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
