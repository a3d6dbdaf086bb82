"""The straight way through a plain run: what most runs do, without the loop's steps.

A plain run has no hook, memory, output type or limit of time or tokens. Its turns are taken
here, in half the time of the loop's generator and driver, while they are of the common kind: a
proper response that ends the run or asks for one tool call. Whatever else comes up is left to
the loop, which goes on from there. A property test holds both ways to the same outputs.
"""

from __future__ import annotations

from time import perf_counter

from ._calls import carry_out
from ._loop import Begun, first_request
from ._messages import ModelResponse, RunOutput, Usage
from ._plan import Plan
from ._tools import tool_message
from .models._protocol import ModelRequest


def run_straight(plan: Plan, run_id: str, prompt: str) -> RunOutput | Begun:
    """Take the turns of a plain run in this thread, to its end or to what the loop must see.

    Raises:
        InputError: the prompt is empty.
    """
    started = perf_counter()
    request = first_request(plan, prompt)
    messages = request.messages
    model_seconds = tool_seconds = 0.0
    turns = 0
    usage: Usage | None = None
    while True:
        before = perf_counter()
        try:
            response = plan.model.complete(request)
        except BaseException as error:  # the loop raises it with the work done
            request.error = error
            response = None
        model_seconds += perf_counter() - before
        if type(response) is not ModelResponse:
            break
        message = response.message
        calls = message.tool_calls
        if calls and (len(calls) > 1 or turns + 1 >= plan.turns_before_check):
            break
        messages.append(message)
        turns += 1
        usage = response.usage if usage is None else usage + response.usage
        if not calls:
            return RunOutput(
                run_id,
                message.content,
                messages,
                usage,
                turns,
                perf_counter() - started,
                model_seconds,
                tool_seconds,
                response.finish_reason,
                response.model,
            )
        (call,) = calls
        result = carry_out(plan, None, call)
        messages.append(tool_message(call, result))
        tool_seconds += result.seconds
        request.turn = turns + 1
    request.response = response
    return Begun(request, started, model_seconds, tool_seconds, turns, usage)


def finish_at_once(
    run_id: str, request: ModelRequest, started: float, model_seconds: float
) -> RunOutput | None:
    """End a plain run whose first answer is its last; None leaves it to the loop.

    The way of asynchronous runs, whose tools are called in threads and tasks.
    """
    response = request.response
    if type(response) is not ModelResponse:
        return None
    message = response.message
    if message.tool_calls:
        return None
    request.messages.append(message)
    return RunOutput(
        run_id,
        message.content,
        request.messages,
        response.usage,
        1,
        perf_counter() - started,
        model_seconds,
        0.0,
        response.finish_reason,
        response.model,
    )
