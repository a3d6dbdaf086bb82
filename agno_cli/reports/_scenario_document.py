"""The JSON of a scenario's result, and its percentiles for HdrHistogram's plotter."""

from __future__ import annotations

from typing import Any

import msgspec

from agno_cli.scenarios._result import SCHEMA_VERSION, ScenarioResult


def to_json(result: ScenarioResult) -> str:
    """Write one JSON document, ending in a newline; histograms are HdrHistogram's own (V2)."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "scenario",
        "result": msgspec.to_builtins(result),
        "error": None,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def to_hgrm(result: ScenarioResult) -> str:
    """Write the percentile spectrum of each run's first trend, in milliseconds.

    With several runs, each is headed by a comment; the plotter takes one at a time.
    """
    parts: list[str] = []
    for run in result.runs:
        name, histogram = next(iter(run.histograms.items()), ("", None))
        if histogram is None:
            continue
        partial = " (partial)" if run.partial else ""
        heading = f"#[{result.scenario.name}, {run.name}: {name} in ms{partial}]\n"
        parts.append(heading + histogram.hgrm())
    return "\n".join(parts)
