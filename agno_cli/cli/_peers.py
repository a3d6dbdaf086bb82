"""What `agno bench --vs` chooses and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agno_cli._errors import InputError
from agno_cli.bench._children import CouldNotMeasureError
from agno_cli.bench.peers._environments import environment_of
from agno_cli.bench.peers._pins import read_pins, update_pins
from agno_cli.bench.peers._registry import OURS, PEERS, Peer, find_peers
from agno_cli.cli._console import Console
from agno_cli.cli._table import write_table


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


def show_peers(console: Console, *, json: bool) -> None:
    """Write the peers: name, what is installed for it, and whether it is.

    Raises:
        ConfigurationError: the pins cannot be read.
    """
    listing, heads = peer_listing(), ("library", "installed is", "state")
    if json:
        keys = ("name", "requirement", "state")
        facts = [dict(zip(keys, line, strict=True)) for line in listing]
        console.document("bench --vs", facts)
    else:
        write_table(console, heads, listing)


def update_and_show_pins(console: Console, *, json: bool) -> None:
    """Pin the newest release of each peer; write what changed.

    Raises:
        ConfigurationError: the package index does not answer, or the pins cannot be written.
    """
    changes = update_pins()
    if json:
        facts = {name: {"before": old, "now": new} for name, (old, new) in changes.items()}
        console.document("bench --update-pins", facts)
        return
    lines = [f"{name}: {old} -> {new}\n" for name, (old, new) in changes.items()]
    console.write("".join(lines) or "all pins are the newest releases\n")
