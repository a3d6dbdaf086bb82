"""What `agno bench --vs` chooses, lists and shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from agno_cli._errors import InputError
from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench.peers._environments import environment_of
from agno_cli.bench.peers._pins import read_pins, update_pins
from agno_cli.bench.peers._registry import OURS, PEERS, Peer, find_peers
from agno_cli.bench.peers._results import COUNTED, TIMED, Comparison, PeerResult, figures
from agno_cli.reports._peers import PeerFigure, PeerRow, in_words

_WIDE = 120
_PIPE_WIDTH = 132
_NOTHING = "-"
_LABELS = {**TIMED, **COUNTED}
# On a narrow terminal these share a cell.
_GROUPS = (
    ("import",),
    ("create", "create_tool"),
    ("bytes", "allocations"),
    ("run", "run_tool", "arun"),
)


def choose_peers(texts: Sequence[str]) -> list[Peer]:
    """Give the peers that the values of `--vs` name, each of which may name several.

    Raises:
        InputError: they name none, or one that does not exist.
    """
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(f"`--vs` names no peer; {_known()}")
    return find_peers(names)


def _known() -> str:
    return f"the names are {', '.join(peer.name for peer in PEERS)}"


def peer_listing() -> list[tuple[str, str, str]]:
    """List the peers: name, what is installed for it, and whether it is.

    Raises:
        ConfigurationError: the pins cannot be read.
    """
    pins = read_pins()
    ours = (OURS.name, "as installed here", "always the first row")
    return [ours, *(_listed(peer, pins) for peer in PEERS)]


def _listed(peer: Peer, pins: Mapping[str, str]) -> tuple[str, str, str]:
    try:
        environment = environment_of(peer, pins)
    except CouldNotMeasureError as error:
        return peer.name, peer.distribution, str(error)
    made = environment.made() is not None
    state = f"installed in {environment.folder}" if made else "not installed yet"
    return peer.name, environment.requirements[0], state


def pins_updated() -> str:
    """Pin the newest release of each peer; say what changed.

    Raises:
        ConfigurationError: the package index does not answer, or the pins cannot be written.
    """
    changes = update_pins()
    lines = [f"{name}: {old} -> {new}\n" for name, (old, new) in changes.items()]
    return "".join(lines) or "all pins are the newest releases\n"


def peer_rows(comparison: Comparison) -> list[PeerRow]:
    """Make the rows of a report, one a peer."""
    return [_row(result) for result in comparison.peers]


def _row(result: PeerResult) -> PeerRow:
    notes = [f"equal: {'; '.join(result.equal)}"] if result.equal else []
    notes += [f"different: {'; '.join(result.different)}"] if result.different else []
    notes += result.notes
    notes += [f"no {_LABELS.get(name, name)}: {why}" for name, why in result.problems.items()]
    return PeerRow(
        name=result.name,
        version=result.version,
        source=result.source,
        figures={
            _LABELS[name]: PeerFigure(figure.value, figure.unit)
            for name, figure in figures(result).items()
        },
        notes=tuple(notes),
        problem=result.problem,
    )


def caption(comparison: Comparison) -> list[str]:
    """Say how the figures were measured, one paragraph an entry."""
    settings, here = comparison.settings, comparison.environment
    processes = settings.rounds * settings.processes
    load = "" if here.load is None else f", load {here.load:.2f}"
    measured = (
        f"Medians of the medians of {processes} processes, {settings.values} values each, the peers"
        " in turns; import: what a process takes longer that imports it. Each operation is one"
        " function call. Counted of `create`: bytes that are still live, and all requests for"
        " memory, one of which memray adds for each Python function called."
    )
    equal = (
        "All: the same prompt, answer and tool, checked in each timed value, the tool called"
        " once a run; no network, keys, telemetry or tracing; a fresh conversation in each run;"
        " the garbage collector is on."
    )
    machine = (
        f"{here.build.split()[0]} {here.python}, {here.os} {here.machine}, {here.cpu},"
        f" {here.cores} cores{load}."
    )
    return [measured, equal, machine]


def write_peers(comparison: Comparison, out: TextIO, *, width: int | None = None) -> None:
    """Write the table, how it came about, and beside what was equal and what was not.

    Args:
        comparison: what to write.
        out: where to.
        width: columns to use, by default the terminal's, or 132 on a pipe.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if width is None and not out.isatty():
        width = _PIPE_WIDTH
    console = Console(file=out, width=width, highlight=False, emoji=False)
    rows = peer_rows(comparison)
    title = "agno bench --vs (partial)" if comparison.partial else "agno bench --vs"
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column("library", no_wrap=True)
    groups = _columns(rows, wide=console.width >= _WIDE)
    for group in groups:
        table.add_column(Text("\n".join(group)), justify="right", no_wrap=len(groups) <= len(group))
    for row in rows:
        cells = ["\n".join(_cell(row, label) for label in group) for group in groups]
        table.add_row(Text(f"{row.name}\n{row.version}".strip()), *map(Text, cells))
    with console.capture() as captured:
        console.print(table)
        for line in [*remarks(rows), *caption(comparison)]:
            console.print(Text(line))
    out.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def peers_markdown(comparison: Comparison) -> str:
    """Write the same for a README."""
    rows = peer_rows(comparison)
    labels = [label for group in _columns(rows, wide=True) for label in group]
    lines = [
        _line(["library", *labels]),
        _line(["---", *("--:" for _ in labels)]),
        *(
            _line([_safe(f"{row.name} {row.version}".strip()), *(_cell(row, x) for x in labels)])
            for row in rows
        ),
        "",
        *(f"- {_safe(text)}" for text in [*remarks(rows), *caption(comparison)]),
    ]
    return "\n".join(lines) + "\n"


def remarks(rows: Iterable[PeerRow]) -> list[str]:
    """Say beside each row what was equal, what was not, and what could not be measured."""
    return [f"{row.name}: {text}" for row in rows for text in _said(row)]


def _said(row: PeerRow) -> Iterator[str]:
    if row.problem:
        yield f"could not be measured: {row.problem}"
    yield from row.notes


def _columns(rows: Iterable[PeerRow], *, wide: bool) -> list[tuple[str, ...]]:
    """Give the labels of each column: those that some row has a figure for."""
    present = dict.fromkeys(label for row in rows for label in row.figures)
    known = [tuple(_LABELS[name] for name in group) for group in _GROUPS]
    groups = [tuple(label for label in group if label in present) for group in known]
    groups += [(label,) for label in present if label not in _LABELS.values()]
    if wide:
        return [(label,) for group in groups for label in group]
    return [group for group in groups if group]


def _cell(row: PeerRow, label: str) -> str:
    figure = row.figures.get(label)
    return _NOTHING if figure is None else in_words(figure)


def _safe(text: str) -> str:
    """Keep Markdown from reading signs of ours as its own."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("~", "\\~")):
        text = text.replace(sign, safe)
    return text.replace("_", "\\_").replace("*", "\\*")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
