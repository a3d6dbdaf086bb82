"""What is shown of a run, where stdout and stderr are terminals; the streams are pytest's."""

import errno
import io

import msgspec
import pytest

from agno_cli import (
    CredentialsError,
    Message,
    ModelError,
    OutputInvalid,
    ReasoningDelta,
    RunCancelled,
    RunOutput,
    StorageError,
    TextDelta,
    ToolCall,
    ToolCallFinished,
    ToolCallStarted,
    ToolResult,
    TurnFinished,
    Usage,
)
from agno_cli.cli import _answer
from agno_cli.cli._answer import DataAnswer, PlainAnswer, make_answer
from agno_cli.cli._console import Console, styled
from agno_cli.cli._display import Display
from agno_cli.cli._errors import as_document, describe, exit_code
from agno_cli.cli._markdown import MarkdownAnswer
from agno_cli.cli._measures import duration, timing_line, tokens_per_second, usage_line
from agno_cli.cli._table import write_table

OUTPUT = RunOutput("id", "ok", [], Usage(10, 20, 5, 8, 2), 2, 2.0, 1.5, 0.25, data={"n": 1})


@pytest.fixture
def screen() -> Console:
    """A console whose two streams are one terminal."""
    console = Console()
    console.out_is_terminal = console.err_is_terminal = True
    return console


def test_reasoning_tools_and_text_each_begin_a_line(
    screen: Console, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    display = Display(screen, PlainAnswer(screen), narrate=True)
    call = ToolCall("1", "add", '{"a":\n1}')
    for event in (
        ReasoningDelta("I "),
        ReasoningDelta("think"),
        TextDelta("So"),
        ReasoningDelta("Hm"),
        TextDelta(""),
        ToolCallStarted(call),
        ToolCallFinished(ToolResult("1", "add", "no such file " * 9, True, 0.5)),
        TurnFinished(1, Usage()),
        TextDelta("Done."),
    ):
        display.show(event)
    display.finish(OUTPUT)
    out, err = capfd.readouterr()
    assert out == "So\nDone.\n"
    assert err == 'I think\nHm\ntool add {"a": 1}\ntool add failed: no such f...\n'


def test_a_run_that_stops_ends_its_lines(
    screen: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    display = Display(screen, PlainAnswer(screen), narrate=True)
    display.show(TextDelta("unfinished"))
    display.show(ReasoningDelta("thought"))
    display.stop()
    assert capsys.readouterr() == ("unfinished\n", "thought\n")


def test_structured_output_is_readable_on_a_terminal(
    screen: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    DataAnswer(screen).finish(OUTPUT)
    screen.document("test", [])
    assert capsys.readouterr().out == (
        '{\n  "n": 1\n}\n'
        '{\n  "schema_version": 1,\n  "command": "test",\n  "result": [],\n  "error": null\n}\n'
    )


def test_markdown_needs_a_terminal_that_can_draw(
    screen: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert isinstance(make_answer(screen), MarkdownAnswer)
    monkeypatch.setenv("COLUMNS", str(_answer.NARROWEST - 1))
    assert isinstance(make_answer(screen), PlainAnswer)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_answer(screen), PlainAnswer)


class Terminal(io.StringIO):
    """A stream that passes for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False), ({}, True)],
)
def test_styles_are_for_terminals_that_want_them(
    environment: dict[str, str], expected: bool
) -> None:
    assert styled(Terminal(), environment) is expected


def test_quiet_leaves_notes_out_and_few_details_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for console in (Console(quiet=True), Console()):
        console.note("note")
        console.detail("detail")
    assert capsys.readouterr() == ("", "note\n")


def test_remarks_are_dim_on_a_terminal(
    screen: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen.remark("thought\x1b[31m")
    screen.remark("plain", dim=False)
    assert capsys.readouterr().err == "\x1b[2mthought[31m\x1b[0mplain"


def test_a_table_on_a_terminal(
    screen: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    write_table(screen, ("ID", "TITLE"), [("a", "[bold]\x1b[31m"), ("bcd", "e")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["ID   TITLE", "a    [bold][31m", "bcd  e"]


def test_a_table_on_a_narrow_terminal(
    screen: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    rows = [("a-long-name", "no", "first second third fourth"), ("b", "", "")]
    write_table(screen, ("NAME", "READY", "NOTE"), rows)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "NAME",
        "  READY  NOTE",
        "a-long-name",
        "  no  first second third",
        "  fourth",
        "b",
    ]


def test_the_direction_of_text_is_not_turned_on_a_terminal(
    screen: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    screen.write("a\u202eb\n")
    screen.out_is_terminal = False
    screen.write("a\u202eb\n")
    assert capsys.readouterr().out == "ab\na\u202eb\n"


def test_what_a_run_cost() -> None:
    assert usage_line(OUTPUT) == (
        "usage: 10 input tokens (5 cached), 20 output tokens (8 reasoning), 2 requests"
    )
    assert timing_line(OUTPUT, 0.0123) == (
        "timing: total 2 s, model 1.5 s, tools 250 ms, framework 250 ms, first token 12.3 ms,"
        " 13.3 tokens/s"
    )
    idle = RunOutput("id", "", [], Usage(), 0, 0.0, 0.0, 0.0)
    assert tokens_per_second(idle) is None
    assert timing_line(idle, None) == ("timing: total 0 us, model 0 us, tools 0 us, framework 0 us")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0 us"),
        (2.5e-6, "2.5 us"),
        (0.00123456, "1.23 ms"),
        (0.9999, "1 s"),
        (59.94, "59.9 s"),
        (12345.6, "12346 s"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CredentialsError("no key"), 5),
        (StorageError("damaged"), 5),
        (ModelError("overloaded", provider="openai", status=529), 6),
        (OutputInvalid("no fit"), 8),
        (RunCancelled("cancelled"), 130),
        (ValueError("unforeseen"), 1),
    ],
)
def test_exit_codes(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_errors_are_one_harmless_line() -> None:
    assert describe(OSError(errno.ENOSPC, "No space")) == (
        "cannot write to standard output: No space; send it elsewhere"
    )
    assert describe(FileNotFoundError(2, "None", "x")) == "[Errno 2] None: 'x'"
    assert describe(StorageError("a\nb\x1b[31m")) == "a b[31m"
    assert describe(ValueError("x")) == (
        "internal error: ValueError: x; run again with `-v` for the traceback, and please report it"
    )


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        ([Message("assistant", "No, I\nwill not.")], "`No, I will not.`"),
        ([Message("assistant", "n" * 300)], f"`{'n' * 200}...`"),
        ([Message("assistant", "", (ToolCall("1", "final_answer", '{"n":'),))], '`{"n":`'),
        ([Message("assistant", " ")], "empty"),
        ([Message("user", "Hi")], "empty"),
    ],
)
def test_an_answer_that_does_not_fit_is_quoted(said: list[Message], quoted: str) -> None:
    error = OutputInvalid("no fit")
    error.output = msgspec.structs.replace(OUTPUT, messages=said)
    assert describe(error) == (
        f"no fit; the last one was {quoted}; give a simpler schema, say in the prompt what is"
        " wanted, or ask another model with `-m`"
    )


def test_a_provider_error_as_a_document() -> None:
    error = ModelError("slow down", provider="x", status=429, request_id="r1", retryable=True)
    assert as_document(error) == {
        "type": "ModelError",
        "message": "x: slow down (status 429, request id r1, a retry could help)",
        "exit_code": 6,
        "provider": "x",
        "status": 429,
        "request_id": "r1",
        "retryable": True,
    }
