"""Markdown is judged by what stands on the screen in the end, and by what scrolled away."""

import io
import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console as RichConsole

from agno_cli import RunOutput, Usage
from agno_cli.cli._markdown import MarkdownAnswer

TEXT = """\
# Title

A **bold** word and a [link](https://example.com) in a text that is longer than the screen.

1. one
2. two
   - nested

```python
def f(x):

    return x
```

| a | b |
|---|---|
| 1 | 2 |

> quote

[ref]: https://example.com

End\u2028of it.
"""
SHOWN = """\
                 Title

A bold word and a link
(https://example.com) in a text that is
longer than the screen.

 1 one
 2 two
    • nested

 def f(x):

     return x

 a  b
 ────
 1  2

▌ quote

End\u2028of it.
"""


class Screen:
    """A terminal that knows what MarkdownAnswer writes, with its scrollback."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.lines = [""]
        self.row = 0

    def feed(self, written: str) -> str:
        for part in re.findall(r"\x1b\[\d*[FJK]|\x1b\[[\d;]*m|\n|[^\x1b\n]+|\x1b", written):
            self._act(part)
        return "\n".join(line.rstrip() for line in self.lines)

    def _act(self, part: str) -> None:
        if part == "\n":
            self.row += 1
            self.lines += [""] * (self.row == len(self.lines))
        elif part.endswith("F") and part.startswith("\x1b"):
            self.row -= int(part[2:-1])
            assert self.row >= len(self.lines) - self.height, "what has scrolled off was rewritten"
        elif part == "\x1b[2K":
            self.lines[self.row] = ""
        elif part == "\x1b[J":
            del self.lines[self.row + 1 :]
            self.lines[self.row] = ""
        elif not part.startswith("\x1b"):
            self.lines[self.row] += part
        else:
            assert part.endswith("m"), f"unknown to this screen: {part!r}"


def drawn(pieces: list[str], capsys: pytest.CaptureFixture[str], *, height: int = 100) -> str:
    """Give the screen and its scrollback after the pieces of an answer have come."""
    rich = RichConsole(file=io.StringIO(), force_terminal=True, width=40, height=height)
    ticks = iter(range(10**6))
    answer = MarkdownAnswer(rich, clock=lambda: next(ticks) * 60.0)
    capsys.readouterr()
    for piece in pieces:
        answer.write(piece)
    answer.finish(RunOutput("id", "", [], Usage(), 1, 0.0, 0.0, 0.0))
    return Screen(height).feed(capsys.readouterr().out)


def test_markdown_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn([TEXT], capsys) == SHOWN


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12), height=st.sampled_from([3, 8, 24]))
def test_however_it_is_cut_it_looks_the_same(
    cuts: list[int], height: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bounds = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[start:end] for start, end in pairwise(bounds)]
    assert drawn(pieces, capsys, height=height) == SHOWN


def test_nothing_is_drawn_more_often_than_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    answer = MarkdownAnswer(RichConsole(width=40, height=9), clock=lambda: 1.0)
    answer.write("one ")
    first = capsys.readouterr().out
    answer.write("two ")
    assert (first, capsys.readouterr().out) == ("\x1b[2Kone\n\x1b[J", "")
    answer.pause()
    assert capsys.readouterr().out == "\x1b[1F\x1b[2Kone two\n\x1b[J"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(["a\x1b[31mred\x1b]0;title\x07 \x9b5n"], capsys) == "a[31mred]0;title 5n\n"


FOLDED = """\
 name   home
 ──────────────────────────────────────
 alpha  https://example.com/a/path/on/i
        t
"""
PARAGRAPHS = """\
a: 1
long: Twenty-one-characters
longer: Twenty-two-characters!
4

a: 5
long:
longer:
"""


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (["| name | home |", "|--|--|", "| alpha | https://example.com/a/path/on/it |"], FOLDED),
        (
            [
                "| a | long | longer | |",
                "|--|--|--|--|",
                "| 1 | Twenty-one-characters | Twenty-two-characters! | 4 |",
                "| 5 |",
            ],
            PARAGRAPHS,
        ),
        (["| only | heads |", "|--|--|"], " only  heads\n ───────────\n"),
    ],
)
def test_wide_tables_are_shown_whole(
    rows: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn(["\n".join(rows)], capsys) == shown


def test_what_turns_the_direction_of_text_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer = "run \u202egpj.exe\u202c \u2066now\u2069, \u200f\u05e9"
    assert drawn([answer], capsys) == "run gpj.exe now, \u200f\u05e9\n"


def test_what_follows_a_pause_is_set_apart(capsys: pytest.CaptureFixture[str]) -> None:
    answer = MarkdownAnswer(RichConsole(width=40, height=9))
    answer.write("one")
    answer.pause()
    answer.write("two")
    answer.pause()
    assert Screen(9).feed(capsys.readouterr().out) == "one\n\ntwo\n"


def test_an_empty_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn([], capsys) == drawn(["", " \n"], capsys) == ""
