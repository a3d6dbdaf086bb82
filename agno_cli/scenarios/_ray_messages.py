"""What the engine and its Ray driver tell each other, as JSON lines; worker 0 is the cluster."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Deed: TypeAlias = Literal["start", "do", "end"]


class RayJob(Struct, frozen=True, kw_only=True):
    """Which cluster; the driver's one argument.

    Attributes:
        address: empty for one of our own on loopback, with so many `workers`.
        folder: where that keeps its files; empty for Ray's own place.
    """

    address: str
    workers: int
    folder: str = ""


class Said(Struct, frozen=True):
    """To the driver: have a worker started, ended, or do a job."""

    worker: int
    deed: Deed
    job: str = ""


class Heard(Struct, frozen=True, kw_only=True):
    """From the driver: what there is, that a worker is ready, what it answers, or its loss."""

    worker: int
    nodes: int = 0
    processors: int = 0
    node: str = ""
    clock: str = ""
    answer: str = ""
    lost: str = ""
