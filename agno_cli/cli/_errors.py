"""What an error means to whoever ran the command: an exit code, a line, a document."""

from __future__ import annotations

import errno
from typing import Any

from agno_cli._errors import (
    AgnoError,
    ConfigurationError,
    InputError,
    LimitReached,
    ModelError,
    OutputInvalid,
    RunCancelled,
    RunFailed,
)
from agno_cli._messages import RunOutput
from agno_cli._user_code import origin
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
    "`take_over=True`": "`--take-over`",
    "`TeamLimits(turns=...)`": "`--max-turns`",
    "`TeamLimits(tokens=...)`": "`--max-tokens`",
    "`seconds=...` in its limits": "`--timeout`",
}

_MOST_QUOTED = 200  # characters of an answer
_OF_OUTPUT = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}


def exit_code(error: BaseException) -> int:
    """Give the exit code of an error that ended a command."""
    for kind, code in _EXIT_CODES:
        if isinstance(error, kind):
            return code
    return getattr(error, "exit_code", 1)  # Typer's usage errors know their own


def describe(error: BaseException) -> str:
    """Say in one line what happened and what to do."""
    if isinstance(error, AgnoError):
        return one_line(_with_options(str(error)) + _of_run(error))
    if hasattr(error, "format_message"):  # Typer's
        return one_line(_usage(error))
    if isinstance(error, OSError):
        return one_line(_of_system(error))
    problem = one_line(f"{type(error).__name__}: {error}")
    return f"internal error: {problem}; run again with `-v` for the traceback, and please report it"


def _of_run(error: AgnoError) -> str:
    """Say what helps whoever is not in a position to look at `error.output` or `__cause__`."""
    if isinstance(error, RunFailed) and error.__cause__ is not None:
        where = origin(error.__cause__)
        return f"{', at ' + where if where else ''}; `-v` shows the traceback"
    if isinstance(error, OutputInvalid):
        return (
            f"; the last one was {_last_answer(error.output)}; give a simpler schema, say in the"
            " prompt what is wanted, or ask another model with `-m`"
        )
    return ""


def _last_answer(output: RunOutput | None) -> str:
    """Quote the beginning of an answer, be it text or a call of the output tool."""
    said = [item for item in output.messages if item.role == "assistant"] if output else []
    if not said:
        return "empty"
    text = " ".join((*(call.arguments for call in said[-1].tool_calls), said[-1].content)).strip()
    more = "..." if len(text) > _MOST_QUOTED else ""
    return f"`{text[:_MOST_QUOTED]}{more}`" if text else "empty"


def _of_system(error: OSError) -> str:
    # Everything but standard output is opened by its name, or has an error of its own.
    if error.filename is None and error.errno in _OF_OUTPUT:
        return f"cannot write to standard output: {error.strerror}; send it elsewhere"
    return str(error)


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


def as_document(error: Exception) -> dict[str, Any]:
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
