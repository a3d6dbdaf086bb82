"""Which engine looks, and what each of their captures says."""

import json

import pytest

from agno_cli import InputError
from agno_cli.profiling._engines import (
    Settings,
    candidates,
    check_settings,
    choose_clock,
)
from agno_cli.profiling._errors import CouldNotProfileError
from agno_cli.profiling._inside import Capture, read_capture
from agno_cli.profiling._perf import read_script
from agno_cli.profiling._pyspy import read_speedscope


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(interval=1e-5), "`--interval` is 1e-05 s; samplers take from 100us to 1s"),
        (Settings(interval=2.0), "`--interval` is 2 s"),
        (Settings(seconds=400.0), "`--duration` is 400 s"),
        (Settings(engine="pyinstrument", clock="cpu"), "knows only wall time"),
        (Settings(engine="perf", clock="wall"), "knows only cpu time"),
    ],
)
def test_what_no_engine_can_do_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        check_settings(settings)


@pytest.mark.parametrize(
    ("settings", "busy", "clock"),
    [
        (Settings(), 1.0, "cpu"),
        (Settings(), 0.1, "wall"),
        (Settings(clock="cpu"), 0.1, "cpu"),
        (Settings(engine="cprofile"), 1.0, "wall"),
        (Settings(engine="perf"), 0.1, "cpu"),
        (Settings(engine="py-spy"), 0.1, "wall"),
    ],
)
def test_the_clock_is_that_of_the_question(settings, busy, clock):
    assert choose_clock(settings, busy) == clock


def test_what_awaits_is_asked_by_the_engine_that_knows_of_awaiting():
    assert candidates(Settings(), "wall", awaits=True) == ("pyinstrument", "py-spy")
    assert candidates(Settings(), "wall", awaits=False) == ("py-spy", "pyinstrument")
    assert candidates(Settings(), "cpu", awaits=True) == ("py-spy", "pyinstrument")
    assert candidates(Settings(engine="cprofile"), "wall", awaits=True) == ("cprofile",)


SPEEDSCOPE = {
    "shared": {
        "frames": [
            {"name": 'process 7:"python"', "file": "", "line": 0},
            {"name": "main", "file": "/a.py", "line": 3},
            {"name": "hot", "file": "/a.py", "line": 5},
        ]
    },
    "profiles": [
        {"samples": [[0, 1], [0, 1, 2], [0, 1, 2]], "weights": [1, 1, 1]},
        {"samples": [[1]], "weights": [1]},
        {"samples": [], "weights": []},
    ],
}


def test_py_spy_writes_samples_of_each_thread(tmp_path):
    path = tmp_path / "capture"
    path.write_text(json.dumps(SPEEDSCOPE))
    main, hot = ("main", "/a.py", 3), ("hot", "/a.py", 5)
    assert read_speedscope(path) == Capture(
        samples=4, threads=2, stacks=(((main,), 1.0), ((main, hot), 2.0), ((main,), 1.0))
    )


@pytest.mark.parametrize("text", ["", "{", '{"shared":{"frames":[]},"profiles":[]', "[1]"])
def test_a_damaged_capture_is_said(text, tmp_path):
    path = tmp_path / "capture"
    path.write_text(text)
    with pytest.raises(CouldNotProfileError, match="the capture of py-spy is damaged"):
        read_speedscope(path)
    with pytest.raises(CouldNotProfileError, match="the capture is damaged"):
        read_capture(path)


def test_a_capture_of_frames_that_are_not_there_is_damaged(tmp_path):
    path = tmp_path / "capture"
    path.write_text(json.dumps(SPEEDSCOPE | {"shared": {"frames": []}}))
    with pytest.raises(CouldNotProfileError, match="is damaged"):
        read_speedscope(path)


def test_a_capture_that_was_not_written_is_said(tmp_path):
    with pytest.raises(CouldNotProfileError, match="left its process at once"):
        read_capture(tmp_path / "none")


PERF = """\
python 24547/24547
\t          1a1263 long_dealloc (/usr/lib/libpython3.12.so.1.0)
\t          115901 py::hot:/home/a.py (/tmp/perf-24547.map)
\t               0 [unknown] ([unknown])
\t          115902 py::<module>:/home/a.py (/tmp/perf-24547.map)

python 24547/24547
\t          1d18ba clock_gettime+0x2 ([vdso])
"""


def test_perf_writes_native_and_python_frames():
    assert list(read_script(PERF)) == [
        (
            ("<module>", "/home/a.py", 0),
            ("hot", "/home/a.py", 0),
            ("long_dealloc", "/usr/lib/libpython3.12.so.1.0", 0),
        ),
        (("clock_gettime", "[vdso]", 0),),
    ]
