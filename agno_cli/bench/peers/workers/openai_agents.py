"""The OpenAI Agents SDK."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

IMPORT = "from agents import Agent, Runner"
DISTRIBUTION = "openai-agents"
EQUAL = ("a synchronous tool, its arguments validated",)
DIFFERENT = (
    "its own ScriptedModel keeps every call it gets: a stub of its Model interface instead",
    "`run_sync` drives the asynchronous run in an event loop; `run, awaited` is without that",
    "the tool's schema is made by its decorator, once, before the timing",
    "the tool is called in a worker thread",
    "tracing disabled (it is on by default, and sends traces to OpenAI)",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from agents import Agent, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
    from agents.models.interface import Model
    from agents.testing import assistant_message, function_call

    set_tracing_disabled(disabled=True)
    arguments = json.dumps(task.arguments)

    class Stub(Model):
        async def get_response(self, **request: Any) -> Any:
            messages = request["input"]
            items = [{"content": messages}] if isinstance(messages, str) else messages
            text = task.reply(items[0]["content"], items[-1].get("output"))
            if text is None:
                item = function_call("add", arguments, call_id="call_1")
            else:
                item = assistant_message(text)
            return ModelResponse(output=[item], usage=Usage(requests=1), response_id=None)

        def stream_response(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

    model = Stub()
    add = function_tool(task.add)

    def create() -> Any:
        return Agent(name="bench", instructions="Be brief.", model=model)

    def create_tool() -> Any:
        return Agent(name="bench", instructions="Be brief.", model=model, tools=[add])

    def run(agent: Any, prompt: str) -> Any:
        return Runner.run_sync(agent, prompt).final_output

    async def arun(agent: Any, prompt: str) -> Any:
        return (await Runner.run(agent, prompt)).final_output

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
