"""Where a command writes: data on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from agno_cli._errors import AgnoError

SCHEMA_VERSION = 1

# What a terminal obeys instead of showing: C0 and C1 controls but newline and tab, and the
# characters that turn the direction of text, by which it can be made to read as another one
# (CVE-2021-42574). The marks that Arabic and Hebrew need, U+200E, U+200F and U+061C, turn nothing.
_CONTROLS = {
    code: None
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x2070))
    if chr(code) not in "\n\t"
}


class Console:
    """The two streams of a command.

    Args:
        quiet: whether notes and warnings are left out; errors never are.
        verbose: whether details are shown that only help to find a fault.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.out_is_terminal = sys.stdout.isatty()
        self._kept: TextIO | None = None
        self.err_is_terminal = sys.stderr.isatty()

    def write(self, text: str) -> None:
        """Write data as it is; to a terminal, without its control characters."""
        out = self._kept or sys.stdout
        out.write(shown(text) if self.out_is_terminal else text)
        out.flush()

    @contextmanager
    def stdout_kept(self) -> Iterator[None]:
        """Keep stdout for data while the user's code runs: what it prints goes to stderr."""
        self._kept = sys.stdout
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            self._kept = None

    def document(self, command: str, result: Any, **more: Any) -> None:
        """Write the one document of `--json`."""
        import msgspec

        from agno_cli._json import to_json

        document = {"schema_version": SCHEMA_VERSION, "command": command, "result": result}
        text = to_json(document | {"error": None} | more)
        self.write((msgspec.json.format(text) if self.out_is_terminal else text) + "\n")

    @contextmanager
    def documented(self, command: str, *, enabled: bool) -> Iterator[None]:
        """Let an error of the package be a document too, when documents were asked for."""
        try:
            yield
        except AgnoError as error:
            if enabled:
                from agno_cli.cli._errors import as_document

                self.document(command, error.output, error=as_document(error))
            raise

    def note(self, text: str) -> None:
        """Say something about the work on stderr, unless quiet."""
        if not self.quiet:
            self.remark(text + "\n")

    def detail(self, text: str) -> None:
        """Say something on stderr that only helps to find a fault."""
        if self.verbose:
            self.remark(text + "\n")

    def remark(self, text: str, *, dim: bool = True) -> None:
        """Write to stderr, dim where that can be seen."""
        if self.err_is_terminal:
            text = shown(text)
            if dim and styled(sys.stderr):
                text = f"\x1b[2m{text}\x1b[0m"
        sys.stderr.write(text)
        sys.stderr.flush()


def shown(text: str) -> str:
    """Take out the control characters that a terminal would obey."""
    return text.translate(_CONTROLS)


def styled(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether colours and the like may be written to a stream."""
    return stream.isatty() and environment.get("TERM") != "dumb" and not environment.get("NO_COLOR")
