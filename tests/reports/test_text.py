"""The table for terminals and pipes."""

import io

import pytest

from agno_cli.reports import text
from agno_cli.reports._document import BenchReport

# What a reader of 80 columns sees of each kind of row.
NARROW = """\
agno bench (partial)

                  time     live                                         Agno-Go
 benchmark           ±   allocs   targets                            documented
 ──────────────────────────────────────────────────────────────────────────────
 create         101 ns    112 B   inconclusive time <= 101 ns          184.5 ns
                ±1.0 %        1   pass bytes <= 128 B                   1,272 B
                                                                       8 allocs
 create_tools   150 ns        -   fail time <= 1.3x create, is         193.0 ns
                ±0.0 %        -   1.49x                                 1,288 B
                                                                       9 allocs
 soak                -        -   fail growth <= 4,096 B, is 10.3
                     -        -   KiB
 gather              -        -   not measured
                     -        -

time: median of the medians of 8 processes (2 values each; half as many, and one
value, where it takes seconds); ±: 95 % interval of that median, from order
statistics. The garbage collector is on.
live: bytes left by one operation whose result is kept; allocs: all requests for
memory of one operation, temporaries too. Both exact, by memray, which adds one
allocation, a frame object, for each Python function called.
Agno-Go: documented figures, not measured here, and what its own benchmarks gave
elsewhere (v1.2.9, go 1.27.3, a virtual machine with 2 Xeon cores). Its bytes
are all that an operation allocates.
CPython 3.11.7, Linux 6 x86_64, Imaginary_9000, 2 cores, load 0.50, agno-cli
0.1.0, commit abc.
soak: a note
gather: could not be measured: it broke [badly]
create.time: inconclusive: the 95 % interval straddles the target; measure with
--rigorous
interrupted: these are partial results
4 targets: 1 pass, 2 fail, 1 inconclusive (12 s)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(
    report: BenchReport, *, width: int | None = None, out: io.StringIO | None = None
) -> str:
    out = out or io.StringIO()
    text.write(report, out, width=width)
    return out.getvalue()


def test_eighty_columns_stack_figures(report):
    assert written(report, width=80) == NARROW


def test_a_pipe_gets_every_column_and_no_escapes(report):
    shown = written(report)
    assert "ops/s" in shown
    assert "elsewhere" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 132


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_colours_unless_it_declines(report, monkeypatch, variables, coloured):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[32m" in written(report, width=80, out=Terminal())) is coloured
