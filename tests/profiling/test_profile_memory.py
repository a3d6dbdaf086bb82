"""Memory: exact figures, sites with their lines, leaks; of what repeats and of programs."""

import sys
from pathlib import Path

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.profiling._errors import CouldNotProfileError, TookTooLongError
from agno_cli.profiling._live import live_command
from agno_cli.profiling._memory import MemorySettings, profile_memory
from agno_cli.profiling._profile import MemoryProfile
from agno_cli.profiling._targets import find_target
from agno_cli.profiling._tracking import MemrayFile, Records, growth, read_traced

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="memray is not made for Windows"),
]


def count(*words: str, call_tools: bool = False, **settings) -> MemoryProfile:
    return profile_memory(find_target(words, call_tools=call_tools), MemorySettings(**settings))


def line_of(text: str) -> int:
    lines = Path("shop.py").read_text(encoding="utf-8").splitlines()
    return 1 + next(number for number, line in enumerate(lines) if text in line)


def test_a_run_has_exact_figures_on_which_the_trackers_agree():
    profile = count()
    figures = profile.figures
    assert figures is not None
    assert (figures.object, figures.operation, figures.objects) == ("agent", "run", 1000)
    assert figures.disagreement <= 0.02
    assert figures.live == 112
    assert figures.peak >= figures.live
    assert figures.cold is not None
    assert figures.warm is not None
    assert figures.cold >= figures.warm > 0
    assert figures.rss is None or abs(figures.rss - figures.live) < 0.25 * figures.live
    assert {site.origin for site in profile.sites} == {"agno_cli"}


def test_as_many_objects_as_asked_for():
    figures = count("create", objects=300).figures
    assert figures is not None
    assert (figures.object, figures.objects, figures.live) == ("agent kept", 300, 112)


@pytest.mark.parametrize("tracker", ["memray", "tracemalloc"])
def test_a_leak_of_100_bytes_a_run_is_found_with_its_line(tracker, shop):
    profile = count("shop.py:leaky", view="leaks", objects=1000, tracker=tracker)
    (site,) = profile.sites
    assert (site.function, site.file, site.line) == ("leaky", "shop.py", line_of("bytes(67)"))
    assert site.allocations == pytest.approx(1.0, abs=0.02)
    assert 100 <= site.bytes <= 120  # and the list that holds them, which is resized in steps


def test_a_leak_in_a_tool_of_an_agent(shop):
    profile = count("shop.py:support", call_tools=True, view="leaks")
    (site,) = profile.sites
    assert (site.function, site.line) == ("remember", line_of('"x" * 51'))
    assert profile.operation == "run"


@pytest.mark.parametrize("name", ["shop.py:forgetful", "shop.py:nothing", "run"])
def test_what_is_tidy_leaks_nothing(name, shop):
    assert count(name, view="leaks").sites == ()


def test_a_target_that_never_allocates(shop):
    profile = count("shop.py:nothing")
    assert profile.sites == ()
    figures = profile.figures
    assert figures is not None
    assert (figures.live, figures.traced) == (0, 0)


def test_what_is_given_back_at_once():
    profile = count(view="temporary")
    assert profile.sites
    assert all(site.allocations > 0 for site in profile.sites)


def test_the_tracker_of_the_standard_library():
    profile = count(tracker="tracemalloc")
    figures = profile.figures
    assert figures is not None
    assert (figures.live, figures.cold, figures.warm) == (112, None, None)
    assert profile.sites


def test_native_frames():
    profile = count(native=True, objects=100)
    assert any(frame.origin == "native" for frame in profile.frames)


def test_a_script_at_its_peak(shop):
    (shop / "big.py").write_text("def make():\n    return bytearray(5_000_000)\nmake()\nkeep = 1\n")
    profile = count("big.py")
    assert profile.totals is not None
    assert profile.totals.peak > 5_000_000
    assert profile.totals.allocations is not None
    first = profile.sites[0]
    assert (first.function, first.file, first.line) == ("make", "big.py", 2)
    assert first.bytes >= 5_000_000


def test_a_script_under_the_tracker_of_the_standard_library(shop):
    (shop / "big.py").write_text("keep = bytearray(5_000_000)\n")
    profile = count("big.py", tracker="tracemalloc")
    assert profile.notes[0] == "tracemalloc shows what is alive in the end, not at the peak"
    assert profile.totals is not None
    assert profile.totals.peak > 5_000_000


def test_a_script_that_fails_leaves_what_was_seen(shop):
    (shop / "bad.py").write_text("keep = bytearray(5_000_000)\nraise SystemExit('no lamp')\n")
    profile = count("bad.py")
    assert profile.partial
    assert profile.notes == ("the program ended with exit code 1: no lamp",)
    assert profile.sites[0].bytes >= 5_000_000


def test_a_script_that_hangs_is_stopped(shop):
    (shop / "slow.py").write_text("import time\nkeep = bytearray(5_000_000)\ntime.sleep(60)\n")
    profile = count("slow.py", timeout=3.0)
    assert profile.partial
    assert profile.notes[0].startswith("the program did not end within 3 s")
    assert profile.sites[0].bytes >= 5_000_000


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("shop.py:raises", CouldNotProfileError, r"ValueError: no \[lamp\]"),
        ("shop.py:leaves", CouldNotProfileError, r"SystemExit\(3\)|SystemExit: 3"),
        ("shop.py:vanishes", CouldNotProfileError, "exit code 7 and said: the roof is on fire"),
        ("nowhere:x", InputError, "there is no module `nowhere`"),
    ],
)
def test_a_target_that_fails_is_one_line(name, kind, message, shop):
    with pytest.raises(kind, match=message):
        count(name)


def test_a_target_that_hangs_is_ended(shop):
    with pytest.raises(TookTooLongError, match="did not end within 2 s"):
        count("shop.py:hangs", timeout=2.0)


def test_what_needs_memray_is_refused_without(shop):
    with pytest.raises(InputError, match="`--temporary` needs memray"):
        count(view="temporary", tracker="tracemalloc")
    with pytest.raises(InputError, match="`--native` needs memray"):
        count(native=True, tracker="tracemalloc")


def test_another_python_cannot_be_entered():
    with pytest.raises(ConfigurationError, match="install agno-cli there"):
        profile_memory(find_target([], command=["sh", "-c", "true"]), MemorySettings())


def test_a_damaged_capture_is_said(tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(b"nonsense")
    with pytest.raises(CouldNotProfileError, match="the capture of memray is damaged"):
        MemrayFile(path).records("peak")
    with pytest.raises(CouldNotProfileError, match="the capture is damaged"):
        read_traced(path)


def test_a_real_run_has_no_memory_profile():
    with pytest.raises(InputError, match="leave `--model` out"):
        profile_memory(find_target(["Hi"], model="scripted:x"), MemorySettings())


def test_the_live_view_is_memrays_own(shop):
    settings = MemorySettings(native=True)
    words = live_command(find_target(["shop.py:work"]), settings)
    start = [sys.executable, "-P", "-m", "memray", "run", "--live", "--trace-python-allocators"]
    assert words[:-1] == [*start, "--native", "-m", "agno_cli.profiling._live"]
    words = live_command(find_target(["script.py", "x"]), MemorySettings())
    assert words == [start[0], *start[2:], "script.py", "x"]
    with pytest.raises(ConfigurationError, match="which does not run"):
        live_command(find_target([], command=["sh"]), MemorySettings())


def test_growth_is_what_a_second_thousand_adds():
    one, two, list_ = (("f", "a.py", 1),), (("g", "a.py", 2),), (("h", "a.py", 3),)
    once: Records = {
        (one, False): (1000.0, 10),
        (two, False): (64.0, 1),
        (list_, True): (8000.0, 1),
    }
    twice: Records = {
        (one, False): (2000.0, 20),
        (two, False): (64.0, 1),
        (list_, True): (24000.0, 1),
    }
    assert growth(once, twice) == {(one, False): (1000.0, 10), (list_, True): (8000.0, 0)}
    assert growth(once, {}) == {
        (one, False): (-1000.0, -10),
        (two, False): (-64.0, -1),
        (list_, True): (-8000.0, -1),
    }
