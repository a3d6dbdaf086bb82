"""What `agno bench --vs` chooses and lists."""

import pytest

from agno_cli._errors import InputError
from agno_cli.bench.peers._registry import PEERS
from agno_cli.cli._peers import _listed, choose_peers, peer_listing


def test_names_may_be_given_together_or_apart():
    peers = choose_peers(["agno, strands", "crewai"])
    assert [peer.name for peer in peers] == ["agno", "strands", "crewai"]
    with pytest.raises(InputError, match=r"`--vs` names no peer; the names are agno, pydantic-ai,"):
        choose_peers([" ,"])


def test_the_list_tells_what_is_installed():
    listing = peer_listing()
    assert listing[0] == ("agno-cli", "as installed here", "always the first row")
    assert [name for name, _, _ in listing[1:]] == [peer.name for peer in PEERS]
    assert {state for _, _, state in listing[1:]} == {"not installed yet"}
    unpinned = ("agno", "agno", "no version of 'agno' is pinned; update the pins")
    assert _listed(PEERS[0], {}) == unpinned
