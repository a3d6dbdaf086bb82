import io
import os
from pathlib import Path

import pytest

from agno_cli import InputError
from agno_cli.cli._console import Console
from agno_cli.cli._prompt import read_prompt
from tests.cli.conftest import Agno


def ask(agno: Agno, *arguments: str, stdin: str = "") -> str:
    """Give the prompt that reached the model."""
    return agno("run", "--agent", "team.py:echo", *arguments, stdin=stdin).out


def test_the_argument(agno: Agno) -> None:
    assert ask(agno, "Hi there") == "Hi there\n"


def test_words_need_no_quotes(agno: Agno) -> None:
    assert ask(agno, "Hi", "there") == "Hi there\n"


def test_standard_input_alone(agno: Agno) -> None:
    assert ask(agno, stdin="From a file.\n") == "From a file.\n"
    assert ask(agno, "-", stdin="From a file.\n") == "From a file.\n"


def test_the_argument_then_standard_input(agno: Agno) -> None:
    assert ask(agno, "Sum up:", stdin="1\n2\n") == "Sum up:\n\n1\n2\n"
    assert ask(agno, "Sum up:", "-", stdin="1\n2\n") == "Sum up:\n\n1\n2\n"


def test_a_byte_order_mark_is_no_text(agno: Agno) -> None:
    assert ask(agno, stdin="\ufeffHi") == "Hi\n"


def test_after_two_dashes_anything_is_a_prompt(agno: Agno) -> None:
    assert ask(agno, "--", "--help") == "--help\n"


@pytest.mark.parametrize("arguments", [(), ("",), (" ", "\t"), ("-",)])
def test_an_empty_prompt(agno: Agno, arguments: tuple[str, ...]) -> None:
    code, out, err = agno("run", "--agent", "team.py:echo", *arguments, stdin=" \n")
    assert (code, out) == (2, "")
    assert err == (
        'error: the prompt is empty; give one as an argument, as in `agno run "Hello"`, or on'
        " standard input\n"
    )


def test_an_argument_that_is_not_utf8(agno: Agno) -> None:
    assert agno("run", "--agent", "team.py:echo", "\udcff").err == (
        "error: the prompt is not UTF-8 text; convert it first\n"
    )


def test_standard_input_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin"
    path.write_bytes("Süd".encode("latin-1"))
    with path.open() as source, pytest.raises(InputError) as caught:
        read_prompt([], Console(), source)
    assert str(caught.value) == (
        "standard input is not UTF-8 text (byte 0xfc at offset 1); convert it first, as by `iconv`"
    )


def test_endless_standard_input_ends(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(33 * 2**20)
    with path.open() as source, pytest.raises(InputError, match="more than 32 MiB"):
        read_prompt(["Hi"], Console(), source)


def test_a_silent_pipe_is_left_out_and_said_so(
    silent_pipe: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with os.fdopen(silent_pipe, closefd=False) as source:
        assert read_prompt(["Hi"], Console(), source) == "Hi"
    assert capsys.readouterr().err == (
        "note: standard input is open but silent, so it is left out; `-` waits for it\n"
    )


def test_a_pipe_with_data_is_read() -> None:
    end, writer = os.pipe()
    os.write(writer, b"data")
    os.close(writer)
    with os.fdopen(end) as source:
        assert read_prompt(["Hi"], Console(), source) == "Hi\n\ndata"


def test_an_empty_argument_does_not_wait_for_a_silent_pipe(silent_pipe: int) -> None:
    with os.fdopen(silent_pipe, closefd=False) as source, pytest.raises(InputError, match="empty"):
        read_prompt([""], Console(quiet=True), source)


def test_a_terminal_is_not_asked() -> None:
    leader, follower = os.openpty()
    with os.fdopen(follower) as terminal:
        assert read_prompt(["Hi"], Console(), terminal) == "Hi"
        with pytest.raises(InputError, match="empty"):
            read_prompt([], Console(), terminal)
    os.close(leader)


def test_standard_input_that_is_no_file() -> None:
    assert read_prompt(["Hi"], Console(), io.StringIO("unread")) == "Hi"


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert read_prompt(["Hi"], Console()) == "Hi"
