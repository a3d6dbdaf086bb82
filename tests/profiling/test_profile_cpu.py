"""Time, of targets that are repeated in a child: real engines, real processes, short looks."""

import shutil
import sys

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.profiling._cpu import profile_cpu, typical
from agno_cli.profiling._engines import Settings
from agno_cli.profiling._errors import (
    CouldNotProfileError,
    ProviderFailedError,
    TookTooLongError,
)
from agno_cli.profiling._profile import CpuProfile
from agno_cli.profiling._pyspy import find_py_spy
from agno_cli.profiling._targets import find_target

pytestmark = pytest.mark.slow

needs_tracing = pytest.mark.skipif(
    sys.platform != "linux" or find_py_spy() is None, reason="py-spy may not look everywhere"
)
QUICK = Settings(engine="pyinstrument", seconds=0.5, interval=0.001)


def look(name: str, settings: Settings = QUICK) -> CpuProfile:
    return profile_cpu(find_target([name]), settings)


def shares(profile: CpuProfile) -> dict[str, float]:
    return {cost.function: cost.own for cost in profile.functions}


@needs_tracing
def test_a_function_that_takes_30_percent_is_shown_with_30(shop):
    profile = look("shop.py:work", Settings(engine="py-spy", seconds=4.0, interval=0.001))
    assert profile.samples > 1000
    assert profile.clock == "cpu"
    found = shares(profile)
    assert abs(found["hot"] - 0.30) <= 0.03
    assert abs(found["cold"] - 0.70) <= 0.03
    assert profile.slowdown is not None
    assert profile.slowdown.bare == profile.bare > 0
    names = [[profile.frames[index].function for index in s.frames] for s in profile.stacks]
    assert ["result = function()", "work", "hot"] in names


def test_pyinstrument_shows_who_called_whom(shop):
    profile = look("shop.py:work")
    assert (profile.engine, profile.clock, profile.operation) == ("pyinstrument", "wall", "call")
    assert {"hot", "cold"} <= shares(profile).keys()
    whole = next(cost for cost in profile.functions if cost.function == "work")
    assert whole.total > 0.9


def test_cprofile_counts_calls(shop):
    profile = look("shop.py:work", Settings(engine="cprofile", seconds=0.3))
    calls = {cost.function: cost.calls for cost in profile.functions}
    assert (calls["work"], calls["hot"], calls["cold"]) == (1.0, 1.0, 1.0)
    assert (profile.samples, profile.stacks, profile.margin(0.5)) == (0, (), None)


@pytest.mark.skipif(
    sys.hexversion < 0x030C0000 or not shutil.which("perf"), reason="perf or its support is missing"
)
def test_perf_sees_native_code(shop):
    try:
        profile = look("shop.py:work", Settings(engine="perf", seconds=1.0))
    except ConfigurationError as error:
        pytest.skip(f"the kernel does not let perf sample: {error}")
    assert profile.clock == "cpu"
    assert any(frame.origin == "native" for frame in profile.frames)


def test_time_that_is_awaited_belongs_to_what_awaits(shop):
    """The loop is idle meanwhile; 10 ms and 30 ms are a quarter and three."""
    profile = look("shop.py:waits", Settings(seconds=1.0, interval=0.001))
    assert (profile.engine, profile.clock) == ("pyinstrument", "wall")
    total = {cost.function: cost.total for cost in profile.functions}
    assert total["[await]"] > 0.8
    assert abs(total["nap"] - 0.25) < 0.08
    assert abs(total["doze"] - 0.75) < 0.08


def test_without_permission_the_next_best_engine_looks(shop, forbidden_py_spy):
    settings = Settings(seconds=0.3, clock="cpu", py_spy=forbidden_py_spy)
    profile = look("shop.py:work", settings)
    assert (profile.engine, profile.clock) == ("pyinstrument", "wall")
    assert profile.notes[0].startswith(
        "py-spy may not look into the process (Error: Permission Denied: Try running again with"
        " sudo): in Docker give `--cap-add SYS_PTRACE`, on Linux"
    )
    assert profile.notes[0].endswith("slows small functions more")


def test_without_permission_py_spy_itself_is_refused_with_the_way_out(shop, forbidden_py_spy):
    settings = Settings(engine="py-spy", py_spy=forbidden_py_spy)
    with pytest.raises(ConfigurationError, match="or take `--engine pyinstrument`"):
        look("shop.py:work", settings)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("shop.py:raises", CouldNotProfileError, r"ValueError: no \[lamp\] at .*shop\.py:\d+"),
        ("shop.py:leaves", CouldNotProfileError, r"ended its process: SystemExit\(3\)"),
        (
            "shop.py:vanishes",
            CouldNotProfileError,
            "ended its process with exit code 7 and said: the roof is on fire",
        ),
        ("shop.py:nope", InputError, "has no `nope`"),
        ("nowhere:x", InputError, "there is no module `nowhere`"),
        ("broken.py:x", ConfigurationError, r"cannot be imported: .*broken\.py:1"),
    ],
)
def test_a_target_that_fails_is_one_line(name, kind, message, shop):
    (shop / "broken.py").write_text("1 / 0\n")
    with pytest.raises(kind, match=message) as caught:
        look(name)
    assert "\n" not in str(caught.value)


@needs_tracing
def test_a_target_that_hangs_is_ended_and_it_is_said_where(shop):
    with pytest.raises(TookTooLongError, match=r"within 2 s; it is in `hangs` at shop\.py:\d+"):
        look("shop.py:hangs", Settings(timeout=2.0))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_target_that_forks(shop):
    assert look("shop.py:forks").samples > 0


def test_a_target_that_does_nothing(shop):
    assert look("shop.py:nothing").operations > 1000


def test_an_agent_with_its_tools(shop):
    profile = profile_cpu(find_target(["shop.py:support"], call_tools=True), QUICK)
    assert "remember" in shares(profile)
    assert profile.operation == "run"


def test_a_real_run_is_split():
    target = find_target(["Hello"], model="scripted:Hi there")
    profile = profile_cpu(target, QUICK)
    assert profile.parts is not None
    assert profile.parts.model > 0
    assert profile.parts.tools == 0
    assert profile.operations == 1
    assert profile.slowdown is not None


@pytest.mark.parametrize(
    ("model", "kind"),
    [("openai:gpt-5-mini", ConfigurationError), ("nobody:none", ConfigurationError)],
)
def test_a_real_run_that_cannot_be(model, kind):
    with pytest.raises(kind):
        profile_cpu(find_target(["Hello"], model=model), QUICK)


def test_a_provider_that_fails(shop):
    (shop / "failing.py").write_text(
        "from agno_cli import Agent, ScriptedModel, ModelError\n"
        "agent = Agent(ScriptedModel([ModelError('it is down', provider='x')]))\n"
        "def run():\n    agent.run('Hi')\n"
    )
    with pytest.raises(ProviderFailedError, match="x: it is down"):
        look("failing.py:run")


def test_the_batches_that_nothing_was_in_the_way_of_count():
    assert typical([1.0, 1.0, 9.0, 9.0, 1.0]) == 1.0
    assert typical([3.0]) == 3.0


def test_a_margin_is_half_of_the_interval(shop):
    profile = look("shop.py:nothing")
    half = profile.margin(0.5)
    assert half is not None
    assert half == pytest.approx(1.96 * (0.25 / profile.samples) ** 0.5)
    assert profile.margin(0.0) > 0  # type: ignore[operator]  # it was sampled
