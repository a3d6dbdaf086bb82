"""The table for a README, and the JSON."""

from pathlib import Path

import msgspec
import pyperf

from agno_cli.reports import markdown
from agno_cli.reports._document import BenchReport, to_json

PAGE = Path(__file__).with_name("table.md").read_text(encoding="utf-8")


def test_markdown_is_one_table_and_what_must_be_said_of_it(report):
    assert markdown.to_markdown(report) == PAGE


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
