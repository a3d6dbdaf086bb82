"""The command line as a process: pipes, signals, terminals."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

AGNO = [sys.executable, "-m", "agno_cli"]


def begin(
    *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*AGNO, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def end(process: "subprocess.Popen[bytes]") -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


pytestmark = pytest.mark.usefixtures("folder")


def test_a_pipe_gets_the_bytes_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    process = begin("run", "--agent", "team.py:echo", stdin=subprocess.PIPE)
    out, err = process.communicate("Grüße 🎉\r\nend".encode(), timeout=20)
    assert (process.returncode, out, err) == (0, "Grüße 🎉\r\nend\n".encode(), b"")


def test_a_silent_standard_input_does_not_hang(silent_pipe: int) -> None:
    code, out, err = end(begin("run", "-q", "--agent", "team.py:echo", "Hi", stdin=silent_pipe))
    assert (code, out, err) == (0, b"Hi\n", b"")


def test_a_reader_that_leaves_is_no_error() -> None:
    process = begin("run", "--agent", "team.py:writer", "Hi")
    assert process.stdout is not None
    assert process.stdout.read(4) == b"word"
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(20) == 0


@pytest.mark.parametrize("arguments", [["--help"], ["run", "-m", "scripted:x", "Hi"]])
def test_nobody_reads_at_all(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*AGNO, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_streams() -> None:
    command = f'"{sys.executable}" -m agno_cli run -m scripted:x Hi'
    done = subprocess.run(["sh", "-c", f"{command} <&- >&- 2>&-"], check=False)
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_is_full() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*AGNO, "run", "-m", "scripted:x", "Hi"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"error: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("agent", ["slow_writer", "sleeper"])
def test_an_interrupt_is_silent_and_leaves_the_session(agent: str) -> None:
    process = begin("run", "--agent", f"team.py:{agent}", "--session", "s", "Hi")
    assert process.stdout is not None
    first = process.stdout.read(4)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert (code, err) == (130, b"")
    assert first in {b"word", b"Wait"}
    assert end(begin("sessions", "list")) == (0, b"", b"")


def test_an_interrupt_while_the_prompt_is_awaited(silent_pipe: int) -> None:
    process = begin("run", "-v", "-m", "scripted:x", stdin=silent_pipe)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, b"", b"")


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal's two ends: the one its user sees, and the one a program has."""
    import fcntl
    import struct
    import termios

    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    yield leader, follower
    os.close(leader)


def seen(terminal: tuple[int, int], *arguments: str, **environment: str) -> str:
    """Give what a user sees on the terminal."""
    leader, follower = terminal
    process = subprocess.Popen(
        [*AGNO, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(follower)
    read = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            read += os.read(leader, 65536)
        except OSError:  # the last program has closed it
            break
    assert process.wait(20) == 0
    return read.decode().replace("\r\n", "\n")


def test_markdown_on_a_terminal(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = seen(terminal, "run", "--agent", "team.py:greeter", "Hi")
    assert text.endswith("Hello \x1b[1myou\x1b[0m.\n\x1b[J")


def test_a_dumb_terminal_gets_the_plain_text(terminal: tuple[int, int]) -> None:
    assert seen(terminal, "run", "--agent", "team.py:greeter", "Hi", TERM="dumb") == (
        "Hello **you**.\n"
    )


def test_tables_for_people(terminal: tuple[int, int]) -> None:
    text = seen(terminal, "sessions", "list", NO_COLOR="1")
    assert text == "no sessions yet; `agno run --session ID` begins one\n"
