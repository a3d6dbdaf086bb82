"""The peers by name, each with the worker file that does its work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench._registry import nearest

_WORKERS = Path(__file__).parent / "workers"


class Peer(Struct, frozen=True):
    """One library.

    Args:
        name: what it is called in tables and on the command line.
        worker: its worker file; `runner.py` says what stands in one.
        distribution: what is installed, at its pinned version, in an environment of its own;
            empty for what is measured in this interpreter, as it is installed here.
    """

    name: str
    worker: Path
    distribution: str = ""


# Not installed anew: the user measures the runtime that the user has, source tree or release.
OURS = Peer("agno-cli", _WORKERS / "agno_cli.py")
PEERS = (
    Peer("agno", _WORKERS / "agno.py", "agno"),
    Peer("pydantic-ai", _WORKERS / "pydantic_ai.py", "pydantic-ai-slim"),
    Peer("langgraph", _WORKERS / "langgraph.py", "langgraph"),
    Peer("openai-agents", _WORKERS / "openai_agents.py", "openai-agents"),
    Peer("smolagents", _WORKERS / "smolagents.py", "smolagents"),
    Peer("strands", _WORKERS / "strands.py", "strands-agents"),
    Peer("crewai", _WORKERS / "crewai.py", "crewai"),
)


def find_peers(names: Sequence[str]) -> list[Peer]:
    """Find peers by name, or by the path of a worker file; each once, in the order given.

    Raises:
        InputError: there is no such peer (the nearest names are offered), or no such file.
    """
    return list(dict.fromkeys(map(_find, names)))


def _find(name: str) -> Peer:
    for peer in (OURS, *PEERS):
        if peer.name == name:
            return peer
    if not name.endswith(".py"):
        known = nearest(name, [peer.name for peer in PEERS])
        raise InputError(f"there is no peer `{name}`; {known} A path to a worker file ends in .py")
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(f"there is no worker file {name}; `--vs` takes names and paths")
    return Peer(path.stem, path.resolve())
