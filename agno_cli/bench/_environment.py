"""Where a measurement was made: what explains it, and what must be equal to compare two."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import agno_cli
from agno_cli.bench._results import Environment

_PACKAGES = ("msgspec", "httpx", "httpx-aiohttp", "aiohttp", "openai", "typer", "pyperf", "memray")
# Variables that change what is measured; pyperf's workers see no others than these, PATH, HOME
# and the locale.
VARIABLES = ("PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHONPATH", "MALLOC_ARENA_MAX")


def read_environment() -> Environment:
    """Describe this interpreter and this machine."""
    return Environment(
        python=platform.python_version(),
        build=f"{platform.python_implementation()} {platform.python_compiler()}",
        os=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu=cpu_model(_lines(Path("/proc/cpuinfo"))) or platform.processor() or "unknown",
        cores=os.cpu_count() or 0,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        gc=gc.isenabled(),
        gil=getattr(sys, "_is_gil_enabled", lambda: True)(),
        packages={"agno-cli": agno_cli.__version__, **dict(_versions(_PACKAGES))},
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
        commit=_commit(Path(agno_cli.__file__).parent),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )


def cpu_model(cpuinfo: Sequence[str]) -> str:
    """Find the processor's name in the lines of /proc/cpuinfo, else give an empty text."""
    for line in cpuinfo:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _versions(packages: Sequence[str]) -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _commit(folder: Path) -> str:
    """Give the revision a checkout is at, `-dirty` when it was changed; empty if it is none."""
    if not (folder.parent / ".git").exists():
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
