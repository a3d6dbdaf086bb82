"""What a report is made from, and the JSON of it."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from agno_cli.bench._results import Environment, Suite
from agno_cli.bench._verdicts import Verdict

SCHEMA_VERSION = 1


class BenchReport(Struct, frozen=True, kw_only=True):
    """One `agno bench`: what was measured, where, and how it stands against the targets."""

    schema_version: int = SCHEMA_VERSION
    command: Literal["bench"] = "bench"
    environment: Environment
    result: Suite
    verdicts: tuple[Verdict, ...]


def to_json(report: BenchReport) -> str:
    """Write one JSON document, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
