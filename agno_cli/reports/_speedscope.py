"""A profile in the form of speedscope, a viewer that many tools write for."""

from __future__ import annotations

from typing import Any

import msgspec

import agno_cli
from agno_cli.profiling._profile import CpuProfile, MemoryProfile
from agno_cli.reports._profile_words import headline

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def to_speedscope(profile: CpuProfile | MemoryProfile) -> str:
    """Write one JSON document: one sample for each different stack, weighed."""
    weights = [stack.weight for stack in profile.stacks]
    unit = "bytes"
    if isinstance(profile, CpuProfile):
        whole = sum(weights) or 1.0
        weights = [weight / whole * profile.seconds for weight in weights]
        unit = "seconds"
    document: dict[str, Any] = {
        "$schema": _SCHEMA,
        "name": headline(profile),
        "exporter": f"agno-cli {agno_cli.__version__}",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {"name": frame.function or "?", "file": frame.file, "line": frame.line}
                for frame in profile.frames
            ]
        },
        "profiles": [
            {
                "type": "sampled",
                "name": profile.target,
                "unit": unit,
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [list(stack.frames) for stack in profile.stacks],
                "weights": weights,
            }
        ],
    }
    return msgspec.json.encode(document).decode() + "\n"
