"""Threads, processes, forks and kills: every turn stays whole."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_cli import Agent, Message, ScriptedModel
from agno_cli.storage import SqliteSessions
from agno_cli.storage import _database as database


def turn(writer: str, number: int, length: int) -> list[Message]:
    """Make a turn whose messages all carry its name."""
    return [Message("user", f"{writer}:{number}:{length}")] * length


def commit_all(path: Path, writer: str, lengths: list[int]) -> None:
    """Commit turns of the given lengths, one after the other."""
    with SqliteSessions(path) as sessions:
        for number, length in enumerate(lengths):
            sessions.memory("shared").commit(turn(writer, number, length))


def check_whole(path: Path, plan: dict[str, list[int]]) -> None:
    """Every turn of the plan is there once, in one piece; each writer's in its order."""
    with SqliteSessions(path) as sessions:
        messages = sessions.messages("shared")
        session = sessions.get("shared")
    assert session
    found = [(name, len(list(group))) for name, group in groupby(m.content for m in messages)]
    expected = {
        writer: [(f"{writer}:{number}:{length}", length) for number, length in enumerate(lengths)]
        for writer, lengths in plan.items()
    }
    by_writer = {
        writer: [piece for piece in found if piece[0].split(":")[0] == writer] for writer in plan
    }
    assert by_writer == expected
    assert (session.turns, session.messages) == (
        sum(map(len, plan.values())),
        sum(map(sum, plan.values())),
    )


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield executor


lengths = st.lists(st.integers(1, 20), min_size=1, max_size=10)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(lengths, min_size=1, max_size=3), st.lists(lengths, min_size=1, max_size=2))
def test_commits_of_threads_and_processes_never_mix(tmp_path_factory, processes, here, elsewhere):
    path = tmp_path_factory.mktemp("sessions") / "sessions.db"
    plan = {f"thread{n}": numbers for n, numbers in enumerate(here)}
    others = {f"process{n}": numbers for n, numbers in enumerate(elsewhere)}
    running = [processes.submit(commit_all, path, *item) for item in others.items()]
    with SqliteSessions(path) as sessions:

        def work(writer, numbers):
            for number, length in enumerate(numbers):
                sessions.memory("shared").commit(turn(writer, number, length))

        threads = [threading.Thread(target=work, args=item) for item in plan.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for job in running:
        job.result(timeout=60)
    check_whole(path, plan | others)


async def test_a_thousand_runs_share_one_file(tmp_path):
    import asyncio

    agent = Agent(ScriptedModel(["ok"]))
    with SqliteSessions(tmp_path / "sessions.db") as sessions:
        memories = [sessions.memory(f"user {number % 10}", max_turns=2) for number in range(1_000)]
        await asyncio.gather(*(agent.arun("Hi", memory=memory) for memory in memories))
        assert sorted((s.id, s.turns) for s in sessions.recent()) == [
            (f"user {number}", 100) for number in range(10)
        ]


START = """
import sys
from agno_cli import Message
from agno_cli.storage import SqliteSessions
sessions = SqliteSessions(sys.argv[1])
memory = sessions.memory("shared")
def turn(number):
    return [Message("user", f"child:{number}:50")] * 50
"""
ENDLESS = """
number = 0
while True:
    memory.commit(turn(number))
    number += 1
    print(number, flush=True)
"""
IN_THE_MIDDLE = """
memory.commit(turn(0))
with sessions._database.use() as connection:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO turn (session, created, messages) VALUES (1, 0, '[]')")
    connection.execute("UPDATE session SET turns = 99, messages = 99")
    print(1, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("script", "lines"), [(ENDLESS, 1), (ENDLESS, 40), (IN_THE_MIDDLE, 1)])
def test_a_killed_process_leaves_the_old_state_or_the_new(tmp_path, script, lines):
    path = tmp_path / "sessions.db"
    with subprocess.Popen(
        [sys.executable, "-c", START + script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        for _ in range(lines):
            said = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        said = max([said, *map(int, child.stdout.read().splitlines(keepends=False))])
    with SqliteSessions(path) as sessions:
        session = sessions.get("shared")
        assert session
        kept = session.turns
        assert kept in (said, said + 1)  # it may have been killed before it could say so
        sessions.memory("shared").commit(turn("parent", 0, 3))  # and nothing is left locked
    check_whole(path, {"child": [50] * kept, "parent": [3]})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_opens_a_connection_of_its_own(tmp_path):
    path = tmp_path / "sessions.db"
    script = START + (
        "import os\n"
        "memory.commit(turn(0))\n"
        "sessions._database._lock.acquire()\n"  # as if another thread held it
        "child = os.fork()\n"
        "if child == 0:\n"
        "    memory.commit(turn(1))\n"
        "    sys.exit()\n"
        "sessions._database._lock.release()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "memory.commit(turn(2))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)
    check_whole(path, {"child": [50, 50, 50]})


def test_what_a_fork_inherits_is_neither_used_nor_closed(tmp_path):
    with SqliteSessions(tmp_path / "sessions.db") as sessions:
        sessions.memory("anna").commit([])
        database._forget_all()
        inherited = database._inherited.pop()
        assert [session.turns for session in sessions.recent()] == [1]
        assert inherited.execute("SELECT count(*) FROM turn").fetchone() == (1,)
        inherited.close()
