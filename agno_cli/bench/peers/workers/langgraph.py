"""LangGraph, its prebuilt agent."""

# The library is installed in another environment than the one this file is checked in.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMPORT = "from langgraph.prebuilt import create_react_agent"
DISTRIBUTION = "langgraph"
EQUAL = ("synchronous run of a synchronous tool, its arguments validated",)
DIFFERENT = (
    "LangChain's fake chat models take no tools: a stub of its BaseChatModel",
    "an agent is a compiled graph: its creation compiles it",
    "`create_react_agent` is deprecated in favour of the one in the larger package `langchain`",
    "the tool's schema is made by its decorator, once, before the timing",
    "the tool is called in a worker thread",
    "no checkpointer; LangSmith tracing disabled",
)


def prepare(task: Any) -> dict[str, Callable[..., Any]]:
    """Give the functions to be measured."""
    import warnings

    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.tools import tool
    from langgraph.prebuilt import create_react_agent

    warnings.simplefilter("ignore")  # of the deprecation, which would be shown at each creation

    class Stub(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "stub"

        def bind_tools(self, *_: Any, **__: Any) -> Any:
            return self

        def _generate(self, messages: Any, *_: Any, **__: Any) -> Any:
            last = messages[-1]
            prompt = next(m.content for m in messages if m.type == "human")
            text = task.reply(prompt, last.content if last.type == "tool" else None)
            calls = (
                [{"name": "add", "args": task.arguments, "id": "call_1"}] if text is None else []
            )
            message = AIMessage(content=text or "", tool_calls=calls)
            return ChatResult(generations=[ChatGeneration(message=message)])

        async def _agenerate(self, messages: Any, *_: Any, **__: Any) -> Any:
            return self._generate(messages)  # the default would use a thread

    model = Stub()
    add = tool(task.add)

    def create() -> Any:
        return create_react_agent(model, [], prompt="Be brief.", name="bench")

    def create_tool() -> Any:
        return create_react_agent(model, [add], prompt="Be brief.", name="bench")

    def run(agent: Any, prompt: str) -> Any:
        return agent.invoke({"messages": [("user", prompt)]})["messages"][-1].content

    async def arun(agent: Any, prompt: str) -> Any:
        return (await agent.ainvoke({"messages": [("user", prompt)]}))["messages"][-1].content

    return {"create": create, "create_tool": create_tool, "run": run, "arun": arun}
