"""Agno, the Python library."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

IMPORT = "from agno.agent import Agent"
DISTRIBUTION = "agno"
EQUAL = ("synchronous run of a synchronous tool, its arguments validated",)
DIFFERENT = (
    "it has no fake model: a stub of its Model interface",
    "the tool's schema is made at each run, not when the agent is created",
    "telemetry=False (its default is True)",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    from agno.agent import Agent
    from agno.models.base import Model
    from agno.models.response import ModelResponse

    arguments = json.dumps(task.arguments)

    class Stub(Model):
        def invoke(self, messages: Any, **_: Any) -> Any:
            last = messages[-1]
            prompt = next(m.content for m in messages if m.role == "user")
            text = task.reply(prompt, last.content if last.role == "tool" else None)
            if text is not None:
                return ModelResponse(role="assistant", content=text)
            function = {"name": "add", "arguments": arguments}
            call = {"id": "call_1", "type": "function", "function": function}
            return ModelResponse(role="assistant", tool_calls=[call])

        async def ainvoke(self, messages: Any, **_: Any) -> Any:
            return self.invoke(messages)

        def invoke_stream(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

        ainvoke_stream = _parse_provider_response = invoke_stream
        _parse_provider_response_delta = invoke_stream

    model = Stub(id="stub")

    def create() -> Any:
        return Agent(model=model, name="bench", instructions="Be brief.", telemetry=False)

    def create_tool() -> Any:
        return Agent(
            model=model,
            name="bench",
            instructions="Be brief.",
            tools=[task.add],
            telemetry=False,
        )

    def run(agent: Any, prompt: str) -> Any:
        return agent.run(prompt).content

    async def arun(agent: Any, prompt: str) -> Any:
        return (await agent.arun(prompt)).content

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
