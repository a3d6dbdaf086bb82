"""Running `runner.py` with a peer's worker file, in the peer's interpreter, and reading it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from agno_cli.bench._children import CouldNotMeasureError, run_command

_RUNNER = Path(__file__).with_name("runner.py")

# What the libraries read, each its own: nobody is phoned, nothing is traced.
_QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "AGNO_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}
# All that a peer sees of this process's environment: no keys, and none of the user's settings.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")


class About(Struct, frozen=True):
    """What a worker says of itself; `attempts` are the hosts its library tried to reach."""

    version: str
    python: str
    imports: str
    equal: tuple[str, ...]
    different: tuple[str, ...]
    attempts: tuple[str, ...]


class Line(Struct, frozen=True):
    """One line of a worker's output: what is known of one measure, or of the worker."""

    measure: str = ""
    problem: str = ""
    loops: int = 0
    values: tuple[float, ...] = ()
    counts: dict[str, float] = {}
    operations: int = 0
    note: str = ""
    about: About | None = None


class Answer(Struct, frozen=True):
    """All that a worker wrote, also when it then failed; `problem` says how, else it is empty."""

    lines: tuple[Line, ...]
    problem: str = ""


class Bench(Struct, frozen=True):
    """Where a peer is measured.

    Args:
        python: its interpreter.
        worker: its worker file.
        home: a folder that it has to itself, instead of the user's.
        here: whether it is measured as it is installed for this interpreter.
    """

    python: Path
    worker: Path
    home: Path
    here: bool

    def variables(self) -> dict[str, str]:
        """Give all environment variables of its processes."""
        passed_on = (*_PASSED_ON, "PYTHONPATH") if self.here else _PASSED_ON
        passed = {name: os.environ[name] for name in passed_on if name in os.environ}
        return {**passed, **_QUIET, **dict.fromkeys(_HOMES, str(self.home))}

    def seconds_of(self, statement: str, limit: float) -> float:
        """Time a process that does a statement, in seconds.

        Raises:
            CouldNotMeasureError: it failed, or did not end within the limit.
        """
        return run_command(
            [self.python, "-P", "-c", statement],
            seconds=limit,
            environment=self.variables(),
            folder=self.home,
        )

    def ask(
        self,
        task: str,
        *arguments: str,
        limit: float,
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        """Have the worker do a task within a limit, in seconds; it never raises for a peer."""
        problem = ""
        with TemporaryDirectory() as folder:
            output = Path(folder, "found.jsonl")
            try:
                run_command(
                    [self.python, "-P", _RUNNER, self.worker, output, task, *arguments],
                    seconds=limit,
                    environment={**self.variables(), **(variables or {})},
                    folder=self.home,
                )
            except CouldNotMeasureError as error:
                problem = str(error)
            return _read(output, problem)


def _read(output: Path, problem: str) -> Answer:
    try:
        written = output.read_bytes().splitlines()
    except OSError:
        return Answer((), problem or "it wrote no results")
    lines, rubbish = _decode(written)
    return Answer(lines, problem or rubbish)


def _decode(written: Sequence[bytes]) -> tuple[tuple[Line, ...], str]:
    lines: list[Line] = []
    for text in written:
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            return tuple(lines), f"it wrote what is no result: {text[:80]!r}"
        if any(value <= 0 for value in line.values):
            return tuple(lines), f"it says that {line.measure} took no time"
        lines.append(line)
    return tuple(lines), ""
