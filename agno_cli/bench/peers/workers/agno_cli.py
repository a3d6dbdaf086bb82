"""This runtime, by the same measure as its peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMPORT = "from agno_cli import Agent"
DISTRIBUTION = "agno-cli"
EQUAL = ("synchronous run of a synchronous tool, its arguments validated",)
DIFFERENT = (
    "its own ScriptedModel",
    "its providers are imported when a model of theirs is named",
    "the tool's schema is made by its decorator, once, before the timing",
    "the tool is declared `quick`: called in the thread of the run",
    "each operation is a function call, as the peers' are; `agno bench` measures without it",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from agno_cli import Agent, Message, ModelRequest, ModelResponse, ScriptedModel, say, tool

    call = say("", ("add", task.arguments))

    def reply(request: ModelRequest) -> ModelResponse:
        messages = request.messages
        last = messages[-1]
        result = last.content if last.role == "tool" else None
        text = task.reply(messages[0].content, result)
        if text is None:
            return call
        return ModelResponse(Message("assistant", text))

    model = ScriptedModel(reply)
    add = tool(quick=True)(task.add)

    def create() -> Agent:
        return Agent(model, name="bench", instructions="Be brief.")

    def create_tool() -> Agent:
        return Agent(model, name="bench", instructions="Be brief.", tools=[add])

    def run(agent: Agent, prompt: str) -> Any:
        return agent.run(prompt).content

    async def arun(agent: Agent, prompt: str) -> Any:
        return (await agent.arun(prompt)).content

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
