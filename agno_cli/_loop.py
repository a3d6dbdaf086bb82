"""The run loop: what a run is, once, for all four faces.

`run_loop` gives a generator without I/O. It yields steps - a ModelRequest, a ToolBatch, an Invoke -
whose answer the driver writes into the step before it resumes the loop; the last thing it yields
is the RunOutput. Answers are written rather than sent: a `for` over a generator that returns
nothing costs 0.3 µs, where `send` and its StopIteration cost 1.0 µs (CPython 3.11).

A driver reports a failed or interrupted step by writing `error`; the loop decides what that
means. State is in local variables: writing an attribute of a Struct costs four times as much.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from time import perf_counter
from typing import TypeAlias, cast, final

from msgspec import Struct
from msgspec.structs import astuple, replace

from ._context import RunContext
from ._errors import (
    AgnoError,
    ConfigurationError,
    InputError,
    LimitReached,
    ModelError,
    OutputInvalid,
    Rejected,
    RunCancelled,
    RunFailed,
    RunRejected,
    copy_of,
)
from ._hooks import Hooks
from ._limits import Limits, check_reask, check_tokens, check_tool_calls, check_turns
from ._memory import MemoryProtocol, is_memory
from ._messages import (
    Message,
    ModelResponse,
    RunOutput,
    Status,
    ToolCall,
    ToolResult,
    Usage,
)
from ._output import OUTPUT_TOOL, PLAIN_ANSWER, Answer, read_answer
from ._plan import Plan
from ._tools import Invoke, invoke, not_run, replacement, tool_message
from .models._protocol import ModelRequest

_NO_USAGE = Usage(requests=0)
_STOPPED = "the run was stopped"
_logger = logging.getLogger("agno_cli")
_STATUS: dict[type[Exception], Status] = {
    RunCancelled: "cancelled",
    Rejected: "rejected",
    LimitReached: "limited",
    OutputInvalid: "invalid",
}


@final
class ToolBatch(Struct, eq=False):
    """Ask the driver to carry out the calls of one turn, in parallel where it can.

    The driver fills `results`, in the order of the calls whatever the order they end in, and
    `error` when it was stopped first.
    """

    calls: tuple[ToolCall, ...]
    plan: Plan
    context: RunContext | None
    results: list[ToolResult | None] = []
    error: BaseException | None = None

    def record(self, messages: list[Message]) -> None:
        """Append the results to a conversation; every call gets one."""
        messages.extend(map(_answer, self.calls, self.results))
        if self.error is not None:
            raise self.error


def _answer(call: ToolCall, result: ToolResult | None) -> Message:
    return not_run(call, _STOPPED) if result is None else tool_message(call, result)


Step: TypeAlias = ModelRequest | ToolBatch | Invoke | RunOutput


@final
class Begun(Struct, frozen=True, eq=False):
    """A plain run up to a model call that has been made and not yet been looked at."""

    request: ModelRequest
    started: float
    model_seconds: float = 0.0
    tool_seconds: float = 0.0
    turns: int = 0
    usage: Usage | None = None


def first_request(plan: Plan, prompt: str) -> ModelRequest:
    """Begin a plain run.

    Raises:
        InputError: the prompt is empty.
    """
    check_prompt(prompt)
    return ModelRequest(
        [Message("user", prompt)], plan.system, plan.offered, plan.options, plan.schema
    )


def check_prompt(prompt: str) -> None:
    """Raise InputError unless there is something to answer."""
    if not isinstance(prompt, str) or not prompt or prompt.isspace():
        raise InputError(f"the prompt is {prompt!r}; give a text")


def run_loop(
    plan: Plan,
    run_id: str,
    prompt: str,
    memory: MemoryProtocol | None,
    context: RunContext | None,
) -> Generator[Step, None, None]:
    """Give the steps of one run, then its RunOutput.

    Raises:
        InputError: the prompt is empty, the memory or the context is none.
        AgnoError: whatever stopped the run, while it is iterated; `output` carries the work done.
    """
    check_prompt(prompt)
    if memory is not None and not is_memory(memory):
        raise InputError(f"`memory` is {memory!r}; give a Memory, not its class or name")
    if context is not None and not isinstance(context, RunContext):
        raise InputError(f"`context` is {context!r}; give a RunContext")
    if plan.wants_context:
        context = replace(context or RunContext(), run_id=run_id, agent=plan.agent)
    return _turns(plan, run_id, prompt, plan.memory if memory is None else memory, context)


def go_on(plan: Plan, run_id: str, begun: Begun) -> Generator[Step, None, None]:
    """Give the further steps of a plain run, whose newest model call is looked at first."""
    return _turns(plan, run_id, "", None, None, begun)


def _turns(
    plan: Plan,
    run_id: str,
    prompt: str,
    memory: MemoryProtocol | None,
    context: RunContext | None,
    begun: Begun | None = None,
) -> Generator[Step, None, None]:
    request, started, model_seconds, tool_seconds, turns, usage = astuple(
        begun or Begun(ModelRequest([]), perf_counter())
    )
    first = misfits = 0
    try:
        if begun is None:
            request = yield from _prepare(plan, prompt, memory, context)
            first = len(request.messages) - 1
            before = perf_counter()
            yield request
            model_seconds = perf_counter() - before
        messages = request.messages
        while True:
            response = request.response
            if request.error is not None or type(response) is not ModelResponse:
                response = _checked_response(request, plan)
            calls = response.message.tool_calls
            messages.append(response.message)
            turns += 1
            usage = response.usage if usage is None else usage + response.usage
            wants_tools = calls and plan.text_ends_run
            answer = None if wants_tools else _settle(plan, messages, usage, turns, misfits)
            if answer is None:
                before = perf_counter()
                if turns >= plan.turns_before_check:
                    _check_calls(plan.limits, messages, first, turns)
                batch = ToolBatch(calls, plan, context)
                yield batch
                tool_seconds += perf_counter() - before
                batch.record(messages)
            elif answer.accepted:
                break
            else:
                misfits += 1
            request.turn = turns + 1
            _bound_tokens(request, plan, usage)
            before = perf_counter()
            yield request
            model_seconds += perf_counter() - before
        seconds = perf_counter() - started, model_seconds, tool_seconds
        output = _sum_up(run_id, response, answer, messages[first:], usage, turns, seconds)
        if begun is None:
            output = yield from _conclude(plan, output, context, memory, started)
    except BaseException as error:  # a closed stream and a cancelled task too
        seconds = perf_counter() - started, model_seconds, tool_seconds
        partial = _partial(run_id, request, first, usage, turns, seconds)
        partial = replace(partial, status=_status(error))
        _observe(plan.hooks, context, partial)
        raise _stopped(error, partial)  # noqa: B904 - it has set the cause
    _observe(plan.hooks, context, output)
    yield output


def _prepare(
    plan: Plan, prompt: str, memory: MemoryProtocol | None, context: RunContext | None
) -> Generator[Invoke, None, ModelRequest]:
    """Run the hooks that come first, and put the conversation together."""
    for hook in plan.hooks.before_run:
        changed = yield from invoke(hook, context, prompt)
        prompt = replacement(changed, prompt)
    system = plan.system
    if plan.instructions is not None:
        system = yield from invoke(plan.instructions, context)
        if not isinstance(system, str):
            raise ConfigurationError(f"`instructions` gave {system!r}; let it return a text")
    history: Sequence[Message] = ()
    if memory is not None:
        history = yield from _load(memory)
    request = first_request(plan, prompt)
    request.messages[:0] = history
    request.system = system
    _bound_tokens(request, plan, None)
    return request


def _conclude(
    plan: Plan,
    output: RunOutput,
    context: RunContext | None,
    memory: MemoryProtocol | None,
    started: float,
) -> Generator[Invoke, None, RunOutput]:
    """Run the hooks that come last, then commit what they leave, in one step."""
    for hook in plan.hooks.after_run:
        changed = yield from invoke(hook, context, output)
        output = _with_content_in_messages(replacement(changed, output), output)
    if memory is not None:
        yield from _commit(memory, output.messages)
    return replace(output, total_seconds=perf_counter() - started)


def _with_content_in_messages(changed: RunOutput, before: RunOutput) -> RunOutput:
    """Let a rewritten answer replace the old one in the messages, for memory's sake."""
    if changed.content == before.content or changed.messages != before.messages:
        return changed
    rewritten = [_rewritten(item, before.content, changed.content) for item in before.messages]
    return replace(changed, messages=rewritten)


def _rewritten(message: Message, old: str, new: str) -> Message:
    """Replace an answer, whether it is the text of a message or the output tool's arguments."""
    if message.role != "assistant":
        return message
    calls = tuple(
        replace(call, arguments=new) if call.name == OUTPUT_TOOL else call
        for call in message.tool_calls
    )
    content = new if message.content == old else message.content
    return replace(message, content=content, tool_calls=calls)


def _load(memory: MemoryProtocol) -> Generator[Invoke, None, Sequence[Message]]:
    step = Invoke(memory.load, (), blocking=getattr(memory, "blocking", False))
    yield step
    history: Sequence[Message] = step.result()
    return history


def _commit(memory: MemoryProtocol, messages: list[Message]) -> Generator[Invoke, None, None]:
    blocking = getattr(memory, "blocking", False)
    step = Invoke(memory.commit, (messages,), blocking, must_finish=True)
    yield step
    step.result()


def _settle(
    plan: Plan, messages: list[Message], usage: Usage, turns: int, misfits: int
) -> Answer | None:
    """Judge the newest message where a text alone does not end the run.

    Gives None when it asks for tools, else an Answer, whose replies have been appended.
    """
    if plan.text_ends_run:
        return PLAIN_ANSWER
    check_tokens(plan.limits, usage)
    answer = read_answer(plan.output, messages[-1])
    if answer is not None:
        messages.extend(answer.replies)
        if not answer.accepted:
            check_reask(plan.limits, misfits + 1, turns, answer.problem)
    return answer


def _check_calls(limits: Limits, messages: list[Message], first: int, turns: int) -> None:
    """Raise LimitReached when the calls of the newest message are not to be carried out."""
    check_turns(limits, turns)
    answered = [item.name for item in messages[first:] if item.role == "tool"]
    made = len(answered) - answered.count(OUTPUT_TOOL)
    check_tool_calls(limits, made + len(messages[-1].tool_calls))


def _sum_up(
    run_id: str,
    response: ModelResponse,
    answer: Answer,
    messages: list[Message],
    usage: Usage,
    turns: int,
    seconds: tuple[float, float, float],
) -> RunOutput:
    content = answer.content or response.message.content
    ended = response.finish_reason, response.model, answer.data
    return RunOutput(run_id, content, messages, usage, turns, *seconds, *ended)


def _partial(
    run_id: str,
    request: ModelRequest,
    first: int,
    usage: Usage | None,
    turns: int,
    seconds: tuple[float, float, float],
) -> RunOutput:
    """Sum up a run that was stopped; every call of a tool gets a result."""
    messages = request.messages[first:]
    last = messages[-1] if messages else None
    if last is not None and last.tool_calls:
        messages += [not_run(call, _STOPPED) for call in last.tool_calls]
    said = [message.content for message in messages if message.role == "assistant"]
    content = request.streamed or (said[-1] if said else "")
    return RunOutput(run_id, content, messages, usage or _NO_USAGE, turns, *seconds, "other")


def _bound_tokens(request: ModelRequest, plan: Plan, usage: Usage | None) -> None:
    """Let a call write no more than the token limit leaves."""
    if plan.limits.tokens is None:
        return
    left = plan.limits.tokens - (usage.total_tokens if usage else 0)
    asked = plan.options.get("max_tokens")
    bound = min(left, asked) if isinstance(asked, int) else left
    request.options = {**plan.options, "max_tokens": max(bound, 1)}


def _checked_response(request: ModelRequest, plan: Plan) -> ModelResponse:
    if request.error is not None:
        raise request.error
    response = request.response
    if not isinstance(response, ModelResponse):
        gave = "nothing" if response is None else f"{type(response).__name__!r}"
        raise ModelError(f"gave {gave}, not a ModelResponse", provider=plan.model.provider)
    return response


def _observe(hooks: Hooks, context: RunContext | None, output: RunOutput) -> None:
    for observer in hooks.on_end:
        try:
            observer(cast("RunContext", context), output)
        except Exception:
            _logger.exception("`on_end` raised")


def _status(error: BaseException) -> Status:
    if not isinstance(error, Exception):
        return "cancelled"
    return _STATUS.get(type(error), "failed")


def _stopped(error: BaseException, partial: RunOutput) -> BaseException:
    """Turn whatever stopped a run into an AgnoError that carries the work done."""
    if isinstance(error, InputError) or not isinstance(error, Exception):
        return error
    if isinstance(error, Rejected):
        stopped: AgnoError = RunRejected(str(error))
    elif isinstance(error, AgnoError):
        # One error object raised in two runs must not show one user's output to the other.
        stopped = error if error.output is None else copy_of(error)
    else:
        stopped = RunFailed(f"{type(error).__name__}: {error}")
    if stopped is not error:
        stopped.__cause__ = error
    stopped.output = partial
    return stopped
