"""Checks become hooks: at the prompt, the answer, the arguments and results of tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from agno_cli._context import RunContext
from agno_cli._errors import ConfigurationError, Rejected
from agno_cli._hooks import Hooks
from agno_cli._json import to_json
from agno_cli._messages import Message, RunOutput, ToolCall, ToolResult
from agno_cli._output import OUTPUT_TOOL
from agno_cli.guardrails._checks import Check, apply
from agno_cli.guardrails._structured import apply_to_data, apply_to_json

_WITHHELD = "[withheld]"

_Apply = Callable[[Check, Any], Any]


def guard(
    *everywhere: Check,
    prompt: Sequence[Check] = (),
    answer: Sequence[Check] = (),
    arguments: Sequence[Check] = (),
    results: Sequence[Check] = (),
) -> Hooks:
    """Make Hooks of checks; join them with others by `+`.

    A refused prompt or answer ends the run as `RunRejected`; refused arguments or a refused
    result become an error that the model reads, and the run goes on. Rewriting takes effect
    before the model, the tool, the caller and memory see a text. An answer is rewritten in
    `content`, in `data` and in `messages`, where texts beside tool calls are too, and withheld
    when refused; reasoning that would be changed is dropped. Arguments are rewritten string by
    string, so that they stay JSON.

    A stream cannot be called back: `answer` sees the whole text at the end, when its deltas have
    been yielded; `hold_back` keeps them until then. Nothing here sees the agent's instructions,
    the conversation that memory gives, or the partial `output` that an error carries.

    Checks are called where the run is, in the event loop too. Looking for secrets takes about
    0.3 µs a character, so bound what users send: `guard(redact(), prompt=[max_length(20_000)])`.
    One that waits, such as a model that judges, is an `async` hook of your own.

    Args:
        everywhere: checks of all four places, after the place's own.
        prompt: checks of what the user says.
        answer: checks of what the model says.
        arguments: checks of the JSON that the model gives to a tool.
        results: checks of what a tool gives to the model.

    Raises:
        ConfigurationError: something is no list of functions.
    """
    lists = {"prompt": prompt, "answer": answer, "arguments": arguments, "results": results}
    places = {name: _checks(name, own, everywhere) for name, own in lists.items()}
    guards = _Guards(places)
    calls = bool(places["arguments"])
    return Hooks(
        before_run=(guards.look_at_prompt,) if places["prompt"] else (),
        after_run=(guards.look_at_answer,) if places["answer"] or calls else (),
        before_tool=(guards.look_at_call,) if calls else (),
        after_tool=(guards.look_at_result,) if places["results"] else (),
    )


def _checks(name: str, own: Sequence[Check], everywhere: tuple[Check, ...]) -> tuple[Check, ...]:
    if not isinstance(own, list | tuple):
        raise ConfigurationError(f"`{name}` is {own!r}; give a list of checks")
    checks = (*own, *everywhere)
    for check in checks:
        if not callable(check):
            raise ConfigurationError(f"{check!r} is no check; give a function of a text")
    return checks


class _Guards:
    def __init__(self, places: dict[str, tuple[Check, ...]]) -> None:
        self._places = places

    def look_at_prompt(self, _: RunContext, prompt: str) -> str:
        judged: str = self._judged("prompt", apply, prompt)
        return judged

    def look_at_call(self, _: RunContext, call: ToolCall) -> ToolCall | None:
        arguments = self._judged("arguments", apply_to_json, call.arguments)
        return replace(call, arguments=arguments) if arguments != call.arguments else None

    def look_at_result(self, _: RunContext, result: ToolResult) -> ToolResult | None:
        content = self._judged("results", apply, result.content)
        return replace(result, content=content) if content != result.content else None

    def look_at_answer(self, _: RunContext, output: RunOutput) -> RunOutput:
        data = output.data
        content = self._judged("answer", apply if data is None else apply_to_json, output.content)
        if data is not None:
            data = self._judged("answer", apply_to_data, data)
            if data != output.data and content == output.content:
                content = to_json(data)  # escapes in a Markdown fence hid it in the text
        messages = [self._kept(message, output.content, content) for message in output.messages]
        return replace(output, content=content, data=data, messages=messages)

    def _judged(self, place: str, how: _Apply, value: Any) -> Any:
        try:
            for check in self._places[place]:
                value = how(check, value)
        except Rejected as error:
            raise Rejected(f"{place}: {error}") from error
        return value

    def _kept(self, message: Message, old: str, new: str) -> Message:
        """Give a message as it may be kept; prompts and results have been looked at before."""
        if message.role != "assistant":
            return message
        said = message.content
        content = new if said == old else self._softly("answer", apply, said, _WITHHELD)
        changed = self._softly("answer", apply, message.reasoning, "") != message.reasoning
        calls = tuple(self._kept_call(call, old, new) for call in message.tool_calls)
        return replace(
            message,
            content=content,
            tool_calls=calls,
            # A provider refuses reasoning that does not fit its signature.
            reasoning="" if changed else message.reasoning,
            signature="" if changed else message.signature,
        )

    def _kept_call(self, call: ToolCall, old: str, new: str) -> ToolCall:
        if call.name == OUTPUT_TOOL and call.arguments == old:
            return replace(call, arguments=new)
        place = "answer" if call.name == OUTPUT_TOOL else "arguments"
        return replace(call, arguments=self._softly(place, apply_to_json, call.arguments, "{}"))

    def _softly(self, place: str, how: _Apply, text: str, otherwise: str) -> str:
        """Rewrite a text that was on the way to the answer; refusing it refuses no run."""
        try:
            kept: str = self._judged(place, how, text) if text else text
        except Rejected:
            return otherwise
        return kept
