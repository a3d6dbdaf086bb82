"""Read the text of `go test -bench`, also where logs of what is measured are mixed into it.

Go prints a benchmark's name and a tab, runs it, and then the rest of the line. So a logger that
writes to standard output puts its lines between a name and its figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from agno_cli._errors import ConfigurationError

# A test's name goes on with anything but a lower-case letter; what is quoted stands in a log.
# What was pasted may have single blanks, so figures behind it tell a name, too.
_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_NAME = re.compile(
    r"(?:^|[^\w\"'/])(Benchmark(?![a-z])[^\s\"']*)[ ]*"
    rf"(?=\t|  |$| \d+\s+{_NUMBER} ns/op)"
)
_FIGURES = re.compile(rf"(?<![\w.])\d+\s+({_NUMBER}) ns/op((?:\s+{_NUMBER} \S+)*)\s*$")
_MORE = re.compile(rf"({_NUMBER}) (\S+)")
_FAILED = re.compile(r"\s*--- (FAIL|SKIP): (Benchmark\S*)")
_PACKAGE = re.compile(r"pkg: (\S+)\s*$")
_UNITS = {
    "ns/op": ("time", "second", 1e-9),
    "B/op": ("allocated", "byte", 1.0),
    "allocs/op": ("allocations", "allocation", 1.0),
    "MB/s": ("throughput", "byte/s", 1e6),
}


class Figure(Struct, frozen=True):
    """One figure of one line; or, with a `problem`, a benchmark that has none."""

    package: str
    benchmark: str
    metric: str
    unit: str
    value: float
    problem: str = ""


def read_go(text: str, source: str) -> list[Figure]:
    """Give all figures, in their order; times in seconds.

    Raises:
        ConfigurationError: no benchmark is in it, or a line of figures cannot be read.
    """
    figures = list(_figures(text, source))
    if not figures:
        raise ConfigurationError(
            f"{source} holds no result of a Go benchmark; write it with"
            " `go test -bench=. -benchmem`"
        )
    return figures


def _figures(text: str, source: str) -> Iterator[Figure]:
    package = name = ""
    for number, line in enumerate(text.splitlines(), 1):
        headed, failed = _PACKAGE.match(line), _FAILED.match(line)
        names = list(_NAME.finditer(line))
        if headed:
            package = headed[1]
        elif failed:
            outcome = "failed" if failed[1] == "FAIL" else "was skipped"
            yield Figure(package, failed[2], "time", "second", 0.0, f"it {outcome} (line {number})")
            name = ""
        elif names:
            if name:
                yield _without_figures(package, name)
            name = names[-1][1]
        if " ns/op" in line:
            yield from _of_line(line, package, name, f"{source}, line {number}")
            name = ""
    if name:
        yield _without_figures(package, name)


def _without_figures(package: str, name: str) -> Figure:
    return Figure(package, name, "time", "second", 0.0, "it has no figures: its run was cut short")


def _of_line(line: str, package: str, name: str, place: str) -> Iterator[Figure]:
    found = _FIGURES.search(line)
    if found is None:
        raise ConfigurationError(f"{place}: these figures cannot be read: {line.strip()[-120:]!r}")
    if not name:
        raise ConfigurationError(f"{place}: figures without the name of a benchmark before them")
    pairs = [(found[1], "ns/op"), *((more[1], more[2]) for more in _MORE.finditer(found[2]))]
    for value, unit in pairs:
        metric, ours, factor = _UNITS.get(unit, (unit, unit, 1.0))
        yield Figure(package, name, metric, ours, float(value) * factor)
