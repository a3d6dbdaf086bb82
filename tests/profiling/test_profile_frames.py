"""Frames become short and comparable, and the profiler's own are taken away."""

import sys
from pathlib import Path

import pytest

import agno_cli
from agno_cli.profiling._frames import RawFrame, fold, is_harness, make_frame, without_harness
from agno_cli.profiling._profile import Frame, Stack

PACKAGE = str(Path(agno_cli.__file__).parent)
CHILD: RawFrame = ("_converse", f"{PACKAGE}/profiling/_child.py", 1)
MARKED: RawFrame = ("profiled_part", f"{PACKAGE}/profiling/_child.py", 2)
TIME: RawFrame = ("Workbench.time", f"{PACKAGE}/bench/_operations.py", 3)
STATEMENT: RawFrame = ("timed", "<result = agent.run(prompt)>", 9)
RUN: RawFrame = ("Agent.run", f"{PACKAGE}/_agent.py", 94)
USER: RawFrame = ("hot", "/somewhere/shop.py", 7)


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        (RUN, Frame("Agent.run", "agno_cli/_agent.py", 94, "agno_cli")),
        (STATEMENT, Frame("result = agent.run(prompt)", "", 0, "yours")),
        (
            ("timed.<locals>.<listcomp>", "<result = [x for x in y]>", 4),
            Frame("<listcomp>", "", 0, "yours"),
        ),
        (
            ("encode", "/v/lib/python3.11/site-packages/msgspec/json.py", 3),
            Frame("encode", "msgspec/json.py", 3, "library"),
        ),
        (
            ("Agent.run", "/v/lib/python3.11/site-packages/agno_cli/_agent.py", 3),
            Frame("Agent.run", "agno_cli/_agent.py", 3, "agno_cli"),
        ),
        (
            ("run", "/v/lib/python3.13t/asyncio/runners.py", 3),
            Frame("run", "asyncio/runners.py", 3, "python"),
        ),
        (
            ("_find", "<frozen importlib._bootstrap>", 3),
            Frame("_find", "<frozen importlib._bootstrap>", 3, "python"),
        ),
        (("[await]", "", 0), Frame("[await]", "", 0, "python")),
        (("malloc", "/usr/lib/libc.so.6", 0), Frame("malloc", "libc.so.6", 0, "native")),
        (USER, Frame("hot", "/somewhere/shop.py", 7, "yours")),
    ],
)
def test_a_frame_says_whose_it_is(raw, frame):
    assert make_frame(raw) == frame


def test_a_file_below_the_current_folder_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = ("price", str(tmp_path / "shop" / "prices.py"), 1)
    assert make_frame(raw) == Frame("price", "shop/prices.py", 1, "yours")


@pytest.mark.parametrize(
    ("stack", "left"),
    [
        ([CHILD, MARKED, TIME, STATEMENT, RUN], [STATEMENT, RUN]),
        ([CHILD, MARKED, TIME, ("run", "/l/lib/python3.11/asyncio/runners.py", 1)], 1),
        ([CHILD, MARKED, USER], [USER]),
        ([("Thread.run", "/l/lib/python3.11/threading.py", 1), USER], 2),
        ([CHILD, MARKED, TIME], None),
        ([CHILD, ("readline", "", 0)], None),
        ([("main", "<frozen site>", 1), USER], None),
        ([("_run_module_as_main", "<frozen runpy>", 1), RUN], None),
        ([], None),
    ],
)
def test_what_repeats_the_target_is_taken_off(stack, left):
    found = without_harness(stack)
    assert found == (stack[-left:] if isinstance(left, int) else left)


def test_a_function_that_profiles_is_told():
    assert [is_harness(frame) for frame in (CHILD, TIME, RUN, USER)] == [True, True, False, False]


def test_equal_stacks_are_one():
    frames, stacks = fold([([USER, RUN], 1.0, 2), ([USER], 5.0, 1), ([USER, RUN], 2.0, 1)])
    assert [frame.function for frame in frames] == ["hot", "Agent.run"]
    assert stacks == (Stack((0,), 5.0, 1), Stack((0, 1), 3.0, 3))


def test_the_standard_library_is_pythons_own():
    raw = ("dumps", str(Path(sys.base_prefix, "lib", "json.py")), 1)
    assert make_frame(raw).origin == "python"
