"""The command line as a process: pipes, signals, terminals."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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


@pytest.mark.parametrize(
    ("closed", "code", "out", "err"),
    [
        ("<&- 2>&-", 0, b"x\n", b""),
        ("<&- >&-", 1, b"", b"error: cannot write to standard output: Bad file descriptor;"),
        ("<&- >&- 2>&-", 1, b"", b""),
    ],
)
def test_closed_streams(closed: str, code: int, out: bytes, err: bytes) -> None:
    command = f'"{sys.executable}" -m agno_cli run -m scripted:x Hi {closed}'
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr.startswith(err)


def test_nothing_to_write_needs_no_output() -> None:
    command = f'"{sys.executable}" -m agno_cli sessions list >&-'
    done = subprocess.run(["sh", "-c", command], check=False, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [["--json"], ["--jsonl"], []])
def test_a_disk_that_is_full(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*AGNO, "run", "-m", "scripted:x", "Hi", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        b"error: cannot write to standard output: No space left on device; send it elsewhere\n",
    )


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


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_interrupted_run_leaves_its_document(folder: Path) -> None:
    process = begin("run", "--agent", "team.py:sleeper", "--json", "Hi")
    wait_for((folder / "asleep").exists)
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    document = json.loads(out)
    assert (code, err) == (130, b"")
    assert document["error"] == {
        "type": "RunCancelled",
        "message": "the run was cancelled",
        "exit_code": 130,
    }
    assert (document["result"]["status"], document["result"]["content"]) == ("cancelled", "Wait.")


def test_an_interrupted_run_leaves_its_last_event() -> None:
    process = begin("run", "--agent", "team.py:slow_writer", "--jsonl", "Hi")
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    last = json.loads(out.splitlines()[-1])
    assert (code, err) == (130, b"")
    assert (last["event"], last["error"]["exit_code"]) == ("run_failed", 130)
    assert last["output"]["content"].startswith("word ")


def test_an_interrupt_before_the_run_leaves_a_document() -> None:
    import fcntl
    import termios

    reader, writer = os.pipe()
    os.write(writer, b"An unfinished prompt")
    process = begin("run", "--json", "-m", "scripted:x", stdin=reader)
    unread = bytearray(4)
    wait_for(lambda: fcntl.ioctl(reader, termios.FIONREAD, unread) == 0 and not any(unread))
    process.send_signal(signal.SIGINT)
    os.close(reader)
    code, out, err = end(process)
    document = json.loads(out)
    assert (code, err) == (130, b"")
    assert (document["result"], document["error"]["message"]) == (None, "interrupted")
    os.close(writer)


def test_an_interrupt_ends_a_run_that_cannot_be_cancelled(folder: Path) -> None:
    process = begin("run", "--agent", "team.py:stuck", "--json", "Hi")
    wait_for((folder / "asleep").exists)
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    assert (code, err) == (130, b"")
    assert json.loads(out)["error"]["message"] == "interrupted"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-m", "scripted:x"], ["--agent", "team.py:slow_writer"]])
def test_an_interrupt_at_any_time_is_silent(arguments: list[str]) -> None:
    """From the first moment that is ours: before it, Python itself is starting."""
    code = (
        "import sys\n"
        "from agno_cli.cli import main\n"
        "print('begun', file=sys.stderr, flush=True)\n"
        "sys.exit(main())"
    )
    for tenths in range(0, 80, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", code, "run", *arguments, "Hi"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == b"begun\n"
        time.sleep((tenths + 1) / 200)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        # By the signal itself it ends where Python does, after the answer was written.
        assert (process.returncode in {0, 130, -signal.SIGINT}, err) == (True, b"")


def test_an_interrupt_in_a_callback_is_not_lost(folder: Path) -> None:
    """Python only tells of what is raised there: by the import system's callbacks, too."""
    (folder / "late.py").write_text(
        "import signal, time, weakref\n"
        "class Thing: pass\n"
        "thing = Thing()\n"
        "seen = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "del thing\n"
        "time.sleep(60)\n"
    )
    assert end(begin("run", "--agent", "late.py:agent", "Hi")) == (130, b"", b"")


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
