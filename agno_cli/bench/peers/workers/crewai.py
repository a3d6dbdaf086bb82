"""CrewAI, one of its agents without a crew."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

IMPORT = "from crewai import Agent"
DISTRIBUTION = "crewai"
EQUAL = ("a synchronous tool, its arguments validated",)
DIFFERENT = (
    "it has no fake model: a stub of its BaseLLM interface, with native tool calls",
    "an agent has a role, a goal and a backstory instead of instructions",
    "run by `Agent.kickoff`, without a crew and its tasks",
    "the tool's schema is made by its decorator, once, before the timing",
    "the tool is called in a worker thread",
    "without a crew it prints even with verbose=False: that is disabled, as a crew does it",
    "telemetry and tracing disabled; the stub says itself how many tokens it was given",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from crewai import Agent, BaseLLM
    from crewai.events.event_listener import EventListener
    from crewai.tools import tool

    EventListener().formatter.verbose = False
    arguments = json.dumps(task.arguments)

    class Stub(BaseLLM):
        def call(self, messages: Any, *_: Any, **__: Any) -> Any:
            prompt = next(m["content"] for m in messages if m["role"] == "user")
            results = [m["content"] for m in messages if m["role"] == "tool"]
            text = task.reply(prompt, results[-1] if results else None)
            if text is not None:
                return text
            function = {"name": "add", "arguments": arguments}
            return [{"id": "call_1", "type": "function", "function": function}]

        async def acall(self, messages: Any, *_: Any, **__: Any) -> Any:
            return self.call(messages)

        def get_input_tokens_count(self, *_: Any, **__: Any) -> int:
            return 1  # the default logs a warning that it guesses

        def supports_function_calling(self) -> bool:
            return True

    model = Stub(model="stub")
    add = tool(task.add)

    def create() -> Any:
        return Agent(role="bench", goal="Be brief.", backstory="Be brief.", llm=model)

    def create_tool() -> Any:
        return Agent(role="bench", goal="Be brief.", backstory="Be brief.", llm=model, tools=[add])

    def run(agent: Any, prompt: str) -> Any:
        return agent.kickoff(prompt).raw

    async def arun(agent: Any, prompt: str) -> Any:
        return (await agent.kickoff_async(prompt)).raw

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
