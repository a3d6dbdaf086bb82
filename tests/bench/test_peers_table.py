"""What `agno bench --vs` lists and shows."""

import io

import pytest

from agno_cli._errors import InputError
from agno_cli.bench._results import Count, Environment, Settings, Timing
from agno_cli.bench.peers._registry import PEERS
from agno_cli.bench.peers._results import Comparison, PeerResult
from agno_cli.cli._peers import (
    _listed,
    choose_peers,
    peer_listing,
    peer_rows,
    peers_markdown,
    write_peers,
)
from agno_cli.reports._peers import PeerFigure, PeerRow

OURS = PeerResult(
    name="agno-cli",
    version="0.1.0",
    timings={
        "run": Timing(((1e-6, 3e-6), (2e-6,), (9e-6,)), 100),
        "import": Timing(((0.03,),), 1),
    },
    counts={"bytes": Count(112.0, "byte"), "allocations": Count(1.0, "allocation")},
    equal=("the work", "the tool"),
    different=("its own model",),
)
OTHER = PeerResult(
    name="other|peer",
    version="2",
    timings={"import": Timing(((1.5,),), 1)},
    notes=("it tried to reach example.org, and was not let",),
    problems={"arun": "TypeError: none"},
)
FAILED = PeerResult(name="failed", problem="installing failed: no such version")
COMPARISON = Comparison(
    started="2026-11-22T10:00:00+00:00",
    seconds=10.0,
    settings=Settings(rounds=2, processes=3, values=2, min_seconds=0.05),
    environment=Environment(
        python="3.11.7",
        build="CPython GCC 12.2.0",
        os="Linux 6.1",
        machine="x86_64",
        cpu="Chip",
        cores=2,
        load=1.5,
        gc=True,
        gil=True,
        packages={},
        variables={},
    ),
    peers=(OURS, OTHER, FAILED),
)
NOTES = """\
agno-cli: equal: the work; the tool
agno-cli: different: its own model
other|peer: it tried to reach example.org, and was not let
other|peer: no run, awaited: TypeError: none
failed: could not be measured: installing failed: no such version
"""


def test_rows_hold_medians_of_process_medians_and_all_that_is_said():
    ours, other, failed = peer_rows(COMPARISON)
    assert ours == PeerRow(
        name="agno-cli",
        version="0.1.0",
        source="measured here",
        figures={
            "import": PeerFigure(0.03, "second"),
            "run": PeerFigure(2e-6, "second"),
            "live bytes": PeerFigure(112.0, "byte"),
            "allocations": PeerFigure(1.0, "allocation"),
        },
        notes=("equal: the work; the tool", "different: its own model"),
    )
    assert other.figures == {"import": PeerFigure(1.5, "second")}
    assert (failed.figures, failed.problem) == ({}, "installing failed: no such version")


def test_the_table_on_a_pipe_is_wide_and_says_everything():
    out = io.StringIO()
    write_peers(COMPARISON, out)
    text = out.getvalue()
    head, rows = text.split("failed: could", 1)[0], text.splitlines()
    assert " ".join(rows[2].split()) == "library import live bytes allocations run"
    assert [" ".join(row.split()) for row in rows[4:9]] == [
        "agno-cli 30.0 ms 112 B 1 2.00 µs",
        "0.1.0",
        "other|peer 1.50 s - - -",
        "2",
        "failed - - - -",
    ]
    assert NOTES.startswith(head.split("\n\n")[-1])
    assert "the medians of 6 processes" in " ".join(text.split())


def test_on_a_narrow_terminal_figures_share_cells():
    out = io.StringIO()
    write_peers(COMPARISON, out, width=60)
    rows = [" ".join(row.split()) for row in out.getvalue().splitlines()]
    assert rows[2:4] == ["live bytes", "library import allocations run"]
    assert rows[5:7] == ["agno-cli 30.0 ms 112 B 2.00 µs", "0.1.0 1"]


def test_markdown_is_escaped():
    lines = peers_markdown(COMPARISON).splitlines()
    assert lines[:5] == [
        "| library | import | live bytes | allocations | run |",
        "| --- | --: | --: | --: | --: |",
        "| agno-cli 0.1.0 | 30.0 ms | 112 B | 1 | 2.00 µs |",
        "| other\\|peer 2 | 1.50 s | - | - | - |",
        "| failed | - | - | - | - |",
    ]
    assert lines[6] == "- agno-cli: equal: the work; the tool"


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
