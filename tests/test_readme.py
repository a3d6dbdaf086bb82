"""README says what is so: its table is the committed result, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from agno_cli.reports._document import BenchReport
from agno_cli.reports.markdown import to_markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_result():
    result = (ROOT / "results" / "bench.json").read_bytes()
    table = README.partition("<!-- table:begin -->\n")[2].partition("<!-- table:end -->")[0]

    assert table == to_markdown(msgspec.json.decode(result, type=BenchReport))


def test_the_python_runs(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    first, second = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    described = first.partition("output = ")[0]  # what follows asks a paid model

    exec(compile(described + second, "README.md", "exec"), {})
