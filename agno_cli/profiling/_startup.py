"""What an import loads, module by module, in processes of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter

from msgspec import Struct

from agno_cli._errors import ConfigurationError, InputError
from agno_cli._user_code import is_file
from agno_cli.bench._environment import read_environment
from agno_cli.profiling._errors import TookTooLongError
from agno_cli.profiling._profile import Module, Slowdown, StartupProfile
from agno_cli.profiling._programs import ended_within, process_of

DEFAULT = "agno_cli"
RUNS = 5
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)")
_BEGIN = "agno-profile-begins"
# Printed through the same stream as the import times, so that what Python loads before is told
# from what the import loads.
_CODE = """\
import sys
print({begin!r}, file=sys.stderr, flush=True)
{path}
import {module}
"""


class _Import(Struct, frozen=True):
    module: str
    folder: str = ""


def profile_startup(
    name: str = DEFAULT,
    *,
    runs: int = RUNS,
    timeout: float = 300.0,
    on_step: Callable[[str], None] = lambda _: None,
) -> StartupProfile:
    """Find what an import loads and how long that takes; medians of some processes.

    Args:
        name: a module, or a file.
        runs: how many processes, with and without the times of modules each.
        timeout: seconds for each.
        on_step: told in words what comes next.

    Raises:
        InputError: there is no such module or file.
        ConfigurationError: it raises when it is imported.
        TookTooLongError: it hangs.
    """
    what = _find(name)
    path = f"sys.path.insert(0, {what.folder!r})" if what.folder else ""
    code = _CODE.format(begin=_BEGIN, path=path, module=what.module)
    on_step(f"importing {name} in {2 * runs} processes")
    nothing, bare, traced = [], [], []
    for _ in range(runs):
        nothing.append(_run(["-c", "pass"], name, timeout)[0])
        bare.append(_run(["-c", code], name, timeout)[0])
        traced.append(_run(["-X", "importtime", "-c", code], name, timeout))
    trees = [read_import_times(said) for _, said in traced]
    totals = [sum(module.own for module in tree) for tree in trees]
    python = median(nothing)
    # A whole process each; what Python itself takes is known, and taken off.
    seconds = [max(one - python, 1e-6) for one in bare]
    return StartupProfile(
        target=name,
        environment=read_environment(),
        seconds=median(seconds),
        spread=(max(seconds) - min(seconds)) / 2,
        runs=runs,
        python=python,
        slowdown=Slowdown(median(bare), median(one for one, _ in traced), "process"),
        modules=_typical(trees, totals),
        notes=tuple(_notes(trees)),
    )


def _find(name: str) -> _Import:
    if is_file(name):
        path = Path(name).expanduser().resolve()
        if not path.is_file() or path.suffix != ".py":
            raise InputError(f"there is no Python file `{name}`")
        if not path.stem.isidentifier():
            raise InputError(f"`{path.name}` cannot be imported by its name; rename it")
        return _Import(path.stem, str(path.parent))
    module = name.partition(":")[0]
    if not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"{name!r} is neither a module nor a file")
    return _Import(module, str(Path.cwd()))


def _run(arguments: Sequence[str], name: str, timeout: float) -> tuple[float, str]:
    """Start Python; give how long it took and what it said."""
    with TemporaryFile() as file, process_of([sys.executable, "-P", *arguments], file) as process:
        began = perf_counter()
        code = ended_within(process, timeout)
        seconds = perf_counter() - began
        file.seek(0)
        said = file.read().decode(errors="replace")
    if code is None:
        raise TookTooLongError(f"importing `{name}` did not end within {timeout:g} s")
    if code:
        lines = [x for x in said.splitlines() if x.strip() and not _LINE.match(x)]
        problem = lines[-1].strip() if lines else f"exit code {code}"
        if problem.startswith("ModuleNotFoundError") and repr(name.partition(":")[0]) in problem:
            raise InputError(f"there is no module `{name}`, neither installed nor in this folder")
        raise ConfigurationError(f"`{name}` cannot be imported: {problem}")
    return seconds, said


def read_import_times(text: str) -> list[Module]:
    """Read what `-X importtime` said after the beginning; a module comes after those it loads."""
    found = [
        (len(match[3]) // 2, match[4], int(match[1]) * 1e-6, int(match[2]) * 1e-6)
        for line in text.rpartition(_BEGIN)[2].splitlines()
        if (match := _LINE.match(line))
    ]
    modules: list[Module] = []
    above: list[tuple[int, int]] = []  # depths and indices of the modules around
    for depth, name, own, total in reversed(found):
        while above and above[-1][0] >= depth:
            above.pop()
        modules.append(Module(name, own, total, above[-1][1] if above else -1))
        above.append((depth, len(modules) - 1))
    return modules


def _typical(trees: Sequence[list[Module]], totals: Sequence[float]) -> tuple[Module, ...]:
    """Give the tree of the process in the middle."""
    order = sorted(range(len(trees)), key=totals.__getitem__)
    return tuple(trees[order[len(order) // 2]])


def _notes(trees: Sequence[list[Module]]) -> Iterator[str]:
    if not any(trees):
        yield "nothing is loaded: Python itself has loaded all of it"
