"""A model that is asked again after it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from agno_cli._errors import ConfigurationError, ModelError
from agno_cli._messages import ModelResponse
from agno_cli.models._protocol import Model, ModelRequest, StreamItem
from agno_cli.models._retry import Attempts, Failure, Patience, asked_wait
from agno_cli.models._wrapper import Wrapper, aopened, opened


class RetryPolicy(Wrapper):
    """A model that is asked again when it fails with a ModelError whose `retryable` is true.

    The wait before the next attempt is what the provider asked for (`Retry-After`) and a random
    part on top, whose bound doubles with each attempt. A stream is tried again only while
    nothing of it has been passed on. The last error is raised when the attempts are used up, the
    run's time would be, or the provider asks for too long a wait.

    Providers over HTTP retry by themselves, three times: each attempt of this policy is then
    four of theirs. It is for models that do not, and for a `FallbackModel` as a whole; where it
    wraps one that does, give that one `patience=Patience(retries=0)`.

    Args:
        model: the model that answers, or `provider:name`.
        attempts: how often it is asked in all.
        backoff_seconds: the bound of the first random wait; no wait's is above 8 seconds.
        longest_wait_seconds: the longest `Retry-After` that is waited for.

    Raises:
        ConfigurationError: a bound that makes no sense.

    >>> from agno_cli import Agent, ScriptedModel
    >>> Agent(RetryPolicy(ScriptedModel(["Paris."]), attempts=5)).run("Capital?").content
    'Paris.'
    """

    def __init__(
        self,
        model: Model | str,
        *,
        attempts: int = 3,
        backoff_seconds: float = 0.5,
        longest_wait_seconds: float = 60.0,
    ) -> None:
        if type(attempts) is not int or attempts < 1:
            raise ConfigurationError(f"`attempts` is {attempts!r}; give a whole number from 1 up")
        seconds = {
            "backoff_seconds": backoff_seconds,
            "longest_wait_seconds": longest_wait_seconds,
        }
        for name, value in seconds.items():
            if not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise ConfigurationError(f"`{name}` is {value!r}; give seconds, 0 or more")
        super().__init__(model)
        self._patience = Patience(retries=attempts - 1, **seconds)

    def complete(self, request: ModelRequest) -> ModelResponse:
        """Have the model answer, again when it fails."""
        attempts = Attempts(self._patience, request, self.provider)
        while True:
            try:
                return self._model.complete(attempts.left(request))
            except ModelError as error:
                attempts.pause(_failure(error))

    async def acomplete(self, request: ModelRequest) -> ModelResponse:
        """Have the model answer, again when it fails."""
        attempts = Attempts(self._patience, request, self.provider)
        while True:
            try:
                return await self._model.acomplete(attempts.left(request))
            except ModelError as error:
                await attempts.apause(_failure(error))

    def stream(self, request: ModelRequest) -> Iterator[StreamItem]:
        """Have the model answer in pieces, again when it fails before the first."""
        attempts = Attempts(self._patience, request, self.provider)
        started = False
        while True:
            try:
                with opened(self._model, attempts.left(request)) as items:
                    for item in items:
                        started = True
                        yield item
            except ModelError as error:
                attempts.pause(_failure(error), started=started)
            else:
                return

    async def astream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """Have the model answer in pieces, again when it fails before the first."""
        attempts = Attempts(self._patience, request, self.provider)
        started = False
        while True:
            try:
                async with aopened(self._model, attempts.left(request)) as items:
                    async for item in items:
                        started = True
                        yield item
            except ModelError as error:
                await attempts.apause(_failure(error), started=started)
            else:
                return


def _failure(error: ModelError) -> Failure:
    failure = Failure(error, again=error.retryable, wait=asked_wait(error))
    failure.__cause__ = error.__cause__
    return failure
