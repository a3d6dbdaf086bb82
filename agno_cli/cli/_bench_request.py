"""What `agno bench` was asked for, checked before minutes are spent on measuring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench import _baselines
from agno_cli.bench._imports import Imported, import_file
from agno_cli.bench._measure import BROAD, FAST, GLANCE, NORMAL, RIGOROUS
from agno_cli.bench._noise import Noise, load_noise
from agno_cli.bench._record import Record
from agno_cli.bench._registry import BUILT_IN, Benchmark, Source, nearest, select
from agno_cli.bench._results import Environment, Settings
from agno_cli.bench._revision import Revision, find_revision
from agno_cli.bench._sources import load_benchmarks
from agno_cli.bench._targets import BUILT_IN as BUILT_IN_TARGETS
from agno_cli.bench._targets import Target, load_targets
from agno_cli.bench._verdicts import required
from agno_cli.bench.peers._registry import Peer
from agno_cli.cli._files import check_files
from agno_cli.cli._peers import choose_peers

if TYPE_CHECKING:
    from agno_cli.cli.bench import BenchOptions

Word: TypeAlias = Literal["run", "list", "show", "history"]
Gate: TypeAlias = Literal["targets", "regression"]

_WORDS: tuple[Word, ...] = ("run", "list", "show", "history")
_GATES: tuple[Gate, ...] = ("targets", "regression")
_EXCLUSIVE = (
    ("--fast", "fast", "--rigorous", "rigorous"),
    ("--aa", "aa", "--baseline", "baseline"),
    ("--aa", "aa", "--vs", "vs"),
    ("--dry-run", "dry_run", "--aa", "aa"),
)


class Request(Struct, frozen=True, kw_only=True):
    """What is to be measured and compared.

    Attributes:
        known: all benchmarks of the source, by which names are completed.
        before: what to compare with: a record, or a revision that is measured too.
        noise: what is known of this machine's, None if nothing is.
        peers: other libraries to be measured beside.
        gates: what exits with 3.
    """

    source: Source
    known: Sequence[Benchmark]
    chosen: Sequence[Benchmark]
    settings: Settings
    targets: Sequence[Target]
    imported: tuple[Imported, ...]
    before: Record | Revision | None
    noise: Noise | None
    peers: Sequence[Peer]
    gates: frozenset[Gate]


def read_words(words: Sequence[str]) -> tuple[Word, list[str], str | None]:
    """Split the words: what to do, with which benchmarks, out of which file.

    Raises:
        InputError: more than one file.
    """
    rest = list(words)
    word: Word = "run"
    for known in _WORDS:
        if rest and rest[0] == known:
            word = known
            del rest[0]
            break
    files = [text for text in rest if text.endswith(".py")]
    if len(files) > 1:
        raise InputError(f"{files[0]} and {files[1]} are two files; give one at a time")
    names = [text for text in rest if text not in files]
    return word, names, files[0] if files else None


def find_source(options: BenchOptions, file: str | None) -> Source:
    """Say where the benchmarks come from.

    Raises:
        InputError: from two places at once, or tools are to be called of no agent.
    """
    if options.call_tools and options.agent is None:
        raise InputError("`--call-tools` is about an agent's tools; give `--agent` too")
    if file and options.agent:
        raise InputError(f"{file} and `--agent` are two sources of benchmarks; give one of them")
    if options.agent:
        return Source("agent", options.agent, options.call_tools)
    return Source("file", file) if file else BUILT_IN


def make_request(
    options: BenchOptions, source: Source, names: Sequence[str], environment: Environment
) -> Request:
    """Check and resolve what was asked for.

    Raises:
        InputError: options that contradict each other, unknown names, files in the way.
        ConfigurationError: targets, a baseline or imported results that cannot be used.
    """
    _check_exclusive(options)
    _check_files(options, environment)
    known = load_benchmarks(source)
    targets = _targets(options, source, known)
    chosen = select(known, names, parts=options.part or (), everything=options.everything)
    if options.targets is not None:
        _check_targets(targets, chosen, options.targets)
    return Request(
        source=source,
        known=known,
        chosen=_with_bases(known, chosen, targets),
        settings=_settings(options),
        targets=targets,
        imported=tuple(row for file in options.imported or () for row in import_file(Path(file))),
        before=_before(options, environment),
        noise=None if options.aa else load_noise(environment),  # a damaged one is made anew
        peers=choose_peers([options.vs]) if options.vs else (),
        gates=_gates(options),
    )


def _check_exclusive(options: BenchOptions) -> None:
    for one, first, other, second in _EXCLUSIVE:
        if getattr(options, first) not in (None, False) and getattr(options, second) not in (
            None,
            False,
        ):
            raise InputError(f"`{one}` and `{other}` contradict each other; give one of them")
    if options.json and options.md and options.output is None:
        raise InputError(
            "`--json` and `--md` both want standard output; give JSON a file with `-o FILE`"
        )


def _check_files(options: BenchOptions, environment: Environment) -> None:
    """Refuse what could not be written."""
    check_files((("-o", options.output), ("--html", options.html)), force=options.force)
    if options.save is not None:
        _baselines.save_path(options.save, environment, force=options.force)


def _targets(options: BenchOptions, source: Source, known: Sequence[Benchmark]) -> Sequence[Target]:
    if options.targets is None and source != BUILT_IN:
        return ()
    path = Path(options.targets) if options.targets else BUILT_IN_TARGETS
    return load_targets(path, {benchmark.name: 0 for benchmark in known})


def _check_targets(targets: Sequence[Target], chosen: Sequence[Benchmark], file: str) -> None:
    """Refuse targets none of which would be judged: nothing could ever miss them."""
    names = [benchmark.name for benchmark in chosen]
    wanted = dict.fromkeys(target.benchmark for target in targets)
    if not any(name in names for name in wanted):
        raise InputError(
            f"no target of {file} is of a benchmark that would be measured ({', '.join(names)});"
            f" name one of {', '.join(wanted)}"
            if wanted
            else f'{file} holds no target; write one such as `create.time = "med<=1us"`'
        )


def _with_bases(
    known: Sequence[Benchmark], chosen: Sequence[Benchmark], targets: Sequence[Target]
) -> list[Benchmark]:
    """Add the benchmarks that the targets of the chosen ones are ratios to."""
    names = {benchmark.name for benchmark in chosen}
    names |= required(targets, names)
    return [benchmark for benchmark in known if benchmark.name in names]


def _settings(options: BenchOptions) -> Settings:
    if options.rigorous:
        return RIGOROUS
    if options.fast:
        return GLANCE if options.everything else FAST
    return BROAD if options.everything else NORMAL


def _before(options: BenchOptions, environment: Environment) -> Record | Revision | None:
    text = options.baseline
    if text is None:
        return None
    path = _baselines.find(text, environment)
    if path is not None:
        return _baselines.load(path, environment, force=options.force)
    revision = find_revision(text, Path.cwd())
    if revision is None:
        raise _baselines.unknown(text, environment, ["git revision"])
    return revision


def _gates(options: BenchOptions) -> frozenset[Gate]:
    asked = [text for given in options.fail_on or ["targets"] for text in given.split(",")]
    for text in asked:
        if text not in _GATES:
            raise InputError(f"`--fail-on {text}` is unknown; {nearest(text, _GATES)}")
    if "regression" in asked and options.baseline is None:
        raise InputError(
            "`--fail-on regression` needs something to compare with; give `--baseline`"
        )
    return frozenset(gate for gate in _GATES if gate in asked)
