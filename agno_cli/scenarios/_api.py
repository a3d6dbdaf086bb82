"""An API service under load: started, asked on a schedule, watched, and stopped."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli.scenarios import _cores
from agno_cli.scenarios._api_fold import Observed, fold
from agno_cli.scenarios._api_service import Facts, ServiceJob
from agno_cli.scenarios._arrivals import schedule
from agno_cli.scenarios._definition import ApiRun, Scenario
from agno_cli.scenarios._inproc import InprocJob
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._programs import Program, program
from agno_cli.scenarios._recording import Head, Job, Recording, created
from agno_cli.scenarios._result import Progress, Report, RunResult
from agno_cli.scenarios._run import Summary
from agno_cli.scenarios._target import Target, find_target

_SERVICE = "agno_cli.scenarios._api_service"
_GENERATOR = "agno_cli.scenarios._generator"
_INPROC = "agno_cli.scenarios._inproc"
_START_SECONDS = 30.0
_FACTS_SECONDS = 5.0
_TICK_SECONDS = 0.25
_SAMPLE = 500
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is the user's alone
_LONGEST_BODY = 8_192


class Step(Struct, frozen=True):
    """Which of how many runs or trials, and what it is called."""

    number: int
    steps: int
    name: str


def run(scenario: Scenario, options: Options, report: Report) -> Iterator[RunResult | Summary]:
    """Do the runs of a scenario, or search for the largest rate of each."""
    _check(options)
    target = None
    if options.url is not None:
        target = find_target(options.url, allow_remote=options.allow_remote)
    # Another's service has its own models: runs that differ by theirs would be the same.
    runs = scenario.runs if target is None else scenario.runs[:1]
    for number, one in enumerate(runs, 1):
        if not isinstance(one, ApiRun):
            raise TypeError(f"{type(one).__name__} is no run of an API")
        _check_run(one, options)
        if options.find_max:
            from agno_cli.scenarios._api_search import search

            yield from search(one, options, report, target)
            return
        step = Step(number, len(runs), one.name or scenario.name)
        result = measure(one, options, report, step, target)
        yield result
        if result.conclusion in {"interrupted", "problem"}:
            return


def _check(options: Options) -> None:
    if options.url is not None and options.transport == "inproc":
        raise InputError("`--url` is HTTP; drop `--transport inproc`")
    if options.url is not None and options.inject_stall is not None:
        raise InputError("`--inject-stall` stops our own service; drop `--url`")
    if options.url is not None and (options.agent or options.model or options.latency):
        raise InputError("`--url` has its own agents; drop `--agent`, `--model` and `--latency`")
    if options.find_max and options.inject_stall is not None:
        raise InputError("`--find-max` and `--inject-stall` contradict each other; give one")


def _check_run(one: ApiRun, options: Options) -> None:
    if len(one.agent.prompt.encode()) > _LONGEST_BODY:
        raise ConfigurationError(
            f"agent.prompt is longer than {_LONGEST_BODY:,} bytes, which one request may carry"
        )
    stall = options.inject_stall
    if stall is not None and not 0 < stall < one.load.duration / 2:
        raise InputError(
            f"`--inject-stall` of {stall:g} s does not fit into the second half of"
            f" {one.load.duration:g} s; give a shorter stall or a longer `--duration`"
        )
    if options.find_max and one.load.arrival in {"closed", "ramp"}:
        raise InputError(
            f"`--find-max` needs a rate to change; this run's arrival is `{one.load.arrival}`"
        )


def measure(
    one: ApiRun, options: Options, report: Report, step: Step, target: Target | None
) -> RunResult:
    """Do one run."""
    intended = schedule(one.load)
    first = sum(1 for at in intended if at < 0)
    began = perf_counter()
    with _folder(len(intended)) as folder:
        path = folder / "recording"
        with created(path, intended) as recording:
            watch = _Watch(one, options, report, step, recording)
            if options.transport == "inproc":
                observed = watch.inproc(_job(one, path, recording.count, target))
            else:
                observed = watch.http(_job(one, path, recording.count, target), target)
            seconds = perf_counter() - began
            return fold(one, step.name, recording, first, observed, seconds)


@contextmanager
def _folder(count: int) -> Iterator[Path]:
    """Make a folder in memory, where there is room: writing pages back to a disk stalls."""
    needed = 2 * 64 * count
    in_memory = _SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK)
    if in_memory and shutil.disk_usage(_SHARED_MEMORY).free < needed:
        in_memory = False
    where = _SHARED_MEMORY if in_memory else None
    with tempfile.TemporaryDirectory(prefix="agno-scenario-", dir=where) as folder:
        yield Path(folder)


def _job(one: ApiRun, path: Path, count: int, target: Target | None) -> Job:
    load = one.load
    real = bool(one.model.name or one.agent.reference)
    place = target or Target("127.0.0.1", "127.0.0.1", 0, "/run")
    # Another's service gets no more connections than the load needs.
    first = load.connections if target is None or load.arrival == "closed" else 1
    most = load.connections if load.arrival == "closed" else load.max_in_flight
    return Job(
        path=str(path),
        count=count,
        address=place.address,
        host=place.host,
        port=place.port,
        path_on_host=place.path,
        body=msgspec.json.encode({"prompt": one.agent.prompt}).decode(),
        expected=None if target is not None or real else one.model.answer,
        within=load.expect,
        closed=load.connections if load.arrival == "closed" else 0,
        warmup=load.warmup,
        duration=load.duration,
        connections=first,
        max_in_flight=max(most, first),
        timeout=load.timeout,
        spins=(os.cpu_count() or 1) > 1,
    )


class _Watch:
    """Looks after the processes of one run."""

    def __init__(
        self, one: ApiRun, options: Options, report: Report, step: Step, recording: Recording
    ) -> None:
        self._run = one
        self._options = options
        self._report = report
        self._step = step
        self._recording = recording
        self._idle: Facts | None = None
        self._before: Facts | None = None
        self._after: Facts | None = None
        self._stalled = options.inject_stall is None
        self._problem = self._example = ""
        self._partial = False
        self._last = (0.0, 0.0)

    def http(self, job: Job, target: Target | None) -> Observed:
        """Run the service, unless there is one, and the generator against it."""
        cores = _cores.shares(2)
        job = msgspec.structs.replace(job, cores=cores[1])
        try:
            if target is not None:
                self._generate(job, None)
                return self._observed(cores)
            service_job = ServiceJob(
                agent=self._run.agent,
                model=self._run.model,
                seed=self._run.load.seed,
                port=self._options.port,
                connections=job.max_in_flight,
                cores=cores[0],
            )
            with program(_SERVICE, msgspec.json.encode(service_job)) as service:
                self._idle = _first_facts(service)
                self._generate(msgspec.structs.replace(job, port=self._idle.port), service)
        except KeyboardInterrupt:
            self._partial = True
        return self._observed(cores)

    def inproc(self, job: Job) -> Observed:
        """Run the work itself on the schedule, in one process."""
        cores = _cores.shares(1)
        given = InprocJob(
            job=job, agent=self._run.agent, model=self._run.model, seed=self._run.load.seed
        )
        try:
            with program(_INPROC, msgspec.json.encode(given)) as work:
                self._idle = _first_facts(work)
                self._watch(work, work)
        except KeyboardInterrupt:
            self._partial = True
        return self._observed([cores[0], cores[0]])

    def _observed(self, cores: list[tuple[int, ...]]) -> Observed:
        return Observed(
            idle=self._idle,
            before=self._before,
            after=self._after,
            problem=self._problem,
            example=self._example or (self._after.costs.problem if self._after else ""),
            partial=self._partial,
            stall=self._options.inject_stall if self._stalled else None,
            transport="url" if self._options.url else self._options.transport,
            url=self._options.url or "",
            cores=tuple(cores),
        )

    def _generate(self, job: Job, service: Program | None) -> None:
        with program(_GENERATOR, msgspec.json.encode(job)) as generator:
            self._watch(generator, service)
            self._example = (generator.hear(0.5) or "").strip()
            if generator.code and not self._problem:
                said = generator.problem() or f"it ended with exit code {generator.code}"
                self._problem = said.removeprefix("Gone: ")

    def _watch(self, generator: Program, service: Program | None) -> None:
        """Wait for the end, whoever brings it; what is asked of the service is asked here."""
        try:
            while not generator.wait(_TICK_SECONDS):
                if service is not None and service.code is not None:
                    self._problem = _died(service)
                    generator.finish()
                    break
                self._look(service)
        except KeyboardInterrupt:
            self._partial = True
            generator.finish()
        if service is None:
            return
        self._after = _heard(service) if service is generator else _facts(service)
        # A generator that found nobody may have been quicker to see it.
        if generator.code and not self._problem and service.wait(_TICK_SECONDS):
            self._problem = _died(service)

    def _look(self, service: Program | None) -> None:
        started = self._recording.head[Head.STARTED]
        at = perf_counter() - started if started else -self._run.load.warmup
        if at >= 0 and self._before is None and service is not None:
            self._before = _facts(service)
        if not self._stalled and service is not None and at >= self._run.load.duration / 2:
            self._stalled = True
            service.say(f"stall {self._options.inject_stall}")
        self._report(self._progress(at))

    def _progress(self, at: float) -> Progress:
        head = self._recording.head
        done, now = head[Head.DONE], perf_counter()
        (last_done, last_now), self._last = self._last, (done, now)
        responses = sorted(self._newest(int(done)))
        return Progress(
            run=self._step.name,
            step=self._step.number,
            steps=self._step.steps,
            done=min(max(at, 0.0), self._run.load.duration),
            total=self._run.load.duration,
            what="warm-up" if at < 0 else "",
            rate=(done - last_done) / (now - last_now) if last_now else None,
            p99=responses[int(0.99 * (len(responses) - 1))] if responses else None,
            in_flight=int(head[Head.SENT] - done),
            errors=int(head[Head.ERRORS]),
        )

    def _newest(self, done: int) -> Iterator[float]:
        """Sample the newest responses: enough for a glance, too few to disturb who is measured."""
        started = self._recording.head[Head.STARTED]
        for number in range(max(0, done - 4 * _SAMPLE), done, 4):
            ended = self._recording.done[number]
            if ended:
                yield ended - started - self._recording.intended[number]


def _first_facts(service: Program) -> Facts:
    """Wait until it serves.

    Raises:
        ConfigurationError, InputError: it cannot.
    """
    ends_at = perf_counter() + _START_SECONDS
    while perf_counter() < ends_at:
        line = service.hear(0.1)
        if line is not None:
            return msgspec.json.decode(line, type=Facts)
        if service.code is not None:
            break
    else:
        raise ConfigurationError(f"the service did not start within {_START_SECONDS:g} s")
    line = service.hear(0.1)
    kind, _, problem = service.problem().partition(": ")
    if kind == "InputError":
        raise InputError(problem)
    if kind == "ConfigurationError":
        raise ConfigurationError(problem)
    said = service.problem() or f"it ended with exit code {service.code}"
    raise ConfigurationError(f"the service did not start: {said}")


def _facts(service: Program) -> Facts | None:
    service.say("facts")
    return _heard(service)


def _heard(service: Program) -> Facts | None:
    line = service.hear(_FACTS_SECONDS if service.code is None else 0.5)
    return None if line is None else msgspec.json.decode(line, type=Facts)


def _died(service: Program) -> str:
    """Say how the service ended."""
    code = service.code or 0
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    said = service.problem()
    return f"the service {how} while it was asked" + (f": {said}" if said else "")
