"""A profile in words."""

import json
import re
from io import StringIO

import pytest
from msgspec.structs import replace

from agno_cli.profiling._diff import compare
from agno_cli.profiling._profile import CpuProfile, Parts, Totals
from agno_cli.reports._profile_words import headline, summary
from agno_cli.reports._speedscope import to_speedscope
from agno_cli.reports.profile_text import write_summary, write_table, write_tree
from tests.profiling.profiles import cpu, memory, startup


def table(profile, **options) -> str:
    out = StringIO()
    write_table(profile, out, top=options.pop("top", 20), **options)
    return re.sub("─+", "──", out.getvalue())


def test_a_profile_of_time():
    note = "what [must] be known"
    assert table(cpu(notes=(note,))) == (
        "agno profile cpu: CPU time of run, by py-spy\n"
        "1,000 samples, one each 2.00 ms, in 2.00 s; margin at most ±3.1 %;"
        " the run was done 500,000 times\n"
        "slowdown 1.10x: a run takes 4.00 µs bare, 4.40 µs under py-spy\n"
        "\n"
        "Functions\n"
        "\n"
        "    own       ±     total   own, a run   function                     where\n"
        " ──\n"
        " 60.0 %   3.0 %   100.0 %      2.40 µs   Agent.run                   "
        " agno_cli/_agent.py:94\n"
        " 30.0 %   2.8 %    40.0 %      1.20 µs   <hot> & [bold]               shop.py:7\n"
        " 10.0 %   1.9 %    10.0 %       400 ns   encode                       msgspec/json.py:3\n"
        "  0.0 %   0.2 %   100.0 %          0 s   result = agent.run(prompt)\n"
        "\n"
        "note: what [must] be known\n"
    )


def test_a_profile_of_memory():
    assert table(memory()) == (
        "agno profile mem: run, by memray\n"
        "bytes per agent: live 112, peak 168, RSS 113.9; allocations per run: cold 17, warm 14;"
        " tracemalloc agrees\n"
        "\n"
        "Sites: what is alive while results are kept, per run, your own lines first\n"
        "\n"
        " bytes   allocations   function         where\n"
        " ──\n"
        "   4 B             0   <hot> & [bold]   shop.py:7\n"
        "   6 B             0   Agent.run        agno_cli/_agent.py:94\n"
        "\n"
    )


def test_a_profile_of_an_import():
    text = table(startup(), top=2)
    assert text.startswith(
        "agno profile startup: import shop\n"
        "100 ms ±10.0 ms for 3 modules, beside 30.0 ms that Python itself takes; 5 processes\n"
        "slowdown 1.08x, of noting the time of each module\n"
    )
    assert " 30.0 ms   40.0 ms   shop.stock   shop" in text
    assert text.endswith("1 more; `--top` shows them\n")


def test_changes_come_in_place_of_the_rows():
    before, after = cpu(hot=300.0), cpu(hot=600.0)
    lines = table(after, difference=compare(before, after)).splitlines()
    assert "Changes: own time of functions for each run" in lines
    (hot,) = [line.split() for line in lines if "shop.py" in line]
    assert hot[:8] == ["1.20", "µs", "2.40", "µs", "+1.20", "µs", "292", "ns"]
    assert hot[8] == "more"


def test_a_real_run_says_where_its_time_went():
    real = replace(cpu(), parts=Parts(0.75, 0.0, 0.25), bare=0.0)
    assert summary(real)[0] == (
        "one run took 1.00 s: model 750 ms (75.0 %), tools 0 s, framework 250 ms (25.0 %)"
    )


def test_what_was_not_measured_is_said():
    profile = replace(cpu(partial=True), slowdown=None, samples=0)
    assert headline(profile) == "agno profile cpu: CPU time of run, by py-spy (partial)"
    assert summary(profile) == [
        "every call counted in 2.00 s; no margin; the run was done 500,000 times",
        "slowdown: not measured, for the program did not come to its end without a profiler",
    ]


def test_leaks_are_summed():
    leaking = replace(memory(), view="leaks", figures=None)
    assert summary(leaking) == [
        "each run leaves 10 B behind, in 0.1 allocations, over 100 runs more"
    ]
    assert summary(replace(leaking, sites=())) == [
        "nothing is left behind: 0 B a run, over 100 runs more"
    ]


def test_a_program_has_totals():
    program = replace(memory(), figures=None, totals=Totals(5_000_000, 12_345, 34_000_000))
    assert summary(program) == ["peak 4.77 MiB, 12,345 allocations, resident at most 32.4 MiB"]
    assert summary(replace(program, totals=Totals(100, None, None))) == ["peak 100 B"]


def test_only_the_summary():
    out = StringIO()
    write_summary(memory(), out)
    assert len(out.getvalue().splitlines()) == 2


@pytest.mark.parametrize("profile", [cpu(), memory(), startup()])
def test_a_tree_names_what_called(profile):
    out = StringIO()
    write_tree(profile, out)
    lines = out.getvalue().splitlines()
    assert any(line.startswith("100.0 % all ") for line in lines)
    child = "shop" if profile.__class__.__name__ == "StartupProfile" else "<hot> & [bold]"
    assert any("── " in line and child in line for line in lines)


def test_a_narrow_window_loses_nothing():
    assert "msgspec/json.py:3" in table(cpu(), width=60).replace("\n", "").replace(" ", "")


def test_speedscope_reads_a_document():
    document = json.loads(to_speedscope(cpu()))
    (only,) = document["profiles"]
    assert (only["unit"], only["type"]) == ("seconds", "sampled")
    assert only["endValue"] == pytest.approx(2.0)
    assert len(only["samples"]) == len(only["weights"]) == 3
    assert document["shared"]["frames"][2] == {
        "name": "<hot> & [bold]",
        "file": "shop.py",
        "line": 7,
    }
    assert json.loads(to_speedscope(memory()))["profiles"][0]["unit"] == "bytes"


def test_nothing_was_seen():
    profile: CpuProfile = replace(cpu(), stacks=(), functions=(), samples=0)
    out = StringIO()
    write_tree(profile, out)
    assert "0 % all" in out.getvalue()
