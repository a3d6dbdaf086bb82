"""The table for a README, and the JSON."""

from pathlib import Path

import msgspec
import pyperf
from msgspec.structs import replace

from agno_cli.reports import markdown
from agno_cli.reports._document import BenchReport, to_json

PAGE = Path(__file__).with_name("table.md").read_text(encoding="utf-8")


def test_markdown_is_one_table_and_what_must_be_said_of_it(report):
    assert markdown.to_markdown(report) == PAGE


def test_signs_of_markdown_are_kept_from_it_but_code_is_code(report):
    notes = ("a_b*c <d>", "`final_answer|<x>` and_more", "a lone ` tick_")
    first = replace(report.result.results[0], notes=notes)
    page = markdown.to_markdown(replace(report, result=replace(report.result, results=(first,))))
    lines = [line.partition("create: ")[2] for line in page.splitlines() if "- create: " in line]
    assert lines == [
        "a\\_b\\*c &lt;d&gt;",
        "`final_answer\\|<x>` and\\_more",
        "a lone \\` tick\\_",
    ]


def test_json_is_one_document_that_reads_back(report):
    text = to_json(report)
    assert msgspec.json.decode(text, type=BenchReport) == report
    document = msgspec.json.decode(text)
    assert list(document)[:5] == [
        "schema_version",
        "command",
        "environment",
        "result",
        "verdicts",
    ]
    assert (document["schema_version"], document["command"]) == (1, "bench")


def test_pyperf_reads_the_json_too(report, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(to_json(report))
    suite = pyperf.BenchmarkSuite.load(str(path))
    assert suite.get_benchmark("create").get_values()[0] == 100e-9
    assert suite.get_benchmark("create.bytes").get_values() == (112.0,)
