"""Measure peers in turns, round by round; give data, print nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
from msgspec import Struct

from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench._environment import read_environment
from agno_cli.bench._measure import Progress
from agno_cli.bench._results import Count, Settings, Timing
from agno_cli.bench.peers._environments import environment_of, make
from agno_cli.bench.peers._pins import read_pins
from agno_cli.bench.peers._registry import OURS, Peer
from agno_cli.bench.peers._results import COUNTED, TIMED, Comparison, PeerResult
from agno_cli.bench.peers._worker import Answer, Bench

# Iteration order of sets and dicts of strings, and so what is allocated, hangs on the seed.
_COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}
# Only for the first estimate: measured once on two cores.
_EXPECTED = {"installing": 20.0, "checking": 4.0, "counting": 6.0, "timing": 4.0}
_PRIOR_SECONDS = 10.0


class TimeLimits(Struct, frozen=True):
    """How long one process of a peer may take, in seconds."""

    check: float = 120.0
    count: float = 300.0
    time: float = 300.0


class _Notebook(Struct):
    """What is known so far of one peer."""

    peer: Peer
    bench: Bench | None = None
    version: str = ""
    python: str = ""
    imports: str = ""
    measures: list[str] = []
    processes: dict[str, list[tuple[float, ...]]] = {}
    loops: dict[str, int] = {}
    counts: dict[str, Count] = {}
    equal: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    notes: list[str] = []
    problems: dict[str, str] = {}
    problem: str = ""

    def result(self) -> PeerResult:
        timings = {
            name: Timing(tuple(self.processes[name]), self.loops[name])
            for name in TIMED
            if name in self.processes
        }
        return PeerResult(
            name=self.peer.name,
            version=self.version,
            python=self.python,
            timings=timings,
            counts=self.counts,
            equal=self.equal,
            different=self.different,
            notes=tuple(self.notes),
            problems=self.problems,
            problem=self.problem,
        )


class _Step(Struct, frozen=True):
    notebook: _Notebook
    kind: str
    what: str
    do: Callable[[_Notebook], None]


def compare(
    peers: Sequence[Peer],
    settings: Settings,
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    limits: TimeLimits | None = None,
    pins: Mapping[str, str] | None = None,
) -> Comparison:
    """Measure this runtime and then peers, each in its environment, which is made if need be.

    A peer that cannot be installed or measured is a result with a `problem`. KeyboardInterrupt
    ends the processes; what was measured until then is kept in a Comparison that is `partial`.

    Args:
        peers: what to measure; this runtime is always the first.
        settings: how much; in each round, each peer has one process.
        on_progress: called before each step.
        limits: how long a process may take.
        pins: versions by distribution; by default those of `pins.toml`.

    Raises:
        ConfigurationError: the pins cannot be read.
    """
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), perf_counter()
    environment = read_environment()  # before the load that measuring makes
    chosen = list(dict.fromkeys([OURS, *peers]))
    notebooks = [_Notebook(peer) for peer in chosen]
    partial = False
    with TemporaryDirectory(ignore_cleanup_errors=True) as homes:
        work = _Work(
            settings, limits or TimeLimits(), read_pins() if pins is None else pins, Path(homes)
        )
        try:
            _take(list(work.plan(notebooks)), on_progress)
        except KeyboardInterrupt:
            partial = True
    return Comparison(
        started=started,
        seconds=perf_counter() - clock,
        settings=settings,
        environment=environment,
        peers=tuple(notebook.result() for notebook in notebooks),
        partial=partial,
    )


def _take(steps: Sequence[_Step], on_progress: Callable[[Progress], None]) -> None:
    """Take the steps; the estimate scales what is left by how wrong it was so far."""
    clock = perf_counter()
    for number, step in enumerate(steps):
        if step.notebook.problem:
            continue
        done = sum(_EXPECTED[taken.kind] for taken in steps[:number])
        left = sum(_EXPECTED[other.kind] for other in steps[number:] if not other.notebook.problem)
        scale = (perf_counter() - clock + _PRIOR_SECONDS) / (done + _PRIOR_SECONDS)
        name = step.notebook.peer.name
        on_progress(Progress(number + 1, len(steps), name, step.what, left * scale))
        try:
            step.do(step.notebook)
        except CouldNotMeasureError as error:
            step.notebook.problem = f"{step.kind} failed: {error}"


class _Work:
    """The steps, each for one peer."""

    def __init__(
        self, settings: Settings, limits: TimeLimits, pins: Mapping[str, str], homes: Path
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._pins = pins
        self._homes = homes

    def plan(self, notebooks: Sequence[_Notebook]) -> Iterator[_Step]:
        for notebook in notebooks:
            yield _Step(notebook, "installing", "making its environment", self._install)
            yield _Step(notebook, "checking", "checking its work", self._check)
            yield _Step(notebook, "counting", "counting", self._count)
        rounds = self._settings.rounds * self._settings.processes
        for number in range(rounds):
            what = f"timing, round {number + 1} of {rounds}"
            for notebook in notebooks:
                yield _Step(notebook, "timing", what, self._time)

    def _install(self, notebook: _Notebook) -> None:
        peer = notebook.peer
        python, here = Path(sys.executable), not peer.distribution
        if not here:
            environment = environment_of(peer, self._pins)
            made = make(environment)
            python = environment.python
            notebook.notes += [made.note] if made.note else []
        home = self._homes / f"{len(list(self._homes.iterdir()))}-{peer.name}"
        home.mkdir()
        notebook.bench = Bench(python, peer.worker, home, here)

    def _check(self, notebook: _Notebook) -> None:
        answer = _bench(notebook).ask("check", limit=self._limits.check)
        for line in answer.lines:
            if line.problem:
                notebook.problems[line.measure] = line.problem
            elif line.measure:
                notebook.measures.append(line.measure)
        about = next((line.about for line in answer.lines if line.about), None)
        if about is None:
            raise CouldNotMeasureError(answer.problem or "it said nothing of itself")
        notebook.version, notebook.python = about.version, about.python
        notebook.imports = about.imports
        notebook.equal, notebook.different = about.equal, about.different
        if about.attempts:
            hosts = ", ".join(about.attempts)
            notebook.notes.append(f"it tried to reach {hosts}, and was not let")

    def _count(self, notebook: _Notebook) -> None:
        if "create" not in notebook.measures:
            return
        answer = _bench(notebook).ask(
            "count", "create", limit=self._limits.count, variables=_COUNTING_VARIABLES
        )
        for line in answer.lines:
            if "bytes" in line.counts:
                notebook.counts["bytes"] = Count(line.counts["bytes"], "byte")
            if "allocations" in line.counts:
                notebook.counts["allocations"] = Count(line.counts["allocations"], "allocation")
            notebook.notes += [line.note] if line.note else []
        problem = answer.problem or next((line.problem for line in answer.lines), "")
        if problem:
            notebook.problems |= {name: problem for name in COUNTED if name not in notebook.counts}

    def _time(self, notebook: _Notebook) -> None:
        bench, settings = _bench(notebook), self._settings
        bare = bench.seconds_of("pass", self._limits.check)
        took = bench.seconds_of(notebook.imports, self._limits.check)
        # A library smaller than the noise of two process starts would come out as negative.
        _add(notebook, "import", (max(took - bare, 1e-6),), 1)
        if not notebook.measures:
            return
        answer = bench.ask(
            "time",
            *notebook.measures,
            *("--values", str(settings.values), "--min-seconds", str(settings.min_seconds)),
            limit=self._limits.time,
        )
        for line in answer.lines:
            if line.problem:
                notebook.problems[line.measure] = line.problem
                notebook.measures = [name for name in notebook.measures if name != line.measure]
            elif line.values:
                _add(notebook, line.measure, line.values, line.loops)
        if answer.problem:
            raise CouldNotMeasureError(_where(answer, notebook.measures))


def _bench(notebook: _Notebook) -> Bench:
    assert notebook.bench is not None, "no step goes on after one that failed"
    return notebook.bench


def _add(notebook: _Notebook, measure: str, values: tuple[float, ...], loops: int) -> None:
    notebook.loops[measure] = loops  # first: an interrupt may come between the two
    notebook.processes.setdefault(measure, []).append(values)


def _where(answer: Answer, measures: Sequence[str]) -> str:
    """Say at which measure a worker failed: those before it were written down."""
    reached = {line.measure for line in answer.lines}
    at = next((name for name in measures if name not in reached), "its end")
    return f"{answer.problem} (at {TIMED.get(at, at)})"


def to_json(comparison: Comparison) -> str:
    """Write a comparison as one JSON document, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"
