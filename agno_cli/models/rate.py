"""A bound on the requests and tokens a minute that a model is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from time import monotonic

from agno_cli._errors import ConfigurationError
from agno_cli._messages import ModelResponse
from agno_cli._tools import Tool
from agno_cli.models._allotment import Allotment, Bucket, Cost
from agno_cli.models._protocol import Model, ModelRequest
from agno_cli.models._waiting import Allowance, Bell, OutOfTime, Waits
from agno_cli.models._wire import EncodedTools
from agno_cli.models._wrapper import Gate

_MINUTE = 60.0
_CHARACTERS_PER_TOKEN = 4  # of English; OpenAI's rule of thumb
# How long an answer may be, by the names that providers have for it.
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class RateLimit(Gate[Cost]):
    """A model that is asked for at most so many requests and tokens a minute.

    A token bucket, as providers have it: it holds what `burst_seconds` bring, and fills all the
    time. So after a pause that much may pass at once, and in any `t` seconds no more than that
    and what `t` seconds bring.

    A request takes its estimated tokens when it passes; when its answer tells the usage, the
    difference is given back or taken on top, which may leave a debt that later requests wait
    for. A call that fails, is stopped or reports no usage keeps its estimate. An answer out of
    a cache gives everything back, its request too. One that needs more than the bucket holds
    waits for a full one.

    Requests wait in the order in which they came, threads and tasks of any event loop together.
    One that could not pass within the time of its run fails at once.

    Args:
        model: the model that answers, or `provider:name`.
        requests: how many a minute, None for any number.
        tokens: how many a minute, those of prompts and answers together, None for any number.
        estimate: gives a request's tokens; by default a quarter of the characters sent, and
            `max_tokens` where the options have it.
        burst_seconds: how much may pass at once, as the seconds that bring it; a provider that
            counts by the second wants 1.
        clock: gives seconds that only grow.

    Raises:
        ConfigurationError: no bound, or one that is no number above 0.
        ModelError: from a request: it could not pass in time.

    >>> from agno_cli import Agent, ScriptedModel
    >>> limited = RateLimit(ScriptedModel(["Paris."]), requests=60, tokens=10_000)
    >>> Agent(limited).run("Capital of France?").content
    'Paris.'
    """

    def __init__(
        self,
        model: Model | str,
        *,
        requests: float | None = None,
        tokens: float | None = None,
        estimate: Callable[[ModelRequest], float] | None = None,
        burst_seconds: float = _MINUTE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        bounds = {"requests": requests, "tokens": tokens}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        for name, bound in {**given, "burst_seconds": burst_seconds}.items():
            if not isinstance(bound, int | float) or not 0 < bound < float("inf"):
                raise ConfigurationError(f"`{name}` is {bound!r}; give a number above 0")
        if not given:
            raise ConfigurationError("a rate limit without a bound; give `requests` or `tokens`")
        super().__init__(model)
        self._estimate = (estimate or Estimate()) if tokens is not None else None
        self._clock = clock
        self._bound = " and ".join(f"{bound:g} {name}" for name, bound in given.items())
        self._awaited = f"room in the rate limit of {self._bound} a minute"
        self._allotment = Allotment(
            _bucket(requests, burst_seconds), _bucket(tokens, burst_seconds)
        )

    def _cost(self, request: ModelRequest) -> Cost:
        return Cost(1.0, 0.0 if self._estimate is None else self._estimate(request))

    def _enter(self, cost: Cost) -> bool:
        return self._allotment.take(cost, self._clock())

    def _queue(self, cost: Cost, bell: Bell, allowance: Allowance) -> Waits:
        self._check_time(self._allotment.forecast(cost, self._clock()), allowance)
        with closing(self._allotment.queue(cost, bell, self._clock)) as waits:
            for seconds in waits:
                self._check_time(seconds or 0.0, allowance)
                yield seconds

    def _leave(self, cost: Cost, response: object) -> None:
        if not isinstance(response, ModelResponse):
            return
        usage = response.usage
        requests, tokens = cost.requests - usage.requests, 0.0
        # Not every provider reports tokens; an answer out of a cache has used none.
        if self._estimate is not None and (usage.total_tokens or not usage.requests):
            tokens = cost.tokens - usage.total_tokens
        if requests or tokens:
            self._allotment.give_back(requests, tokens, self._clock())

    def _check_time(self, seconds: float, allowance: Allowance) -> None:
        remaining = allowance.remaining()
        if remaining is not None and seconds > remaining:
            raise OutOfTime(
                f"the rate limit of {self._bound} a minute would hold this request up for"
                f" {seconds:.3g} s, more than its run has left",
                provider=self.provider,
                retryable=True,
            )


def _bucket(per_minute: float | None, burst_seconds: float) -> Bucket:
    if per_minute is None:
        return Bucket(float("inf"), float("inf"))
    # A bucket that never held one request would never let one pass.
    return Bucket(max(per_minute * burst_seconds / _MINUTE, 1.0), per_minute / _MINUTE)


class Estimate:
    """Guesses the tokens that a request will use, without a tokenizer."""

    def __init__(self) -> None:
        self._tools = EncodedTools()

    def __call__(self, request: ModelRequest) -> float:
        """Give the tokens that are sent, about, and the most that may come back if that is told."""
        characters = len(request.system)
        for message in request.messages:
            characters += len(message.content) + len(message.reasoning)
            for call in message.tool_calls:
                characters += len(call.name) + len(call.arguments)
        if request.tools:
            characters += len(memoryview(self._tools(request.tools, _described)))
        tokens = characters / _CHARACTERS_PER_TOKEN
        if request.options:
            given = [request.options.get(name) for name in _LENGTHS]
            tokens += max([length for length in given if isinstance(length, int)], default=0)
        return tokens

    def __reduce__(self) -> tuple[type[Estimate], tuple[()]]:
        return Estimate, ()


def _described(tool: Tool) -> list[object]:
    return [tool.name, tool.description, tool.parameters]
