"""The command line. `main` is its only error boundary: no command catches to exit.

Nothing is imported that Python has not loaded, until `main` has said what an interrupt means:
`signal` and `typing` alone take 20 ms, in which Ctrl-C would be a traceback.
"""

from __future__ import annotations

import errno
import io
import os
import sys

TYPE_CHECKING = False  # as type checkers know it, without `typing`
if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence
    from typing import NoReturn
else:
    import _signal as signal  # the part in C

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
    sys.unraisablehook = _lose_no_interrupt
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


def _lose_no_interrupt(unraisable: sys.UnraisableHookArgs) -> None:
    """Repeat an interrupt that came where Python drops what is raised, and do so elsewhere.

    Such as the weakref callbacks of the import system: one Ctrl-C in a hundred came to nothing.
    """
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)
        return
    import _thread

    _thread.start_new_thread(_interrupt_later, (_thread.get_ident(),))


def _interrupt_later(thread: int) -> None:
    import time

    from agno_cli.cli._interrupts import interrupt

    time.sleep(0.01)
    interrupt(thread)


def _answered(arguments: Sequence[str] | None) -> int:
    state: dict[str, bool] = {}  # `verbose` when tracebacks are wanted
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


def _invoke(arguments: Sequence[str] | None, state: dict[str, bool]) -> int:
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


def _report(error: Exception, state: dict[str, bool]) -> int:
    from agno_cli.cli._errors import describe, exit_code

    if exit_code(error) == INTERRUPTED:
        return INTERRUPTED
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
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.isatty():
            reconfigure(errors="backslashreplace")
        elif reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _replace_closed_streams() -> None:
    """Put something in the place of streams that the caller has closed, as by `>&-`.

    Messages may get lost, data may not. The descriptors are taken too, lest a database become
    number 1, where native code writes unasked.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process


class _ClosedOutput(io.TextIOBase):
    """A standard output to which nothing can be written; writing nothing is fine."""

    def write(self, text: str) -> int:
        if text:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return 0


def _hang_up() -> None:
    """Point standard output and error at nothing: the flush at exit must not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
