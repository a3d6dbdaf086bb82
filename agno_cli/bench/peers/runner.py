"""Check, time and count one peer: a program for the peer's own interpreter.

    python -P runner.py WORKER OUTPUT TASK [MEASURE ...] [--values N] [--min-seconds S]

It uses the standard library alone, and memray where that is installed. TASK is `check`, `time`
or `count`. What it finds goes to OUTPUT, one JSON object a line, each as soon as it is known:
libraries print what they like, hang and crash, and what was measured before that is kept.

WORKER is a Python file about one library. It defines

    IMPORT          the statement whose cost is measured as `import`
    DISTRIBUTION    the installed distribution whose version is reported, or ""
    EQUAL           what is the same as for the others, a tuple of sentences
    DIFFERENT       what is not, a tuple of sentences
    prepare(task)   imports the library and gives a dict of functions:
        create()                an agent without tools
        create_tool()           an agent with the tool `task.add`
        run(agent, prompt)      the text of its answer
        arun(agent, prompt)     the same awaited, where the library can

The agents' model, a fake one, answers what `task.reply` says. Of the functions, those that a
library cannot offer may be missing.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import platform
import socket
import sys
import tracemalloc
from collections.abc import Callable, Coroutine, Sequence
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType
from typing import Any, NamedTuple

PROMPT = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
TOOL_PROMPT = "What is 2 + 3?"
SUM = "The sum is 5."

_WARMUPS = 1
# Counting is exact, so few operations do; and reading what memray wrote of a second of
# allocations takes minutes.
_MOST_COUNTED, _FEWEST_COUNTED, _COUNTED_SECONDS = 1_000, 20, 0.05
# Two trackers that differ by more than this see different things.
_DISAGREEMENT = 0.02


class WorkNotDoneError(Exception):
    """A peer did not do what is to be measured."""


class Task:
    """The work that is the same for all peers.

    Attributes:
        calls: how often `add` was called.
        arguments: what the model calls `add` with.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.arguments = {"a": 2, "b": 3}

        def add(a: int, b: int) -> int:
            """Add two numbers.

            Args:
                a: The first number.
                b: The second number.
            """
            self.calls += 1
            return a + b

        self.add = add

    @staticmethod
    def reply(prompt: str, result: str | None) -> str | None:
        """Give the text that the model answers; None when it calls `add` with `arguments`.

        Args:
            prompt: the user's message, with whatever the library puts around it.
            result: what `add` gave as the model sees it, None before it was called.
        """
        if result is not None:
            return f"The sum is {result}."
        return None if TOOL_PROMPT in prompt else ANSWER


class Measure(NamedTuple):
    """One operation of a peer, and what it must give.

    Attributes:
        call: does it; may give a coroutine, `awaited` says.
        answer: gives the text to check, of what `call` gave.
        expected: that text.
        tool_calls: how often one operation calls the tool.
    """

    call: Callable[[], Any]
    answer: Callable[[Any], str]
    expected: str
    tool_calls: int = 0
    awaited: bool = False


def measures(functions: dict[str, Callable[..., Any]]) -> dict[str, Measure]:
    """Make the measures from the functions of a worker."""
    create, run = functions["create"], functions["run"]
    agent = create()
    made = {
        "create": Measure(create, lambda made: str(run(made, PROMPT)), ANSWER),
        "run": Measure(lambda: run(agent, PROMPT), str, ANSWER),
    }
    if "create_tool" in functions:
        armed = functions["create_tool"]()
        made["create_tool"] = Measure(
            functions["create_tool"], lambda made: str(run(made, TOOL_PROMPT)), SUM
        )
        made["run_tool"] = Measure(lambda: run(armed, TOOL_PROMPT), str, SUM, tool_calls=1)
    if "arun" in functions:
        arun = functions["arun"]
        made["arun"] = Measure(lambda: arun(agent, PROMPT), str, ANSWER, awaited=True)
    return {name: made[name] for name in ORDER if name in made}


ORDER = ("create", "create_tool", "run", "run_tool", "arun")


class Bench:
    """Does measures and checks them. All awaiting is done in one event loop."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._loop: Any = None

    def time(self, measure: Measure, loops: int) -> float:
        """Time an operation in seconds, `loops` times in all, and check the last result.

        Raises:
            WorkNotDoneError: the answer or the number of tool calls is wrong.
        """
        called = self.task.calls
        if measure.awaited:
            seconds, result = self._wait(_time_awaited(measure.call, loops))
        else:
            seconds, result = _time(measure.call, loops)
        _expect(self.task.calls - called, loops * measure.tool_calls, "tool calls")
        _expect(measure.answer(result), measure.expected, "answer")
        return float(seconds)

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(coroutine)

    def values(self, measure: Measure, values: int, min_seconds: float) -> tuple[int, list[float]]:
        """Give the number of loops that was found good, and seconds per operation."""
        loops = self._calibrate(measure, min_seconds)
        seconds = []
        for _ in repeat(None, _WARMUPS + values):
            gc.collect()
            seconds.append(self.time(measure, loops) / loops)
        return loops, seconds[_WARMUPS:]

    def _calibrate(self, measure: Measure, min_seconds: float) -> int:
        loops = 1
        while (seconds := self.time(measure, loops)) < min_seconds:
            # The first operation of all may be slow: never more than tenfold at once.
            loops *= min(10, max(2, int(1.2 * min_seconds / max(seconds, 1e-9))))
        return loops


def _time(call: Callable[[], Any], loops: int) -> tuple[float, Any]:
    result = None
    started = perf_counter()
    for _ in repeat(None, loops):
        result = call()
    return perf_counter() - started, result


async def _time_awaited(call: Callable[[], Any], loops: int) -> tuple[float, Any]:
    result = None
    started = perf_counter()
    for _ in repeat(None, loops):
        result = await call()
    return perf_counter() - started, result


def _expect(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        raise WorkNotDoneError(f"{what}: {actual!r} instead of {expected!r}")


def count(bench: Bench, measure: Measure) -> dict[str, Any]:
    """Count live bytes and allocations per operation whose result is kept.

    Raises:
        ValueError: the operation is awaited; what is counted would be a coroutine.
    """
    if measure.awaited:
        raise ValueError("an awaited operation cannot be counted")
    bench.time(measure, 3)
    seconds = bench.time(measure, 3) / 3
    operations = int(_COUNTED_SECONDS / max(seconds, 1e-9))
    operations = max(_FEWEST_COUNTED, min(_MOST_COUNTED, operations))
    gc.collect()
    gc.disable()
    traced = _quotient(lambda number: (_traced_bytes(measure.call, number),), operations)[0]
    if importlib.util.find_spec("memray") is None:
        note = "memray is not installed there: bytes by tracemalloc, no allocations"
        return {"counts": {"bytes": traced}, "operations": operations, "note": note}
    live, allocations = _quotient(lambda number: _tracked(measure.call, number), operations)
    # Under memray each call of a Python function allocates a frame: not that of `create` itself.
    allocations -= _quotient(lambda number: _tracked(_nothing, number), operations)[1]
    note = ""
    if abs(live - traced) > _DISAGREEMENT * max(abs(live), abs(traced)):
        note = f"tracemalloc sees {traced:,.0f} live bytes, memray {live:,.0f}"
    counts = {"bytes": live, "allocations": allocations}
    return {"counts": counts, "operations": operations, "note": note}


def _nothing() -> None:
    """Do what a call costs."""


def _quotient(measure: Callable[[int], tuple[float, ...]], operations: int) -> tuple[float, ...]:
    measure(operations)  # the first use of a tracker allocates for itself
    once, twice = measure(operations), measure(2 * operations)
    return tuple((b - a) / operations for a, b in zip(once, twice, strict=True))


def _traced_bytes(call: Callable[[], Any], operations: int) -> float:
    places, indices = _places(operations)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    _keep(call, places, indices)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


def _tracked(call: Callable[[], Any], operations: int) -> tuple[float, float]:
    import memray

    freeing = {
        memray.AllocatorType.FREE,
        memray.AllocatorType.MUNMAP,
        memray.AllocatorType.PYMALLOC_FREE,
    }
    places, indices = _places(operations)
    with TemporaryDirectory() as folder:
        path = Path(folder, "events")
        with memray.Tracker(path, trace_python_allocators=True):
            _keep(call, places, indices)
        with memray.FileReader(path) as reader:
            live = sum(
                record.size for record in reader.get_leaked_allocation_records(merge_threads=True)
            )
            allocations = sum(
                record.n_allocations
                for record in reader.get_allocation_records()
                if record.allocator not in freeing
            )
    return live, allocations


def _places(operations: int) -> tuple[list[Any], list[int]]:
    """Make room for the results beforehand, so that keeping them allocates nothing."""
    return [None] * operations, list(range(operations))


def _keep(call: Callable[[], Any], places: list[Any], indices: list[int]) -> None:
    for index in indices:
        places[index] = call()


def refuse_network() -> list[str]:
    """Refuse every connection that leaves this machine; give the list that will name them."""
    attempts: list[str] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    resolve = socket.getaddrinfo

    def refuse(host: object) -> None:
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
        if name not in {"", "None", "localhost", "::1"} and not name.startswith("127."):
            attempts.append(name)
            raise OSError(f"no network while a peer is measured: {name}")

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                refuse(address[0])
            return real(self, address)

        return connect

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        refuse(host)
        return resolve(host, *args, **kwargs)

    vars_of_socket: Any = socket.socket
    vars_of_socket.connect, vars_of_socket.connect_ex = guarded(connect), guarded(connect_ex)
    socket.getaddrinfo = guarded_resolve
    return attempts


def load(path: str) -> ModuleType:
    """Import a worker file under a name that no library has; it is not on the path."""
    spec = importlib.util.spec_from_file_location("agno_peer_worker", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where libraries look up annotations
    spec.loader.exec_module(module)
    return module


def version(distribution: str) -> str:
    """Give the version of an installed distribution, empty when there is none of that name."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(distribution) if distribution else ""
    except PackageNotFoundError:
        return ""


class Program:
    """One task, from the command line to the lines of its output."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.attempts = refuse_network()
        self.worker = load(options.worker)
        self.task = Task()
        self.bench = Bench(self.task)
        self.measures = measures(self.worker.prepare(self.task))

    def run(self) -> None:
        """Do the task for each measure."""
        do = {"check": self._check, "time": self._time, "count": self._count}[self.options.task]
        for name in self.options.measures or self.measures:
            try:
                found = do(self.measures[name])
            except Exception as error:
                found = {"problem": " ".join(f"{type(error).__name__}: {error}".split())}
            self._write({"measure": name, **found})
        if self.options.task == "check":
            self._write({"about": self._about()})

    def _check(self, measure: Measure) -> dict[str, Any]:
        self.bench.time(measure, 1)
        self.bench.time(measure, 2)
        return {}

    def _time(self, measure: Measure) -> dict[str, Any]:
        options = self.options
        loops, values = self.bench.values(measure, options.values, options.min_seconds)
        return {"loops": loops, "values": values}

    def _count(self, measure: Measure) -> dict[str, Any]:
        return count(self.bench, measure)

    def _about(self) -> dict[str, Any]:
        return {
            "version": version(self.worker.DISTRIBUTION),
            "python": platform.python_version(),
            "imports": self.worker.IMPORT,
            "equal": list(self.worker.EQUAL),
            "different": list(self.worker.DIFFERENT),
            "attempts": sorted(set(self.attempts)),
        }

    def _write(self, found: dict[str, Any]) -> None:
        with Path(self.options.output).open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")


def main(arguments: Sequence[str]) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("output")
    parser.add_argument("task", choices=("check", "time", "count"))
    parser.add_argument("measures", nargs="*")
    parser.add_argument("--values", type=int, default=3)
    parser.add_argument("--min-seconds", type=float, default=0.05)
    Program(parser.parse_args(arguments)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stderr.flush()
    # Threads of a library may not end, and what it does at exit is not measured.
    os._exit(0)
