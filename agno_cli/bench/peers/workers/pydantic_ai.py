"""Pydantic AI."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMPORT = "from pydantic_ai import Agent"
DISTRIBUTION = "pydantic-ai-slim"
EQUAL = ("a synchronous tool, its arguments validated",)
DIFFERENT = (
    "its own FunctionModel, which estimates the tokens of each message",
    "`run_sync` drives the asynchronous run in an event loop; `run, awaited` is without that",
    "the tool's schema is made when the agent is created",
    "the tool is called in a worker thread",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
    from pydantic_ai.models.function import FunctionModel

    def reply(messages: Any, _: Any) -> Any:
        prompt = messages[0].parts[-1].content
        last = messages[-1].parts[-1]
        result = str(last.content) if isinstance(last, ToolReturnPart) else None
        text = task.reply(prompt, result)
        part = ToolCallPart("add", task.arguments) if text is None else TextPart(text)
        return ModelResponse(parts=[part])

    model = FunctionModel(reply)

    def create() -> Any:
        return Agent(model, name="bench", instructions="Be brief.")

    def create_tool() -> Any:
        return Agent(model, name="bench", instructions="Be brief.", tools=[task.add])

    def run(agent: Any, prompt: str) -> Any:
        return agent.run_sync(prompt).output

    async def arun(agent: Any, prompt: str) -> Any:
        return (await agent.run(prompt)).output

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
