"""smolagents, its ToolCallingAgent."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMPORT = "from smolagents import ToolCallingAgent, tool"
DISTRIBUTION = "smolagents"
EQUAL = ("synchronous run of a synchronous tool, its arguments validated",)
DIFFERENT = (
    "it has no fake model: a stub of its Model interface",
    "an answer is a call of its `final_answer` tool: `run` calls one tool, `run, 1 tool` two",
    "the tool's schema is made by its decorator, once, before the timing",
    "verbosity OFF (its default prints each step)",
    "no asynchronous run",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from smolagents import LogLevel, Model, ToolCallingAgent, tool
    from smolagents.models import (
        ChatMessage,
        ChatMessageToolCall,
        ChatMessageToolCallFunction,
        MessageRole,
        TokenUsage,
    )

    class Stub(Model):
        def generate(self, messages: Any, **_: Any) -> Any:
            *_, last = messages
            result = None
            if last.role == MessageRole.TOOL_RESPONSE:
                result = last.content[-1]["text"].removeprefix("Observation:").strip()
            prompt = messages[1].content[-1]["text"]
            text = task.reply(prompt, result)
            name, arguments = ("add", task.arguments) if text is None else ("final_answer", text)
            if text is not None:
                arguments = {"answer": text}
            function = ChatMessageToolCallFunction(name=name, arguments=arguments)
            call = ChatMessageToolCall(function=function, id="call_1", type="function")
            return ChatMessage(
                role=MessageRole.ASSISTANT,
                content="",
                tool_calls=[call],
                token_usage=TokenUsage(input_tokens=1, output_tokens=1),
            )

    model = Stub()
    add = tool(task.add)

    def create() -> Any:
        return ToolCallingAgent(
            tools=[], model=model, instructions="Be brief.", verbosity_level=LogLevel.OFF
        )

    def create_tool() -> Any:
        return ToolCallingAgent(
            tools=[add], model=model, instructions="Be brief.", verbosity_level=LogLevel.OFF
        )

    def run(agent: Any, prompt: str) -> Any:
        return agent.run(prompt)

    return {"create": create, "create_tool": create_tool, "run": run}
