"""memray's live view of a target: `python -P -m agno_cli.profiling._live TASK` is what it runs."""

from __future__ import annotations

import sys

import msgspec

from agno_cli._errors import ConfigurationError
from agno_cli.bench._operations import Workbench
from agno_cli.profiling._commands import read_command
from agno_cli.profiling._memory import MemorySettings
from agno_cli.profiling._targets import Target
from agno_cli.profiling._tracking import choose_tracker
from agno_cli.profiling._work import find_work


def live_command(target: Target, settings: MemorySettings) -> list[str]:
    """Give the command that shows it.

    Raises:
        ConfigurationError: memray is missing, or cannot get into the program.
    """
    choose_tracker("memray")
    run = ["-m", "memray", "run", "--live", "--trace-python-allocators"]
    run += ["--native"] * settings.native
    if target.kind != "program":
        encoded = msgspec.json.encode(target).decode()
        return [sys.executable, "-P", *run, "-m", "agno_cli.profiling._live", encoded]
    command = read_command(target.command)
    if not command.is_ours or command.interpreter is None:
        raise ConfigurationError(
            f"memray works inside of {sys.executable}, which does not run `{command.words[0]}`"
        )
    what = {"script": [], "module": ["-m"], "code": ["-c"]}[command.kind]
    return [
        *(command.interpreter, *command.options, *run, *what, command.what),
        *command.arguments,
    ]


def main(text: str) -> None:
    """Repeat a target until its user has seen enough."""
    target = msgspec.json.decode(text, type=Target)
    with Workbench(find_work(target).prepare()) as bench:
        bench.verify()
        while True:
            bench.time(1)


if __name__ == "__main__":
    main(sys.argv[1])
