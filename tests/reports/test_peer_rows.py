"""Other libraries as rows, and as a table with one column each."""

import io

import msgspec
import pytest
from msgspec.structs import replace

from agno_cli.bench._results import Count, Environment, Settings, Timing
from agno_cli.bench.peers._results import Comparison, PeerResult
from agno_cli.reports import text
from agno_cli.reports._document import BenchReport, to_json
from agno_cli.reports._further import further_tables
from agno_cli.reports._peer_rows import PeerFigure, PeerRow, peer_caption, peer_rows
from agno_cli.reports.html import to_html
from agno_cli.reports.markdown import to_markdown

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
    timings={"import": Timing(((1.5,),), 1), "run": Timing(((1e-6,),), 1)},
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
TABLE = """\
|  | agno-cli<br>0.1.0 | other\\|peer<br>2 | failed |
| --- | --: | --: | --: |
| run | 2.00 µs | 1.00 µs<br>0.5x | failed |
| import | 30.0 ms | 1.50 s<br>50x | failed |
| live bytes | 112 B | - | failed |
| allocations | 1 | - | failed |

- x: how many times the figure of agno-cli. Less than it: other\\|peer in `run` (0.5x).
- agno-cli: equal: the work; the tool. different: its own model
- other\\|peer: it tried to reach example.org, and was not let. no run, awaited: TypeError: none
- failed: could not be measured: installing failed: no such version
- Medians of the medians of 6 processes, 2 values each, the libraries in turns; import: what
"""


@pytest.fixture
def versus(report: BenchReport) -> BenchReport:
    return replace(
        report,
        peers=tuple(peer_rows(COMPARISON)),
        peer_caption=tuple(peer_caption(COMPARISON)),
        versus=COMPARISON,
    )


def test_rows_hold_medians_of_process_medians_and_all_that_is_said():
    ours, other, failed = peer_rows(COMPARISON)
    assert ours == PeerRow(
        name="agno-cli",
        version="0.1.0",
        source="measured here",
        figures={
            "run": PeerFigure(2e-6, "second"),
            "import": PeerFigure(0.03, "second"),
            "live bytes": PeerFigure(112.0, "byte"),
            "allocations": PeerFigure(1.0, "allocation"),
        },
        notes=("equal: the work; the tool", "different: its own model"),
    )
    assert other.figures == {
        "run": PeerFigure(1e-6, "second"),
        "import": PeerFigure(1.5, "second"),
    }
    assert (failed.figures, failed.problem) == ({}, "installing failed: no such version")


def test_markdown_has_a_column_for_each_library_and_what_to_know_beside_it(versus):
    page = to_markdown(versus)
    table = page.partition("**Other libraries**\n\n")[2]
    assert table.startswith(TABLE.removesuffix("\n"))
    assert page.count("could not be measured: installing failed") == 1


def test_the_same_markdown_comes_from_the_json(versus):
    read = msgspec.json.decode(to_json(versus), type=BenchReport)
    assert to_markdown(read) == to_markdown(versus)


def test_on_a_narrow_terminal_the_columns_are_shared_out(versus):
    many = replace(versus, peers=(versus.peers[0], *[versus.peers[1]] * 7))
    assert [len(table.headings) for table in further_tables(many, libraries=3)] == [5, 5, 3]
    assert [bool(table.notes) for table in further_tables(many, libraries=3)] == [
        *(False, False, True)
    ]
    for width in (60, 80, 132):
        out = io.StringIO()
        text.write(many, out, width=width)
        assert max(map(len, out.getvalue().splitlines())) <= width
        assert out.getvalue().count("1.50 s") == 7


def test_ours_alone_is_a_table_too(versus):
    (table,) = further_tables(replace(versus, peers=versus.peers[:1]))
    assert table.headings == ("", "agno-cli\n0.1.0")
    assert table.notes[0] == "x: how many times the figure of agno-cli. Less than it: none."


def test_libraries_of_one_name_keep_their_own_ratios(versus):
    ours, other, _ = versus.peers
    slower = replace(other, figures={"run": PeerFigure(8e-6, "second")})
    (table,) = further_tables(replace(versus, peers=(ours, other, slower)))
    assert table.rows[0] == ("run", "2.00 µs", "1.00 µs\n0.5x", "8.00 µs\n4x")


def test_the_page_says_how_they_were_measured(versus):
    page = to_html(versus)
    assert "the libraries in turns; import: what" in page
    assert page.count("could not be measured: installing failed") == 1
