"""Models that stand in for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from agno_cli._errors import ConfigurationError, ModelError, RunError
from agno_cli._messages import ModelResponse
from agno_cli.models._protocol import Model, ModelRequest, StreamItem
from agno_cli.models._retry import asked_wait
from agno_cli.models._waiting import Allowance
from agno_cli.models._wrapper import Wrapper, aopened, opened

_T = TypeVar("_T")

Errors = type[Exception] | tuple[type[Exception], ...]


class FallbackModel(Wrapper):
    """The first of several models that answers.

    It passes for the first one. Each request begins with that; the next is asked when one fails,
    as long as the run has time, and a stream only while nothing of it has been passed on.
    `ModelResponse.model`, and `RunOutput.model`, name the one that answered. All are handed the
    same `options`. When none answers, the error tells what each has said.

    There is no circuit breaker that counts and probes; `rest_seconds` is the simple form of one.
    What makes a model give up soon enough is its own `patience`.

    Args:
        first: a Model, or `provider:name`.
        others: those that stand in for it, in order.
        on: the errors after which the next one is asked, or a function of an error. A run that
            was cancelled or stopped never falls back.
        rest_seconds: how long a model that failed is asked last, after the others.
        clock: gives seconds that only grow.

    Raises:
        ConfigurationError: nothing that stands in, or `on` names no errors.
        ModelError: from a request: no model answered.

    >>> from agno_cli import Agent, ModelError, ScriptedModel
    >>> down = ScriptedModel([ModelError("down", provider="acme", retryable=True)])
    >>> Agent(FallbackModel(down, ScriptedModel(["Paris."]))).run("Capital?").content
    'Paris.'
    """

    def __init__(
        self,
        first: Model | str,
        *others: Model | str,
        on: Errors | Callable[[Exception], bool] = ModelError,
        rest_seconds: float = 0.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if not others:
            raise ConfigurationError("a fallback of one model; give those that stand in for it")
        if not isinstance(rest_seconds, int | float) or not 0 <= rest_seconds < float("inf"):
            raise ConfigurationError(f"`rest_seconds` is {rest_seconds!r}; give seconds, 0 or more")
        super().__init__(first, *others)
        self.quick = all(model.quick for model in self._models)
        self._passes_on: Callable[[Exception], bool] = _test_of(on)
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._rested = [float("-inf")] * len(self._models)  # when each may be asked in its turn

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Have the first model answer that can."""
        relay = _Relay(self, request)
        for model in self._order():
            try:
                return _signed(model.complete(relay.request()), model)
            except Exception as error:
                if not relay.goes_on(model, error):
                    raise
        raise relay.nobody()

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Have the first model answer that can."""
        relay = _Relay(self, request)
        for model in self._order():
            try:
                return _signed(await model.acomplete(relay.request()), model)
            except Exception as error:
                if not relay.goes_on(model, error):
                    raise
        raise relay.nobody()

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Have the first model answer in pieces that can."""
        relay = _Relay(self, request)
        for model in self._order():
            started = False
            try:
                with opened(model, relay.request()) as items:
                    for item in items:
                        started = True
                        yield _signed(item, model)
            except Exception as error:
                if started or not relay.goes_on(model, error):
                    raise
            else:
                return
        raise relay.nobody()

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Have the first model answer in pieces that can."""
        relay = _Relay(self, request)
        for model in self._order():
            started = False
            try:
                async with aopened(model, relay.request()) as items:
                    async for item in items:
                        started = True
                        yield _signed(item, model)
            except Exception as error:
                if started or not relay.goes_on(model, error):
                    raise
            else:
                return
        raise relay.nobody()

    def _order(self) -> Sequence[Model]:
        if not self._rest_seconds:
            return self._models
        now = self._clock()
        waits = [until > now for until in self._rested]
        order = sorted(range(len(waits)), key=waits.__getitem__)  # stable: each group in order
        return [self._models[number] for number in order]

    def _rest(self, model: Model) -> None:
        if self._rest_seconds:
            self._rested[self._models.index(model)] = self._clock() + self._rest_seconds


class _Relay:
    """One request on its way from model to model."""

    __slots__ = ("_allowance", "_failures", "_fallback", "_request")

    def __init__(self, fallback: FallbackModel, request: ModelRequest) -> None:
        self._fallback = fallback
        self._request = request
        self._allowance = Allowance(request, fallback.provider)
        self._failures: list[tuple[Model, Exception]] = []

    def request(self) -> ModelRequest:
        """Give the request with the time that is left."""
        return self._allowance.left(self._request)

    def goes_on(self, model: Model, error: Exception) -> bool:
        """Note a failure, and tell whether the next model is to be asked."""
        if isinstance(error, RunError) or self._allowance.is_over():
            return False
        if not self._fallback._passes_on(error):  # noqa: SLF001 - its other half
            return False
        self._failures.append((model, error))
        # A request that is wrong in itself says nothing about the next.
        if getattr(error, "retryable", True):
            self._fallback._rest(model)  # noqa: SLF001 - its other half
        return True

    def nobody(self) -> ModelError:
        """Sum up what all models have said."""
        said = [f"{name_of(model)} said {_text_of(error)!r}" for model, error in self._failures]
        errors = [error for _, error in self._failures]
        summary = ModelError(
            f"no model answered: {'; '.join(said)}",
            provider=self._fallback.provider,
            retryable=any(getattr(error, "retryable", False) for error in errors),
        )
        waits = [wait for error in errors if (wait := asked_wait(error)) is not None]
        if len(waits) == len(errors):
            vars(summary)["retry_after"] = min(waits)
        summary.__cause__ = errors[-1]
        return summary


def name_of(model: Model) -> str:
    """Give a model's whole name, `provider:name`."""
    return f"{model.provider}:{model.name}"


def _text_of(error: Exception) -> str:
    return error.message if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"


def _signed(item: _T, model: Model) -> _T:
    """Name the model in a response that does not."""
    if isinstance(item, ModelResponse) and not item.model:
        return replace(item, model=name_of(model))
    return item


def _test_of(on: Errors | Callable[[Exception], bool]) -> Callable[[Exception], bool]:
    """Make one test of either form of `on`; picklable where that is."""
    if callable(on) and not isinstance(on, type):
        return on
    kinds: tuple[Any, ...] = on if isinstance(on, tuple) else (on,)
    if kinds and all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return _IsOneOf(kinds)
    raise ConfigurationError(f"`on` is {on!r}; give types of errors, or a function of one")


class _IsOneOf(Struct, frozen=True):
    kinds: tuple[type[Exception], ...]

    def __call__(self, error: Exception) -> bool:
        return isinstance(error, self.kinds)
