"""Worker threads: reused, never in the way of the end, with the caller's context."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

import pytest

from agno_cli import _threads
from agno_cli._threads import acall, call_with_timeout

user = contextvars.ContextVar("user", default="nobody")


def test_a_call_gives_its_value_in_another_thread():
    assert call_with_timeout(lambda: threading.current_thread().name, 5) == "agno-worker"


def test_a_call_raises_its_error():
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(lambda: 1 // 0, None)


def test_a_call_that_takes_too_long_is_left_behind():
    release = threading.Event()

    with pytest.raises(TimeoutError, match=r"timed out after 0\.01 s"):
        call_with_timeout(release.wait, 0.01)
    release.set()


def test_workers_are_used_again():
    started = [call_with_timeout(threading.get_ident, 5) for _ in range(20)]

    assert len(set(started)) < 20


def at_work(worker: _threads._Worker) -> threading.Thread:
    """Give a worker something to do, which ends with its waiting for more."""
    answers: SimpleQueue[Any] = SimpleQueue()
    worker.inbox.put(_threads._Task(threading.current_thread, lambda value, _: answers.put(value)))
    thread: threading.Thread = answers.get(timeout=5)
    return thread


def test_an_idle_worker_ends(monkeypatch):
    monkeypatch.setattr(_threads, "_IDLE_SECONDS", 0.01)
    worker = _threads._Worker()

    thread = at_work(worker)
    thread.join(5)

    assert not thread.is_alive()
    assert worker not in _threads._idle


def test_a_worker_that_is_taken_while_it_ends_does_its_work(monkeypatch):
    """It has waited long enough and finds that it has just been taken from the list."""
    monkeypatch.setattr(_threads, "_IDLE_SECONDS", 0.02)
    worker = _threads._Worker()
    thread = at_work(worker)
    _threads._idle.remove(worker)

    time.sleep(0.1)

    assert at_work(worker) is thread


async def test_an_awaited_call_gives_its_value_with_the_callers_context():
    user.set("ada")

    assert await acall(user.get) == "ada"
    assert call_with_timeout(user.get, 5) == "ada"


async def test_what_a_call_sets_stays_its_own():
    await acall(lambda: user.set("mallory"))

    assert user.get() == "nobody"


async def test_an_awaited_call_raises_its_error():
    with pytest.raises(ZeroDivisionError):
        await acall(lambda: 1 // 0)


async def test_a_stop_iteration_comes_through():
    """A future refuses to hold one; a coroutine turns it into a RuntimeError."""
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(acall(lambda: next(iter([]))), 5)


async def test_a_cancelled_wait_leaves_the_call_behind():
    release, ended = threading.Event(), threading.Event()

    def slow() -> None:
        release.wait(5)
        ended.set()

    task = asyncio.create_task(acall(slow))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()

    assert await acall(lambda: ended.wait(5))
    await asyncio.sleep(0.01)


def test_a_call_that_outlives_its_loop_ends_quietly():
    release, ended = threading.Event(), threading.Event()

    def slow() -> None:
        release.wait(5)
        ended.set()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(acall(slow), 0.01)

    asyncio.run(leave())
    release.set()

    assert ended.wait(5)
    call_with_timeout(lambda: None, 5)


HUNG = """
import asyncio, sys, time
from agno_cli import Agent, Limits, LimitReached, ScriptedModel, say

def hang() -> str:
    time.sleep(60)
    return "never"

agent = Agent(
    ScriptedModel([say("", ("hang", {}), ("hang", {})), "went on"]),
    tools=[hang],
    limits=Limits(tool_seconds=0.05),
)
print(agent.run("hi").content, asyncio.run(agent.arun("hi")).content)
"""


def test_a_tool_that_hangs_does_not_hold_up_the_end_of_the_process():
    done = subprocess.run(
        [sys.executable, "-c", HUNG], capture_output=True, text=True, timeout=30, check=True
    )

    assert (done.stdout, done.stderr) == ("went on went on\n", "")


CTRL_C = """
import os, signal, threading, time
from agno_cli import Agent, ScriptedModel, say

def interrupt() -> str:
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(60)
    return "never"

def hang() -> str:
    time.sleep(60)
    return "never"

agent = Agent(ScriptedModel([say("", ("hang", {}), ("interrupt", {}))]), tools=[hang, interrupt])
try:
    agent.run("hi")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_a_run_whose_tools_hang_in_threads():
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], capture_output=True, text=True, timeout=30, check=True
    )

    assert (done.stdout, done.stderr) == ("interrupted\n", "")
