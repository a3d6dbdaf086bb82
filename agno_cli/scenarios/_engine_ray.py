"""The engine of many machines: Ray, spoken to through a program of its own.

`import ray` costs seconds and a hundred megabytes, takes signals for itself, and waits for a
cluster that is not there for as long as it likes: all of that is the driver's, whom a time limit
can end, and with it every process that Ray has started here.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec

from agno_cli._errors import ConfigurationError
from agno_cli.scenarios._engines import Crew, Loss, ending
from agno_cli.scenarios._programs import Program, program
from agno_cli.scenarios._ray_messages import Heard, RayJob, Said
from agno_cli.scenarios._work import WorkFailedError

_DRIVER = "agno_cli.scenarios._ray_driver"
_REACH_SECONDS = 5.0
_CONNECT_SECONDS = 120.0
_CREW_SECONDS = 120.0
_END_SECONDS = 15.0
_LOOK_SECONDS = 0.002
_LONGEST_FOLDER = 40  # characters: with what Ray adds, a socket's path has 107 at most


def check_installed(find: Callable[[str], object] = find_spec) -> None:
    """Raise ConfigurationError unless Ray is installed."""
    if find("ray") is None:
        raise ConfigurationError(
            "`--engine ray` needs Ray, which is not installed: `pip install 'agno-cli[ray]'`"
        )


def check_reachable(address: str, seconds: float = _REACH_SECONDS) -> None:
    """Raise ConfigurationError unless somebody listens at a cluster's address."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdigit()):
        raise ConfigurationError(
            f"`--address {address}` is no address of a cluster; write `HOST:6379` or"
            " `ray://HOST:10001`"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigurationError(
            f"no Ray cluster answers at `{address}`: {error}; `ray start --head` starts one"
        ) from error


@contextmanager
def ray_engine(workers: int, address: str) -> Iterator[RayEngine]:
    """Connect to a cluster, or start one on this machine that ends with the block.

    Raises:
        ConfigurationError: Ray is not installed, or the cluster not there or too small.
    """
    check_installed()
    if address:
        check_reachable(address)
    with TemporaryDirectory(prefix="agno-ray-", ignore_cleanup_errors=True) as folder:
        job = RayJob(
            address=address,
            workers=workers or os.cpu_count() or 1,
            folder=folder if len(folder) <= _LONGEST_FOLDER else "",
        )
        with program(_DRIVER, msgspec.json.encode(job)) as driver:
            try:
                yield RayEngine(driver, workers)
            finally:
                driver.finish()
                driver.wait(_END_SECONDS)


class RayEngine:
    """Workers that are actors of a Ray cluster."""

    def __init__(self, driver: Program, workers: int) -> None:
        self._driver = driver
        self.losses: list[Loss] = []
        self._inboxes: dict[int, deque[Heard]] = {}
        self._numbers = iter(range(1, 1_000_000))
        connected = self._wait(0, _CONNECT_SECONDS, "connect to its cluster")
        self.workers = workers or connected.processors
        if self.workers > connected.processors:
            raise ConfigurationError(
                f"the Ray cluster has {connected.processors} processors, too few for"
                f" {self.workers} workers; give fewer `--workers`, or add machines"
            )
        nodes = "a node" if connected.nodes == 1 else f"{connected.nodes} nodes"
        self.name = f"Ray, {self.workers} workers on {nodes}"

    @contextmanager
    def crew(self, workers: int | None = None) -> Iterator[Crew]:
        """Have actors made, in fresh processes; when the block ends, so do they."""
        began = perf_counter()
        made: list[RayWorker] = []
        try:
            made += [self._start() for _ in range(workers or self.workers)]
            clocks = {self._ready(worker) for worker in made}

            def hire() -> RayWorker:
                made.append(self._start())
                self._ready(made[-1])
                return made[-1]

            yield Crew(
                made,
                hire=hire,
                losses=self.losses,
                clocks=clocks,
                startup=perf_counter() - began,
            )
        finally:
            for worker in made:
                self.say(Said(worker.number, "end"))

    def _start(self) -> RayWorker:
        worker = RayWorker(self, next(self._numbers))
        self._inboxes[worker.number] = deque()
        self.say(Said(worker.number, "start"))
        return worker

    def _ready(self, worker: RayWorker) -> str:
        heard = self._wait(worker.number, _CREW_SECONDS, "start a worker")
        worker.where = f"worker {worker.number} on node {heard.node}"
        return heard.clock

    def say(self, said: Said) -> None:
        """Tell the driver something."""
        self._driver.say(msgspec.json.encode(said).decode())

    def hear(self, number: int) -> Heard | None:
        """Give the next thing that was said of a worker, None where there is nothing."""
        inbox = self._inboxes.setdefault(number, deque())
        line = self._driver.hear(_LOOK_SECONDS) if not inbox else None
        while line is not None:
            heard = msgspec.json.decode(line, type=Heard)
            self._inboxes.setdefault(heard.worker, deque()).append(heard)
            line = self._driver.hear(0.0)
        return inbox.popleft() if inbox else None

    @property
    def problem(self) -> str:
        """Why the driver ended; empty while it runs."""
        return ending(self._driver)

    def _wait(self, number: int, seconds: float, what: str) -> Heard:
        ends_at = perf_counter() + seconds
        while perf_counter() < ends_at and not self.problem:
            heard = self.hear(number)
            if heard is not None and not heard.lost:
                return heard
            if heard is not None:
                raise ConfigurationError(f"Ray could not {what}: {heard.lost}")
        reason = self.problem or f"not within {seconds:g} s"
        raise ConfigurationError(f"Ray could not {what}: {reason}")


class RayWorker:
    """An actor of a Ray cluster."""

    def __init__(self, engine: RayEngine, number: int) -> None:
        self.number = number
        self.where = f"worker {number}"
        self._engine = engine
        self._lost = ""

    def begin(self, job: bytes) -> None:
        """Have it do a job."""
        self._engine.say(Said(self.number, "do", job.decode()))

    def hear(self) -> bytes | None:
        """Give what it has said since."""
        if self._engine.problem:
            raise WorkFailedError(f"Ray has ended: {self._engine.problem}")
        heard = self._engine.hear(self.number)
        if heard is not None and heard.lost:
            self._lost = heard.lost
        return None if heard is None or heard.lost else heard.answer.encode()

    def lost(self) -> str:
        """Say how it was lost, empty while it is there."""
        return self._lost
