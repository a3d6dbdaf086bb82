"""The program that speaks to Ray: `python -P -m agno_cli.scenarios._ray_driver JOB`.

It obeys lines on stdin, and ends when that does: with it end its actors and, where the cluster
is its own, every process of that. A cluster of its own speaks on loopback only.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import msgspec

from agno_cli.bench._children import report_problem
from agno_cli.scenarios._process import take_stdout
from agno_cli.scenarios._ray_messages import Heard, RayJob, Said

_LOOK_SECONDS = 0.01
_LONGEST = 120  # characters of what Ray says of a lost worker
_PIECE_BYTES = 65_536
_STORE_BYTES = 80 * 1024**2  # the least that Ray takes; nothing is kept there


class Actor:
    """A worker; see `_work.py`."""

    def where(self) -> tuple[str, str]:
        """Give its node and its clock."""
        import ray

        from agno_cli.scenarios._process import clock_name

        return str(ray.get_runtime_context().get_node_id())[:8], clock_name()

    def perform(self, job: bytes) -> bytes:
        """Do a job."""
        from agno_cli.scenarios._work import perform

        return perform(job)


def connect(job: RayJob) -> Any:
    """Connect to the cluster, or start one."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nobody is told of it
    quiet = {"log_to_driver": False, "configure_logging": False}
    if job.address:
        ray = import_module("ray")
        ray.init(address=job.address, **quiet)
        return ray
    # What makes Ray use 127.0.0.1; without it, it listens on all interfaces of the machine, and
    # `_node_ip_address` does not change that.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray = import_module("ray")
    place = {"_temp_dir": job.folder} if job.folder else {}
    ray.init(
        address="local",
        num_cpus=job.workers,
        object_store_memory=_STORE_BYTES,
        include_dashboard=False,
        **quiet,
        **place,
    )
    return ray


class Driver:
    """The actors, and what they are doing."""

    def __init__(self, ray: Any, say: Callable[[bytes], None]) -> None:
        self._ray = ray
        self._say = say
        options = {"num_cpus": 1, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        self._make = ray.remote(**options)(Actor).remote
        self._actors: dict[int, Any] = {}
        self._pending: dict[Any, int] = {}

    def greet(self) -> None:
        """Say what the cluster has."""
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        processors = sum(int(node["Resources"].get("CPU", 0)) for node in nodes)
        self.tell(Heard(worker=0, nodes=len(nodes), processors=processors))

    def tell(self, heard: Heard) -> None:
        """Say something to the engine."""
        self._say(msgspec.json.encode(heard))

    def obey(self, said: Said) -> None:
        """Do what the engine says."""
        if said.deed == "start":
            actor = self._actors[said.worker] = self._make()
            self._pending[actor.where.remote()] = said.worker
        elif said.deed == "do":
            actor = self._actors[said.worker]
            self._pending[actor.perform.remote(said.job.encode())] = said.worker
        elif said.worker in self._actors:
            self._ray.kill(self._actors.pop(said.worker))
            kept = self._pending.items()
            self._pending = {ref: number for ref, number in kept if number != said.worker}

    def look(self) -> None:
        """Pass on what the actors have answered."""
        if not self._pending:
            return
        there, _ = self._ray.wait(list(self._pending), timeout=_LOOK_SECONDS)
        for ref in there:
            number = self._pending.pop(ref)
            try:
                answer = self._ray.get(ref)
            except self._ray.exceptions.RayError as error:
                # Of a job's own errors none gets here: they are answers.
                self.tell(Heard(worker=number, lost=_first_line(error)))
                continue
            if isinstance(answer, bytes):
                self.tell(Heard(worker=number, answer=answer.decode()))
            else:
                self.tell(Heard(worker=number, node=answer[0], clock=answer[1]))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else "no reason given"
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return f"{type(error).__name__}: {said}"


def _lines() -> queue.SimpleQueue[bytes]:
    """Read stdin in a thread; an empty line says that it has ended.

    Not by `sys.stdin`, whose lock a thread that still reads would hold when Python ends.
    """
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        rest = b""
        while data := os.read(0, _PIECE_BYTES):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    return lines


def _waiting(lines: queue.SimpleQueue[bytes], seconds: float) -> Iterator[bytes]:
    try:
        yield lines.get(timeout=seconds)
        while True:
            yield lines.get_nowait()
    except queue.Empty:
        return


def main() -> None:
    """Obey until stdin ends."""
    with report_problem():
        say = take_stdout()
        lines = _lines()
        ray = connect(msgspec.json.decode(sys.argv[1], type=RayJob))
        try:
            driver = Driver(ray, say)
            driver.greet()
            while True:
                for line in _waiting(lines, _LOOK_SECONDS):
                    if not line:
                        return
                    driver.obey(msgspec.json.decode(line, type=Said))
                driver.look()
        finally:
            ray.shutdown()


if __name__ == "__main__":
    main()
