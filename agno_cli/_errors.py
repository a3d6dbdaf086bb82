"""Every error this package raises on purpose.

AgnoError                      carries `output`, the work done before a run stopped
├── InputError                 the prompt or an argument of a run cannot be used
├── ConfigurationError         an agent, a tool or a setting cannot work as written
│   ├── CredentialsError       a provider needs a key that is not there or was refused
│   └── StorageError           a session database cannot be read or written
├── ModelError                 the provider failed: status, request id, retryable
└── RunError                   a run stopped before its answer
    ├── RunFailed              a hook, a memory or a model raised something unexpected
    ├── RunCancelled           its cancel token was used
    ├── RunRejected            a hook refused the prompt or the answer
    ├── LimitReached           turns, tool calls, tokens or time
    └── OutputInvalid          no answer fitted the output type

Inside a tool or a tool hook, `Rejected` refuses one call: the model is told why and the run
goes on. In a run hook it ends the run as `RunRejected`.
"""

from __future__ import annotations

import copy
from types import WrapperDescriptorType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from ._messages import RunOutput

LimitKind = Literal["turns", "tool_calls", "tokens", "time"]
_E = TypeVar("_E", bound=Exception)


def copy_of(error: _E) -> _E:
    """Give an equal error without a history.

    `copy.copy` calls `__init__` with `args` alone, which fails where it takes others; for the
    errors written in C it is the one way to what they keep beside `args`.
    """
    if isinstance(type(error).__init__, WrapperDescriptorType):
        return copy.copy(error)
    return _rebuild(type(error), error.args, vars(error))


def _rebuild(kind: type[_E], args: tuple[Any, ...], state: dict[str, Any]) -> _E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class AgnoError(Exception):
    """Base of all errors raised on purpose.

    `output` is the partial RunOutput when a run was under way, else None.
    """

    output: RunOutput | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders; the default calls `__init__` with the message alone.
        return _rebuild, (type(self), self.args, vars(self))


class InputError(AgnoError):
    """The prompt or an argument of a run cannot be used."""


class ConfigurationError(AgnoError):
    """An agent, a tool or a setting cannot work as written."""


class CredentialsError(ConfigurationError):
    """A provider needs a key that is not there, or it refused the one it was given."""


class StorageError(ConfigurationError):
    """A session database cannot be read or written."""


class ModelError(AgnoError):
    """A provider failed.

    Args:
        message: what happened, without credentials.
        provider: the provider's name, e.g. `openai`.
        status: the HTTP status, None when there was no answer.
        request_id: the provider's own id of the request, to quote to its support.
        retryable: whether the same request may succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
    ) -> None:
        self.message = message
        self.provider = provider
        self.status = status
        self.request_id = request_id
        self.retryable = retryable
        super().__init__(message)

    def __str__(self) -> str:
        facts = [
            f"status {self.status}" if self.status is not None else "",
            f"request id {self.request_id}" if self.request_id else "",
            "a retry could help" if self.retryable else "a retry would not help",
        ]
        return f"{self.provider}: {self.message} ({', '.join(fact for fact in facts if fact)})"


class RunError(AgnoError):
    """A run stopped before its answer; `output` holds the work done."""


class RunFailed(RunError):
    """A hook, a memory or a model raised something unexpected; see `__cause__`."""


class RunCancelled(RunError):
    """The cancel token of the run was used."""


class RunRejected(RunError):
    """A hook refused the prompt or the answer."""


class LimitReached(RunError):
    """A limit of the run was reached.

    Args:
        kind: which limit.
        message: the limit, with its value and the way to raise it.
    """

    def __init__(self, kind: LimitKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class OutputInvalid(RunError):
    """No answer fitted the output type within the allowed number of re-asks."""


class Rejected(Exception):
    """Raised by a hook to refuse a prompt, an answer or one tool call; its text says why."""
