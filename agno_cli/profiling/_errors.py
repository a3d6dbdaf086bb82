"""What profiling may fail with, beside bad input and code that cannot be imported."""

from __future__ import annotations

from agno_cli._errors import AgnoError


class CouldNotProfileError(AgnoError):
    """The target failed, or an engine did; its text says why, in one line."""

    exit_code = 4


class TookTooLongError(CouldNotProfileError):
    """The target did not come to an end, or not even to its beginning, in time."""

    exit_code = 7


class ProviderFailedError(CouldNotProfileError):
    """The provider that a real run asked failed."""

    exit_code = 6
