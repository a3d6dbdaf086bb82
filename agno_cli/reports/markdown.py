"""A benchmark table in Markdown, for a README."""

from __future__ import annotations

from collections.abc import Iterable

from agno_cli.reports._document import BenchReport
from agno_cli.reports._further import further_tables
from agno_cli.reports._rows import NOTHING, Row, caption, remarks, rows, tally

_HEADINGS = (
    "benchmark",
    "time",
    "±",
    "ops/s",
    "live",
    "allocs",
    "targets",
    "Agno-Go, documented",
    "Agno-Go, measured elsewhere",
)
_WITHOUT_DOCUMENTED = 7
_RULES = ("---", "--:", "--:", "--:", "--:", "--:", "---", "--:", "--:")


def to_markdown(report: BenchReport) -> str:
    """Write the table, its caption, what else must be known, and the tally."""
    table = rows(report)
    width = len(_HEADINGS) if any(row.documented for row in table) else _WITHOUT_DOCUMENTED
    lines = [_line(_HEADINGS[:width]), _line(_RULES[:width])]
    lines += [_line(_cells(row)[:width]) for row in table]
    for further in further_tables(report):
        rules = ["---", *["--:"] * (len(further.headings) - 1)]
        lines += ["", f"**{_escaped(further.title)}**", ""]
        lines += [_line(map(_in_one_line, further.headings)), _line(rules)]
        lines += [_line(map(_in_one_line, row)) for row in further.rows]
        lines += ["", *(f"- {_escaped(note)}" for note in further.notes)]
    lines += ["", f"**{_escaped(tally(report))}**", ""]
    lines += [f"- {_escaped(remark)}" for remark in [*remarks(report), *caption(report)]]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    targets = [f"{line.outcome or ''} {line.text}".strip() for line in row.targets]
    if row.problem and not targets:
        targets = ["not measured"]
    return [
        f"`{row.name}`",
        *(row.time, row.spread, row.rate, row.live, row.allocations),
        _stacked(targets),
        _stacked(row.documented, join=", "),
        _stacked(row.measured_elsewhere, join=", "),
    ]


def _stacked(lines: Iterable[str], *, join: str = "<br>") -> str:
    return join.join(map(_escaped, lines)) or NOTHING


def _in_one_line(cell: str) -> str:
    return _stacked(cell.split("\n")) if cell else ""


def _escaped(text: str) -> str:
    """Keep Markdown from reading signs of ours as its own; what stands in backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick is only a sign
        return "\\`".join(map(_plain, parts))
    parts[::2] = map(_plain, parts[::2])
    parts[1::2] = [part.replace("|", "\\|") for part in parts[1::2]]
    return "`".join(parts)


def _plain(text: str) -> str:
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("~", "\\~")):
        text = text.replace(sign, safe)
    return text.replace("_", "\\_").replace("*", "\\*")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
