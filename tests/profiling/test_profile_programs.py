"""Scripts and commands: run whole, bare and under an engine."""

import sys

import pytest

from agno_cli.profiling._cpu import profile_cpu
from agno_cli.profiling._engines import Settings
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._profile import CpuProfile
from agno_cli.profiling._targets import find_target
from tests.profiling.test_profile_cpu import needs_tracing, shares

pytestmark = pytest.mark.slow


def run(*command: str, **settings) -> CpuProfile:
    return profile_cpu(find_target([], command=command), Settings(**settings))


def test_a_script_is_repeated_until_there_are_enough_samples(shop):
    steps: list[str] = []
    target = find_target(["script.py"])
    settings = Settings(engine="pyinstrument", interval=0.001)
    profile = profile_cpu(target, settings, steps.append)
    assert steps[:2] == ["running script.py bare", "running script.py under pyinstrument"]
    assert profile.samples >= 1000 or profile.operations > 1
    assert {"hot", "cold"} <= shares(profile).keys()
    assert profile.slowdown is not None
    assert profile.bare > 0


@needs_tracing
def test_a_script_seen_from_outside_without_python_starting(shop):
    profile = run(sys.executable, "script.py", engine="py-spy", once=True)
    assert {"hot", "cold"} <= shares(profile).keys()
    assert profile.slowdown is None
    roots = {profile.frames[stack.frames[0]].file for stack in profile.stacks}
    assert not any("frozen site" in root or "profiling" in root for root in roots)


def test_a_program_that_fails_leaves_what_was_seen(shop):
    profile = run(sys.executable, "script.py", "3", engine="pyinstrument")
    assert profile.partial
    assert "the program ended with exit code 3" in profile.notes
    assert profile.operations == 1


def test_a_program_that_raises_says_so(shop):
    (shop / "bad.py").write_text("from shop import work\nwork()\nraise ValueError('no [lamp]')\n")
    profile = run(sys.executable, "bad.py", engine="cprofile")
    assert profile.partial
    assert any("exit code 1: ValueError: no [lamp] at" in note for note in profile.notes)


def test_a_program_that_vanishes_writes_nothing(shop):
    with pytest.raises(CouldNotProfileError, match=r"left its process at once, as by `os\._exit`"):
        run(sys.executable, "-c", "import os; os._exit(0)", engine="pyinstrument")


def test_a_program_that_hangs_is_stopped_and_shown(shop):
    code = "import shop\nwhile True: shop.work()"
    profile = run(sys.executable, "-c", code, engine="pyinstrument", timeout=3.0)
    assert profile.partial
    assert profile.slowdown is None
    assert profile.notes[0] == (
        "the program did not end within 3 s: this is what it did until then"
    )
    assert "cold" in shares(profile)


@needs_tracing
def test_a_server_is_looked_at_for_a_while(shop):
    code = "import shop\nwhile True: shop.work()"
    profile = run(sys.executable, "-c", code, engine="py-spy", seconds=1.0)
    assert not profile.partial
    assert any("was stopped after" in note for note in profile.notes)
    assert "cold" in shares(profile)


@needs_tracing
def test_a_command_that_starts_python(shop):
    profile = run("sh", "-c", f"{sys.executable} script.py", engine="py-spy", once=True)
    assert "cold" in shares(profile)


def test_a_module_is_run_as_the_main_program(shop):
    (shop / "tool.py").write_text(
        "import sys\nfrom shop import work\n"
        "assert __name__ == '__main__' and sys.argv[1:] == ['-x'], sys.argv\n"
        "for _ in range(300): work()\n"
    )
    profile = run(sys.executable, "-m", "tool", "-x", engine="cprofile")
    assert profile.notes == (*profile.notes[:-1], profile.notes[-1])
    assert not profile.partial
    assert "hot" in shares(profile)


def test_awaiting_in_a_script(shop):
    (shop / "loop.py").write_text("import asyncio, shop\nasyncio.run(shop.waits())\n" * 10)
    profile = run(sys.executable, "loop.py", once=True)
    total = {cost.function: cost.total for cost in profile.functions}
    assert profile.engine in {"pyinstrument", "py-spy"}
    if profile.engine == "pyinstrument":
        assert total["[await]"] > 0.3


def test_without_permission_a_script_is_profiled_from_inside(shop, forbidden_py_spy):
    profile = run(sys.executable, "script.py", once=True, clock="cpu", py_spy=forbidden_py_spy)
    assert profile.engine == "pyinstrument"
    assert profile.notes[0].startswith("py-spy may not look into the process")
