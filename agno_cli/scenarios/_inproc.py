"""Requests without HTTP, all in one process: `python -P -m agno_cli.scenarios._inproc JOB`.

The same work for each request as the service does, called on a schedule by the event loop that
does it: there is no network and no second process, so the figures are the work's own, and are
no requests a second of any service. The first line on stdin, when it comes, is a stall's length.
"""

from __future__ import annotations

import asyncio  # noqa: TID253 - a program of its own
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli import Agent
from agno_cli.bench._children import report_problem
from agno_cli.scenarios._api_app import Costs, Reply, answer, make_agents
from agno_cli.scenarios._api_service import (
    Facts,
    resident,
    run_in_loop,
    take_stdout,
    tune_collector,
)
from agno_cli.scenarios._definition import AgentTable, ModelTable
from agno_cli.scenarios._recording import (
    CONNECTION,
    DROPPED,
    OK,
    TIMEOUT,
    WRONG,
    Head,
    Job,
    Recording,
    opened,
)

_START_AFTER = 0.05


class InprocJob(Struct, frozen=True, kw_only=True):
    """A generator's job, with what the service would have been told."""

    job: Job
    agent: AgentTable
    model: ModelTable
    seed: int = 1


class Dispatcher:
    """Calls what is due, and writes its times down."""

    def __init__(self, job: Job, recording: Recording, make: Callable[[], Agent]) -> None:
        self._job = job
        self._recording = recording
        self._make = make
        self.costs = Costs()
        self._body = job.body.encode()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._picked = self._sent = self._done = self._errors = 0
        self._started = 0.0
        self.stopped = False

    async def run(self) -> None:
        """Do the whole job."""
        head = self._recording.head
        self._started = perf_counter() + _START_AFTER + self._job.warmup
        head[Head.STARTED] = self._started
        before = perf_counter()
        try:
            while not self._is_over(before):
                # An early look would be a task's; this one is at what is due now.
                self._pick(before)
                await asyncio.sleep(0)
                now = perf_counter()
                if now >= self._started:
                    self._note_most()
                before = now
        finally:
            await self._give_up()
            head[Head.ENDED] = 1.0

    def _pick(self, now: float) -> None:
        recording, due = self._recording, now - self._started
        while self._picked < recording.count and self._is_due(due):
            if self._job.closed:
                recording.intended[self._picked] = due
            recording.picked[self._picked] = now
            self._picked += 1
        while self._sent < self._picked and len(self._tasks) < self._job.max_in_flight:
            task = asyncio.get_running_loop().create_task(self._handle(self._sent))
            self._tasks[self._sent] = task
            self._sent += 1
        recording.head[Head.PICKED], recording.head[Head.SENT] = self._picked, self._sent

    def _is_due(self, due: float) -> bool:
        if not self._job.closed:
            return self._recording.intended[self._picked] <= due
        return self._picked - self._done < self._job.closed and due < self._job.duration

    async def _handle(self, request: int) -> None:
        self._recording.sent[request] = perf_counter()
        outcome = CONNECTION
        try:
            async with asyncio.timeout(self._job.timeout):
                reply = _decode(await answer(self._body, self._make, self.costs))
            self._recording.model[request] = reply.model_seconds
            outcome = OK if self._job.expected in (None, reply.content) else WRONG
        except TimeoutError:
            outcome = TIMEOUT
        except asyncio.CancelledError:
            return
        except Exception as error:
            self.costs.problem = self.costs.problem or f"{type(error).__name__}: {error}"
        finally:
            del self._tasks[request]
        self._recording.done[request] = perf_counter()
        self._recording.outcome[request] = outcome
        self._done += 1
        self._errors += outcome != OK
        head = self._recording.head
        head[Head.DONE], head[Head.ERRORS] = self._done, self._errors

    def _is_over(self, now: float) -> bool:
        over = now - self._started
        last = self._job.duration if self._job.closed else self._recording.intended[-1]
        if self.stopped or over > last + self._job.timeout:
            return True
        all_picked = over >= last if self._job.closed else self._picked == self._recording.count
        return all_picked and self._sent == self._picked and not self._tasks

    def _note_most(self) -> None:
        head = self._recording.head
        head[Head.MOST_QUEUED] = max(head[Head.MOST_QUEUED], self._picked - self._sent)
        head[Head.MOST_IN_FLIGHT] = max(head[Head.MOST_IN_FLIGHT], len(self._tasks))

    async def _give_up(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for request in range(self._sent, self._picked):
            self._recording.outcome[request] = DROPPED


_decode = msgspec.json.Decoder(Reply).decode


async def work(given: InprocJob, recording: Recording) -> None:
    """Do the job, and obey what comes on stdin meanwhile, as the service does."""
    say = take_stdout()
    make = make_agents(given.agent, given.model, given.seed)
    dispatcher = Dispatcher(given.job, recording, make)
    tune_collector()
    loop = asyncio.get_running_loop()

    def facts() -> None:
        kind = type(loop).__module__.partition(".")[0]
        used = time.process_time()
        say(Facts(0, perf_counter(), used, *resident(), dispatcher.costs, "none", kind))

    def obey() -> None:
        line = os.read(0, 4096).decode()
        if not line:
            dispatcher.stopped = True
            loop.remove_reader(0)
        for words in map(str.split, line.splitlines()):
            if words[0] == "facts":
                facts()
            elif words[0] == "stall":
                time.sleep(float(words[1]))

    facts()
    loop.add_reader(0, obey)
    await dispatcher.run()
    facts()


def main() -> None:
    """Do the job that the first argument says."""
    with report_problem():
        given = msgspec.json.decode(sys.argv[1], type=InprocJob)
        with opened(Path(given.job.path), given.job.count) as recording:
            run_in_loop(work(given, recording))


if __name__ == "__main__":
    main()
