"""A suite with where it comes from: what is saved, remembered and compared."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from agno_cli.bench._relative_worker import REFERENCE
from agno_cli.bench._results import Environment, Suite

SCHEMA_VERSION = 1
# These change what is measured; another `commit`, `load` or kernel is no reason to refuse.
_DECISIVE = (
    "python",
    "build",
    "machine",
    "cpu",
    "cores",
    "gc",
    "gil",
    "free_threaded",
    "variables",
)


class Record(Struct, frozen=True, kw_only=True):
    """One `agno bench`.

    Attributes:
        reference: which reference loop its relative times are in, see `_relative_worker`.
    """

    environment: Environment
    suite: Suite
    reference: int = REFERENCE


def differences(before: Environment, after: Environment) -> list[str]:
    """Name what makes two results incomparable, both values each."""
    return list(_differing(before, after))


def _differing(before: Environment, after: Environment) -> Iterator[str]:
    for name in _DECISIVE:
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield f"{name} {one} there, {other} here"
    one, other = before.os.split(" ")[0], after.os.split(" ")[0]
    if one != other:
        yield f"os {one} there, {other} here"


def other_packages(before: Environment, after: Environment) -> list[str]:
    """Name the dependencies whose versions differ; agno-cli itself is what is compared."""
    names = sorted((before.packages.keys() | after.packages.keys()) - {"agno-cli"})
    return [
        f"{name} {before.packages.get(name, 'missing')} there,"
        f" {after.packages.get(name, 'missing')} here"
        for name in names
        if before.packages.get(name) != after.packages.get(name)
    ]
