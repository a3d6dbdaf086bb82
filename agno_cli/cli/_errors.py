"""What an error means to whoever ran the command: an exit code, a line, a document."""

from __future__ import annotations

from typing import Any

from agno_cli._errors import (
    AgnoError,
    ConfigurationError,
    InputError,
    LimitReached,
    ModelError,
    OutputInvalid,
    RunCancelled,
)
from agno_cli.cli._console import shown

_EXIT_CODES: tuple[tuple[type[AgnoError], int], ...] = (
    (InputError, 2),
    (ConfigurationError, 5),
    (ModelError, 6),
    (LimitReached, 7),
    (OutputInvalid, 8),
    (RunCancelled, 130),
)

# The library names the argument that raises a limit; here the way out is an option.
_OPTIONS = {
    "`Limits(turns=...)`": "`--max-turns`",
    "`Limits(tokens=...)`": "`--max-tokens`",
    "`Limits(seconds=...)`": "`--timeout`",
}


def exit_code(error: BaseException) -> int:
    """Give the exit code of an error that ended a command."""
    for kind, code in _EXIT_CODES:
        if isinstance(error, kind):
            return code
    return getattr(error, "exit_code", 1)  # Typer's usage errors know their own


def describe(error: BaseException) -> str:
    """Say in one line what happened and what to do."""
    if isinstance(error, AgnoError):
        return one_line(_with_options(str(error)))
    if hasattr(error, "format_message"):  # Typer's
        return one_line(_usage(error))
    if isinstance(error, OSError):
        return one_line(str(error))
    problem = one_line(f"{type(error).__name__}: {error}")
    return f"internal error: {problem}; run again with `-v` for the traceback, and please report it"


def _with_options(text: str) -> str:
    for argument, option in _OPTIONS.items():
        text = text.replace(argument, option)
    return text


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    message: str = error.format_message()
    if context is None:
        return message
    return f"{message.rstrip('.')}; see `{context.command_path} --help`"


def one_line(text: str) -> str:
    """Fold a text into one line that cannot act on a terminal."""
    return shown(" ".join(text.split()))


def as_document(error: AgnoError) -> dict[str, Any]:
    """Give an error in the form that `--json` and `--jsonl` show."""
    document: dict[str, Any] = {
        "type": type(error).__name__,
        "message": describe(error),
        "exit_code": exit_code(error),
    }
    for fact in ("provider", "status", "request_id", "retryable", "kind"):
        if hasattr(error, fact):
            document[fact] = getattr(error, fact)
    return document
