"""What a report is made from, and the JSON of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from agno_cli.bench._compare import Comparison
from agno_cli.bench._imports import Imported
from agno_cli.bench._pyperf_json import to_pyperf
from agno_cli.bench._record import Record
from agno_cli.bench._results import Environment, Suite
from agno_cli.bench._scaling import Scaling, find_scaling
from agno_cli.bench._verdicts import Verdict
from agno_cli.bench._warnings import Caution
from agno_cli.bench.peers._results import Comparison as PeerComparison
from agno_cli.reports._peer_rows import PeerRow

SCHEMA_VERSION = 1
_PYPERF_KEYS = ("version", "metadata", "benchmarks")


class BenchReport(Struct, frozen=True, kw_only=True):
    """One `agno bench`: what was measured, where, and how it stands.

    Attributes:
        verdicts: against the targets.
        baseline: what `comparisons` are with, as it was asked for; empty without one.
        imported: figures of other tools, measured elsewhere.
        peers: other libraries on the same work; the first row is ours.
        peer_caption: how these were measured.
        versus: the raw samples of `peers`.
    """

    schema_version: int = SCHEMA_VERSION
    command: Literal["bench"] = "bench"
    environment: Environment
    result: Suite
    verdicts: tuple[Verdict, ...] = ()
    baseline: str = ""
    comparisons: tuple[Comparison, ...] = ()
    imported: tuple[Imported, ...] = ()
    peers: tuple[PeerRow, ...] = ()
    peer_caption: tuple[str, ...] = ()
    versus: PeerComparison | None = None
    warnings: tuple[Caution, ...] = ()

    @property
    def scaling(self) -> tuple[Scaling, ...]:
        """What more workers gave, out of the results."""
        return find_scaling(self.result)


def to_json(report: BenchReport) -> str:
    """Write one JSON document, ending in a newline; pyperf reads its times and counts too."""
    document: dict[str, Any] = msgspec.to_builtins(report)
    record = Record(environment=report.environment, suite=report.result)
    pyperf = msgspec.json.decode(to_pyperf(record))
    document["error"] = None
    document["scaling"] = msgspec.to_builtins(report.scaling)
    document |= {key: pyperf[key] for key in _PYPERF_KEYS}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
