"""A folder with a user's code in it: hot, leaking, waiting, failing."""

import sys
from pathlib import Path

import pytest

SHOP = '''
"""What a user's file looks like."""

import asyncio
import os
import sys
import time

from agno_cli import Agent, ScriptedModel, tool
from agno_cli.bench import benchmark

kept = []


def hot():
    for _ in range(3000):
        pass


def cold():
    for _ in range(7000):
        pass


def work():
    """Spend 30 % in hot, and the rest in cold."""
    hot()
    cold()


def leaky():
    kept.append(bytes(67))  # 33 bytes of its own and 67 of content: 100


def forgetful():
    for number in range(100):
        kept.append(number)
    del kept[:]


def nothing():
    pass


async def nap():
    await asyncio.sleep(0.01)


async def doze():
    await asyncio.sleep(0.03)


async def waits():
    await nap()
    await doze()


def raises():
    raise ValueError("no [lamp]")


def leaves():
    sys.exit(3)


def vanishes():
    print("the roof is on fire", file=sys.stderr)
    os._exit(7)


def hangs():
    time.sleep(60)


def forks():
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def takes(number):
    return number


@benchmark(expected=2)
def marked():
    """Add."""
    return 1 + 1


@tool
def remember(text: str = "lamp") -> str:
    kept.append("x" * 51)  # 49 bytes of its own: 100
    return text


support = Agent(ScriptedModel(["ok"]), tools=[remember])
number = 3
'''

SCRIPT = """
import sys

from shop import work

print("out", sys.argv[1:])
for _ in range(300):
    work()
sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `shop.py` and `script.py` in it."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def forbidden_py_spy(tmp_path: Path) -> Path:
    """A py-spy that may not look, as in a container."""
    program = tmp_path / "py-spy"
    program.write_text(
        "#!/bin/sh\necho 'Error: Permission Denied: Try running again with sudo' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    return program
