"""The API service under load: `python -P -m agno_cli.scenarios._api_service JSON`.

An HTTP server (granian) on loopback in this one process: each POST makes an agent, runs it and
answers JSON. It says on stdout, in JSON lines, where it listens; on stdin it is told `facts`,
which it answers with another line, and `stall SECONDS`; when stdin ends, so does it: it cannot
outlive its parent.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - a program of its own
import gc
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agno_cli import Agent, ConfigurationError
from agno_cli.bench._children import report_problem
from agno_cli.bench._server import allow_connections
from agno_cli.scenarios._api_app import Costs, answer, make_agents
from agno_cli.scenarios._cores import pin
from agno_cli.scenarios._definition import AgentTable, ModelTable

# Room for all connections to be opened at once.
_BACKLOG = 16_384
_HEADERS = [("content-type", "application/json")]
COLLECTED_AFTER = 50_000  # objects
_PAGE_KIB = 1024


class ServiceJob(Struct, frozen=True, kw_only=True):
    """What to serve; see AgentTable, ModelTable. `port` is 0 for any, `cores` empty for all."""

    agent: AgentTable
    model: ModelTable
    seed: int = 1
    port: int = 0
    connections: int = 1
    cores: tuple[int, ...] = ()


class Facts(Struct, frozen=True):
    """What the service says of itself.

    Attributes:
        port: where it listens.
        at: `time.perf_counter` when it said so.
        cpu: seconds of processor time, of all threads.
        memory, peak: resident bytes now, and the most so far.
        costs: of the requests so far.
        server: name and version.
        loop: of events.
    """

    port: int
    at: float
    cpu: float
    memory: int
    peak: int
    costs: Costs
    server: str
    loop: str


def make_app(make: Callable[[], Agent], costs: Costs) -> Any:
    """Make the application, in granian's own interface (RSGI)."""

    async def app(scope: Any, protocol: Any) -> None:
        if scope.method != "POST":
            protocol.response_empty(405, [("allow", "POST")])
            return
        body = await protocol()
        try:
            reply = await answer(body, make, costs)
        except msgspec.DecodeError as error:
            protocol.response_str(400, [], str(error))
        except Exception as error:
            costs.problem = costs.problem or f"{type(error).__name__}: {error}"
            protocol.response_str(500, [], f"{type(error).__name__}: {error}")
        else:
            protocol.response_bytes(200, _HEADERS, reply)

    return app


def free_port(port: int) -> int:
    """Give a port that nobody listens on.

    granian shares a port with whoever else asks to share it, so that is looked at here.

    Raises:
        ConfigurationError: somebody does.
    """
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} cannot be listened on: {error.strerror}; give another `--port`, or"
                " none for any that is free"
            ) from error
        found: int = probe.getsockname()[1]
        return found


async def serve(job: ServiceJob) -> None:
    """Serve until standard input ends."""
    from granian import __version__
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server.embed import Server

    say = take_stdout()
    costs = Costs()
    make = make_agents(job.agent, job.model, job.seed)
    port = free_port(job.port)
    server = Server(
        make_app(make, costs),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    await _listening(port, serving)
    tune_collector()
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]

    def facts() -> Facts:
        name = f"granian {__version__}"
        used = time.process_time()
        return Facts(port, time.perf_counter(), used, *resident(), costs, name, loop)

    say(facts())
    await _obey(lambda: say(facts()), serving)


def tune_collector() -> None:
    """Have the garbage collector look less often, as services do; the report says so.

    With thousands of requests in flight, looking after every 700 objects, as it does by default,
    took a third of the service's time; what a request leaves behind holds no cycles.
    """
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be looked at again
    gc.set_threshold(COLLECTED_AFTER, 20, 20)


async def _listening(port: int, serving: asyncio.Task[None]) -> None:
    for _ in range(500):
        if serving.done():
            await serving
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise ConfigurationError(f"the service does not listen on port {port}")


async def _obey(say_facts: Callable[[], None], serving: asyncio.Task[None]) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async for line in lines:
        word, _, rest = line.decode().strip().partition(" ")
        if serving.done():
            await serving
            return
        if word == "facts":
            say_facts()
        elif word == "stall":
            time.sleep(float(rest))  # noqa: ASYNC251 - the whole service is to stand still


def take_stdout() -> Callable[[Facts], None]:
    """Keep stdout for the parent process; what the user's code prints goes to stderr."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return lambda facts: _write_all(kept, msgspec.json.encode(facts) + b"\n")


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def resident() -> tuple[int, int]:
    """Give the resident bytes of this process, now and at their peak.

    Where there is no /proc both are the peak.
    """
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`: that begins with what the parent had when it started this process.
        lines = (line.split() for line in status.read_text().splitlines())
        sizes = {words[0]: words[1] for words in lines if len(words) > 1}
        return int(sizes["VmRSS:"]) * _PAGE_KIB, int(sizes["VmHWM:"]) * _PAGE_KIB
    if sys.platform == "win32":
        return 0, 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak, peak) if sys.platform == "darwin" else (peak * _PAGE_KIB, peak * _PAGE_KIB)


def main() -> None:
    """Serve what the first argument says."""
    logging.disable(logging.CRITICAL)
    with report_problem():
        job = msgspec.json.decode(sys.argv[1], type=ServiceJob)
        pin(job.cores)
        allow_connections(job.connections)
        run_in_loop(serve(job))


def run_in_loop(work: Any) -> None:
    """Run a coroutine on uvloop, where it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    main()
