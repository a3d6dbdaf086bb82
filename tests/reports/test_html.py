"""The whole page of a benchmark report."""

import re

from msgspec.structs import replace

from agno_cli.bench._compare import Comparison
from agno_cli.bench._imports import Imported
from agno_cli.bench._results import Count, Result, Timing
from agno_cli.bench._targets import BUILT_IN
from agno_cli.bench._warnings import Caution
from agno_cli.reports._page import STYLE
from agno_cli.reports._peer_rows import PeerFigure, PeerRow
from agno_cli.reports.html import to_html


def headings(document: str) -> list[str]:
    return re.findall("<h2[^>]*>(.*?)</h2>", document)


def test_a_report_has_its_parts(report):
    document = to_html(report)

    assert headings(document) == [
        *("Worth knowing", "Figures", "Distribution", "Environment", "Do it again")
    ]
    assert "<title>agno bench: 4 targets: 1 pass, 2 fail, 1 inconclusive (12 s)</title>" in document
    assert "Interrupted: these are partial results." in document
    assert '<time datetime="2026-01-02T03:04:05+00:00">2026-01-02 03:04:05</time> UTC' in document


def test_verdicts_are_counted_at_the_top(report):
    header = to_html(report).split("<header>")[1].split("</dl>")[0]

    assert re.findall(r"([a-z ]+)(?:</span>)?</dt><dd>(\d+)</dd>", header) == [
        *(("pass", "1"), ("fail", "2"), ("inconclusive", "1"), ("benchmarks", "4")),
        ("not measured", "1"),
    ]


def test_a_complete_report_without_remarks_has_fewer_parts(report):
    result = replace(report.result, results=report.result.results[1:2], partial=False)
    document = to_html(replace(report, result=result, verdicts=report.verdicts[2:3]))

    assert headings(document)[0] == "Figures"
    assert "Interrupted" not in document
    assert "not measured</span>" not in document


def test_rows_with_targets_problems_and_documented_figures(report):
    document = to_html(report)
    lines = re.findall('<tr><th scope="row" class="text"><code>(.*?)</tr>', document)
    plain = [" ".join(re.sub("<[^>]*>", " ", line).split()) for line in lines]

    create, create_tools, *others = plain
    assert create == (
        "create 101 ns ±1.0 % 9.90 M 112 B 1 inconclusive time &lt;= 101 ns pass bytes &lt;= 128 B"
        " 184.5 ns 1,272 B 8 allocs 270 ns 536 B 8 allocs"
    )
    assert create_tools == (
        "create_tools 150 ns ±0.0 % 6.67 M - - fail time &lt;= 1.3x create, is 1.49x"
        " 193.0 ns 1,288 B 9 allocs 296 ns 552 B 9 allocs"
    )
    assert others == [
        "soak - - - - - fail growth &lt;= 4,096 B, is 10.3 KiB - -",
        "gather - - - - - not measured - -",
    ]


def test_a_row_without_targets(report):
    document = to_html(replace(report, verdicts=()))

    assert '<td class="text">-</td>' in document


def test_warnings_come_first_each_with_its_next_step(report):
    warnings = (Caution("noisy", "`run` differs.", "Try `--rigorous`."),)
    document = to_html(replace(report, warnings=warnings))

    assert (
        '<ul class="remarks"><li><strong>noisy</strong>: <code>run</code> differs. '
        "<em>Try <code>--rigorous</code>.</em></li><li>soak: a note</li>"
    ) in document


def test_every_part_that_a_report_can_have(report):
    create = PeerFigure(1e-7, "second")
    full = replace(
        report,
        result=replace(report.result, results=(*report.result.results, *_parallel())),
        baseline="main",
        comparisons=(Comparison(benchmark="run", metric="time", outcome="pass", change="same"),),
        peers=(PeerRow(name="ours", figures={"create": create}, notes=("said once",)),) * 2,
        imported=(
            Imported(
                name="BenchmarkRun<1>",
                metric="time",
                unit="second",
                processes=((1e-6,),),
                source="go.txt",
                format="go",
            ),
        ),
    )
    document = to_html(full)

    assert headings(document) == [
        *("Worth knowing", "Figures", "Changes", "Other libraries", "Ratios"),
        *("Scaling", "Distribution", "Environment", "Do it again"),
    ]
    assert "This run against main. " in document
    assert document.count("said once") == 2
    assert "<code>BenchmarkRun&lt;1&gt;</code>" in document
    assert "<span>imported from go.txt</span>" in document


def _parallel() -> list[Result]:
    return [
        Result(
            name=f"parallel_run_threads_{workers}",
            summary="",
            operation="run",
            timing=Timing(((1e-6,),) * 6, 1),
        )
        for workers in (1, 2)
    ]


def test_a_figure_without_a_target_has_no_mark(report):
    first = report.result.results[0]
    counted = replace(first, counts={"bytecodes": Count(70.0, "bytecode")})
    result = replace(report.result, results=(counted,))
    document = to_html(replace(report, result=result, verdicts=()))

    assert '<ul class="targets"><li><span>bytecodes 70</span></li></ul>' in document


def test_how_to_do_it_again(report):
    document = to_html(report, command=("agno", "bench", "my file.py", "$(rm)"))

    assert (
        "python3.11 -m pip install agno-cli==0.1.0\nagno bench &#x27;my file.py&#x27;"
        " &#x27;$(rm)&#x27;</code></pre>"
    ) in document
    assert "With Python 3.11.7, at commit abc. " in document


def test_an_environment_that_knows_little(report):
    environment = replace(
        report.environment, load=None, commit="", gc=False, gil=False, variables={"A<B": "1"}
    )
    document = to_html(replace(report, environment=environment))

    assert "<dt>Load at the start</dt><dd>-</dd>" in document
    assert "<dt>Garbage collector</dt><dd>off</dd>" in document
    assert "<dt>A&lt;B</dt><dd>1</dd>" in document
    assert "With Python 3.11.7. Absolute" in document


def test_hostile_names_stay_text(report):
    hostile = "</style><script>alert(1)</script><img src=x onerror='a'>\x00\ud800"
    results = tuple(
        replace(result, name=hostile, summary=hostile, notes=(hostile,))
        for result in report.result.results
    )
    environment = replace(report.environment, cpu=hostile, commit=hostile)
    document = to_html(
        replace(
            report,
            environment=environment,
            result=replace(report.result, results=results),
            warnings=(Caution("noisy", hostile, hostile),),
        ),
        command=(hostile,),
    )

    assert "<script" not in document
    assert "<img" not in document
    assert document.count("</style>") == 1
    document.encode()


def test_the_style_is_shipped_with_the_package():
    # The build takes every file of the package; targets.toml is read from there too.
    assert STYLE.parent.parent == BUILT_IN.parent.parent
    assert STYLE.is_file()
