"""The command line. `main` is its only error boundary: no command catches to exit.

Nothing heavy is imported until `main` runs, so that an interrupt at any time is answered here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO, TypeAlias

State: TypeAlias = dict[str, bool]
"""What commands tell the boundary: `verbose` when tracebacks are wanted."""

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; nothing is raised.

    Args:
        arguments: the command line without the program's name; by default that of this process,
            whose end is then this function's to arrange too.
    """
    if arguments is not None:
        return _answered(arguments)
    _leave_on_interrupt()
    code = _answered(None)
    _leave_on_interrupt()
    if code == INTERRUPTED:
        _leave()
    return code


def _leave_on_interrupt() -> None:
    """Have Ctrl-C end the process at once, without a traceback, but for the time of a command.

    Only a command has something to put in order. Modules that are being loaded are left in any
    state, and the interpreter's end waits for a local model to come to a stop.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as by nohup
        signal.signal(signal.SIGINT, _leave)


def _raise_on_interrupt() -> None:
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(*_: object) -> NoReturn:
    os._exit(INTERRUPTED)


def _answered(arguments: Sequence[str] | None) -> int:
    state: State = {}
    try:
        _prepare_streams()
        code = _invoke(arguments, state)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _hang_up()
        return 0
    except Exception as error:
        return _report(error, state)
    return code


def _invoke(arguments: Sequence[str] | None, state: State) -> int:
    from agno_cli.cli._app import command, program_name

    called = command()
    _raise_on_interrupt()
    try:
        result = called.main(
            args=arguments, prog_name=program_name(), standalone_mode=False, obj=state
        )
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # Typer turns it into an exit of 1
            raise stop.__context__ from None
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return result if isinstance(result, int) else 0


def _report(error: Exception, state: State) -> int:
    from agno_cli.cli._errors import describe, exit_code

    try:
        if state.get("verbose"):
            import traceback

            traceback.print_exception(error)
        print(f"error: {describe(error)}", file=sys.stderr)  # noqa: T201 - the boundary's own
        sys.stdout.flush()
    except OSError:  # nobody reads any more
        _hang_up()
    return exit_code(error)


def _prepare_streams() -> None:
    """Make standard output and error fit for any text, whatever the locale.

    A pipe gets UTF-8, with the bytes of a lone surrogate kept visible instead of an exception;
    a terminal gets what it can show.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:  # closed by the caller, as by `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lives as long as the process
            continue
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.isatty():
            reconfigure(errors="backslashreplace")
        elif reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _hang_up() -> None:
    """Point standard output and error at nothing: the flush at exit must not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
