"""Commands as users type them: which Python runs what, and how an engine gets into that."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError

_INTERPRETER = re.compile(r"pythonw?(\d+(\.\d+)?)?t?(\.exe)?")
# Options of the interpreter that take their value as the next word.
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
_SHEBANG_BYTES = 256


class Command(Struct, frozen=True, kw_only=True):
    """A command, taken apart.

    Attributes:
        words: as it can be run.
        interpreter: the Python that runs it, None where that is another program.
        options: of the interpreter.
        kind: what the interpreter is told to run.
        what: the script, the module or the code.
        arguments: of that.
    """

    words: tuple[str, ...]
    interpreter: str | None = None
    options: tuple[str, ...] = ()
    kind: Literal["script", "module", "code"] = "script"
    what: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it runs under this very Python, so that engines can work inside of it."""
        if self.interpreter is None:
            return False
        return _canonical(self.interpreter) == _canonical(sys.executable)


def _canonical(program: str) -> Path:
    # The folder tells environments apart; the links in it lead to one and the same Python.
    return Path(program).absolute().parent


def read_command(words: Sequence[str]) -> Command:
    """Take a command apart.

    Raises:
        InputError: there is no such program.
    """
    first, *others = words
    found = shutil.which(first)
    if found is None:
        raise InputError(f"there is no program `{first}`; give its path, or `script.py`")
    if _INTERPRETER.fullmatch(Path(found).name):
        return _of_python(found, others)
    shebang = _shebang(Path(found))
    if shebang is not None:
        return Command(
            words=(found, *others),
            interpreter=shebang,
            what=found,
            arguments=tuple(others),
        )
    return Command(words=(found, *others))


def _of_python(interpreter: str, rest: Sequence[str]) -> Command:
    words = (interpreter, *rest)
    options: list[str] = []
    left = list(rest)
    while left:
        word = left.pop(0)
        if word in ("-m", "-c") and left:
            what = left.pop(0)
            return Command(
                words=words,
                interpreter=interpreter,
                options=tuple(options),
                kind="module" if word == "-m" else "code",
                what=what,
                arguments=tuple(left),
            )
        if word.startswith("-") and word != "-":
            options.append(word)
            if word in _WITH_VALUE and left:
                options.append(left.pop(0))
            continue
        if not Path(word).exists():
            raise InputError(f"there is no file `{word}`")
        return Command(
            words=words,
            interpreter=interpreter,
            options=tuple(options),
            what=word,
            arguments=tuple(left),
        )
    raise InputError(f"`{' '.join(words)}` runs no program; add a script, `-m` or `-c`")


def _shebang(program: Path) -> str | None:
    """Find the Python that a script names in its first line."""
    try:
        with program.open("rb") as file:
            line = file.read(_SHEBANG_BYTES).partition(b"\n")[0].decode(errors="replace")
    except OSError:
        return None
    if not line.startswith("#!"):
        return None
    named = line[2:].split()
    if named and Path(named[0]).name == "env":
        named = [word for word in named[1:] if not word.startswith("-")][:1]
        named = [found] if named and (found := shutil.which(named[0])) else []
    return named[0] if named and _INTERPRETER.fullmatch(Path(named[0]).name) else None


def inside(command: Command, request: str, engine: str) -> list[str]:
    """Put this package's runner before what a command runs.

    Raises:
        ConfigurationError: another Python, or no Python at all, runs it.
    """
    if command.interpreter is None or not command.is_ours:
        by = command.interpreter or "no Python that can be seen from here"
        raise ConfigurationError(
            f"{engine} works inside of {sys.executable}, but {by} runs `{command.words[0]}`;"
            f" install agno-cli there and call that one's `agno`"
        )
    return [
        *(command.interpreter, *command.options, "-P", "-m", "agno_cli.profiling._runner"),
        request,
    ]
