"""Runs a user's program as Python would, under an engine or bare, and notes how long it took.

`python -P -m agno_cli.profiling._runner REQUEST`, where the request is JSON.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

Engine: TypeAlias = Literal[
    "", "pyinstrument", "cprofile", "memray", "memray-native", "tracemalloc"
]


class Request(Struct, frozen=True):
    """What to run, under which engine, and where to note what."""

    kind: Literal["script", "module", "code"]
    what: str
    arguments: tuple[str, ...]
    engine: Engine
    interval: float
    capture: str
    outcome: str


class Outcome(Struct, frozen=True):
    """How it went: wall and computing seconds, the exit code, and what was raised."""

    seconds: float
    computed: float
    code: int
    problem: str = ""


def main(text: str) -> int:
    """Run the program; give its exit code."""
    request = msgspec.json.decode(text, type=Request)
    _import_before(request.engine)
    process, folder = os.getpid(), _import_folder(request)
    code, problem = 0, ""
    started, computed = perf_counter(), process_time()
    try:
        with _under(request):
            started, computed = perf_counter(), process_time()
            try:
                profiled_part(request, folder)
            finally:
                seconds, computed = perf_counter() - started, process_time() - computed
    except SystemExit as error:
        code, problem = _code(error), _said(error)
    except BaseException as error:
        code, problem = 1, _raised(error)
    if os.getpid() == process:
        outcome = msgspec.json.encode(Outcome(seconds, computed, code, problem))
        Path(request.outcome).write_bytes(outcome)
    return code


def _import_folder(request: Request) -> str:
    """Give the folder that a program's imports are looked for in first."""
    return str(Path(request.what).resolve().parent if request.kind == "script" else Path.cwd())


def profiled_part(request: Request, folder: str) -> None:
    """Run it as the main program; by this function's name its stacks are told from ours."""
    import runpy

    sys.argv = [request.what, *request.arguments]
    sys.path.insert(0, folder)
    if request.kind == "script":
        runpy.run_path(request.what, run_name="__main__")
        return
    if request.kind == "module":
        runpy.run_module(request.what, run_name="__main__", alter_sys=True)
        return
    sys.argv = ["-c", *request.arguments]
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(request.what, "<string>", "exec"), names)  # noqa: S102 - what `python -c` does


@contextmanager
def _under(request: Request) -> Iterator[None]:
    if not request.engine:
        yield
    elif request.engine in ("pyinstrument", "cprofile"):
        from agno_cli.profiling._inside import profiling

        with profiling(request.engine, request.interval, Path(request.capture)):
            yield
    else:
        from agno_cli.profiling._tracking import tracking

        native = request.engine == "memray-native"
        with tracking(request.engine.partition("-")[0], Path(request.capture), native=native):
            yield


def _import_before(engine: Engine) -> None:
    """Load what the runner itself needs, so that it is in nobody's profile."""
    import pkgutil  # noqa: F401 - only loaded, as `runpy` does later
    import runpy  # noqa: F401 - only loaded

    if engine == "pyinstrument":
        import asyncio  # noqa: F401 - only loaded


def _code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _said(error: SystemExit) -> str:
    return "" if error.code is None or isinstance(error.code, int) else str(error.code)


def _raised(error: BaseException) -> str:
    from agno_cli.profiling._messages import describe

    return describe(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
