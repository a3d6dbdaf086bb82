"""`agno profile`: options, files, exit codes; what is profiled for real here is little."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from agno_cli.cli import main
from agno_cli.cli._profile import seconds
from tests.profiling.profiles import cpu, memory

SHOP = """
import time


def work():
    sum(range(1000))


def raises():
    raise ValueError("no lamp")


def hangs():
    time.sleep(60)
"""
QUICK = ("--engine", "pyinstrument", "-d", "300ms", "-i", "1ms")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module and earlier profiles in it."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "taken.html").write_text("")
    (tmp_path / "cpu.json").write_bytes(msgspec.json.encode(cpu()))
    (tmp_path / "mem.json").write_bytes(msgspec.json.encode(memory()))
    (tmp_path / "bad.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cpu", "creat"], 2, "there is no benchmark `creat`; did you mean `create`"),
        (["cpu", "run", "create"], 2, "`run` and `create` are two targets; give one at a time"),
        (["cpu", "no.py"], 2, "there is no file `no.py`"),
        (["cpu", "run", "--", "ls"], 2, "`run` and `-- ls` are two targets; give one"),
        (["cpu", "--", "no-such-program"], 2, "there is no program `no-such-program`"),
        (["cpu", "--engine", "pyspy"], 2, "`--engine pyspy` is unknown; did you mean `py-spy`?"),
        (["cpu", "--mode", "gpu"], 2, "`--mode gpu` is unknown; did you mean `cpu`?"),
        (["cpu", "--engine", "cprofile", "--mode", "cpu"], 2, "`--engine cprofile` knows only"),
        (["cpu", "-i", "1us"], 2, "`--interval` is 1e-06 s; samplers take from 100us to 1s"),
        (["cpu", "-d", "fast"], 2, "--duration: expected a number"),
        (["cpu", "-d", "5 weeks"], 2, "--duration: "),
        (["cpu", "--timeout", "0"], 2, "`--timeout` is 0; give more than 0"),
        (["cpu", "--model", "scripted:x"], 2, "a real run needs a prompt"),
        (["cpu", "-f", "pdf"], 2, "`-f pdf` is unknown; the names are text, tree, html"),
        (["cpu", "-o", "taken.html"], 2, "taken.html exists; give another name to `-o`, or"),
        (["cpu", "-o", "."], 2, ". is a folder; give `-o` a file in it"),
        (["cpu", "-o", "no/x.html"], 2, "there is no folder no to write x.html to; make it"),
        (["cpu", "--diff", "no.json"], 2, "cannot read no.json: No such file"),
        (["cpu", "--diff", "bad.json"], 5, "bad.json is damaged or no profile"),
        (["mem", "--leaks", "--temporary"], 2, "`--leaks` and `--temporary` are two views"),
        (["mem", "--engine", "malloc"], 2, "`--engine malloc` is unknown; did you mean"),
        (["mem", "--live"], 2, "`--live` needs a terminal"),
        (["mem", "--live", "-o", "x.html"], 2, "`--live` shows a terminal; leave `-o` out"),
        (["mem", "--engine", "tracemalloc", "--native"], 2, "`--native` needs memray"),
        (["startup", "nowhere"], 2, "there is no module `nowhere`"),
        (["startup", "-f", "speedscope"], 2, "`-f speedscope` is unknown"),
    ],
)
def test_bad_input_is_refused_before_anything_is_profiled(arguments, code, message, capsys):
    assert main(["profile", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("text", "value"),
    [("2ms", 0.002), ("5s", 5.0), ("1min", 60.0), ("0.5", 0.5), ("100us", 1e-4), ("1h", 3600.0)],
)
def test_times_are_read_as_people_write_them(text, value):
    assert seconds("--duration", text) == pytest.approx(value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cpu", "shop.py:raises"], 4, "the target failed: ValueError: no lamp at "),
        (["cpu", "shop.py:nope"], 2, "TARGET: `shop.py` has no `nope`"),
        (["cpu", "shop.py:hangs", "--timeout", "2s"], 7, "the target did not end within 2 s"),
        (["mem", "shop.py:raises"], 4, "the target failed: ValueError: no lamp at "),
        (["mem", "shop.py:hangs", "--timeout", "2s"], 7, "the target did not end within 2 s"),
        (["startup", "broken"], 5, "`broken` cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_target_that_fails_is_one_line_and_a_code(arguments, code, message, capsys):
    Path("broken.py").write_text("1 / 0\n")
    assert main(["profile", *arguments, "-q"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1


@pytest.mark.slow
def test_time_of_a_function_written_to_a_page_and_shown(capsys):
    assert main(["profile", "cpu", "shop.py:work", *QUICK, "-o", "taken.html", "--force"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("agno profile cpu: wall time of shop.py:work, by pyinstrument\n")
    assert "slowdown " in captured.out
    assert " samples, one each 1.00 ms, in " in captured.out
    assert "margin at most ±" in captured.out
    assert captured.err.splitlines() == [
        "warming shop.py:work up in a process of its own",
        "profiling shop.py:work with pyinstrument",
    ]
    page = Path("taken.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "work - shop.py:" in page


@pytest.mark.slow
def test_one_json_document_is_a_profile_to_compare_with(capsys):
    assert (
        main(["profile", "cpu", "shop.py:work", *QUICK, "-q", "--json", "--diff", "cpu.json"]) == 0
    )
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["command"], document["schema_version"]) == ("profile cpu", 1)
    assert (document["engine"], document["clock"]) == ("pyinstrument", "wall")
    assert document["difference"]["notes"][0].startswith("before, the target was `run`")
    assert captured.err == ""
    Path("new.json").write_text(captured.out)
    assert main(["profile", "cpu", "shop.py:work", *QUICK, "-q", "--diff", "new.json"]) == 0
    assert "Changes: own time of functions for each call" in capsys.readouterr().out


@pytest.mark.slow
def test_a_profile_of_another_kind_cannot_be_compared(capsys):
    assert main(["profile", "cpu", "shop.py:work", *QUICK, "-q", "--diff", "mem.json"]) == 2
    assert "a mem profile and a cpu profile cannot be compared" in capsys.readouterr().err


@pytest.mark.slow
def test_the_format_follows_the_name_of_the_file(capsys):
    for name in ("p.speedscope.json", "p.json", "p.html", "p.txt"):
        assert main(["profile", "cpu", "shop.py:work", *QUICK, "-q", "-o", name]) == 0
    assert "speedscope" in json.loads(Path("p.speedscope.json").read_text())["$schema"]
    assert json.loads(Path("p.json").read_text())["command"] == "profile cpu"
    assert Path("p.txt").read_text().startswith("agno profile cpu: ")
    capsys.readouterr()


@pytest.mark.slow
def test_memory_of_the_built_in_run_in_one_line(capsys):
    assert main(["profile", "mem", "-f", "summary", "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "agno profile mem: run, by memray"
    assert lines[1].startswith("bytes per agent: live 112, peak ")
    assert "; allocations per run: cold " in lines[1]
    assert lines[1].endswith("tracemalloc agrees")


@pytest.mark.slow
def test_memory_as_a_tree_a_page_and_data(capsys):
    assert main(["profile", "mem", "create", "-f", "tree", "-q"]) == 0
    assert "100.0 % all " in capsys.readouterr().out
    assert main(["profile", "mem", "create", "-q", "-o", "mem.html", "--diff", "mem.json"]) == 0
    assert "Changes: bytes of sites" in capsys.readouterr().out
    assert "Flame graph" in Path("mem.html").read_text()


@pytest.mark.slow
def test_a_script_that_fails_keeps_its_report_and_says_so(capsys):
    Path("bad.py").write_text("from shop import work\nfor _ in range(9): work()\nexit(3)\n")
    assert main(["profile", "cpu", "bad.py", "--engine", "cprofile", "-q"]) == 4
    out = capsys.readouterr().out
    assert out.startswith("agno profile cpu: wall time of bad.py, by cprofile (partial)\n")
    assert "note: the program ended with exit code 3\n" in out


@pytest.mark.slow
def test_a_command_has_options_of_its_own(capsys):
    code = "import sys; from shop import work; work(); assert sys.argv[1:] == ['-q', '--json']"
    command = [sys.executable, "-c", code, "-q", "--json"]
    assert main(["profile", "cpu", "--engine", "cprofile", "-q", "--", *command]) == 0
    assert "work" in capsys.readouterr().out


@pytest.mark.slow
def test_a_real_run_is_split_into_model_tools_and_framework(capsys):
    arguments = ["profile", "cpu", "--model", "scripted:Hi there", "Hello", "-q"]
    assert main([*arguments, "--engine", "pyinstrument"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("one run took ")
    assert "model " in lines[1]
    assert lines[1].split(", ")[1] == "tools 0 s"
    assert "framework " in lines[1]


@pytest.mark.slow
def test_what_an_import_loads(capsys):
    Path("market.py").write_text("import shop, json\n")
    assert main(["profile", "startup", "market", "-q", "--top", "99"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("agno profile startup: import market\n")
    assert any(line.split()[-2:] == ["shop", "market"] for line in out.splitlines())
    assert main(["profile", "startup", "market", "-q", "-f", "tree"]) == 0
    assert "── " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_interrupt_leaves_no_process_behind():
    mine = f"shop_{os.getpid()}.py"
    Path(mine).write_text(SHOP)
    command = [sys.executable, "-P", "-m", "agno_cli", "profile", "cpu", f"{mine}:hangs"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("warming ")
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    time.sleep(0.2)
    running = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert not [line for line in running if mine in line]


@pytest.mark.slow
def test_help_shows_no_hidden_option():
    done = subprocess.run(
        [sys.executable, "-m", "agno_cli", "profile", "cpu", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "agno profile cpu [OPTIONS] [TARGET]..." in done.stdout
    assert "--command" not in done.stdout
