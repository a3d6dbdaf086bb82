"""Start-up, as whole processes: what it costs, and what it loads."""

from __future__ import annotations

import subprocess
import sys
from subprocess import CompletedProcess

from agno_cli.bench._operations import Operation, WorkNotDoneError, expect
from agno_cli.bench._results import Count, Counted

# Each takes tens of milliseconds to load, and neither command needs it.
HEAVY_MODULES = ("asyncio", "httpx", "pydantic", "rich")

_IMPORT = "import agno_cli"
# What the console script does.
_HELP = "import sys; sys.argv = ['agno', '--help']; from agno_cli.cli import main; sys.exit(main())"
# The smallest Typer application of as many commands, with Typer's own quick settings.
_TYPER = """\
import sys
import typer
sys.argv = ["app", "--help"]
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
@app.command()
def one(): pass
@app.command()
def two(): pass
@app.command()
def three(): pass
@app.command()
def four(): pass
app()
"""
# At exit, because a command may end its process.
_LIST_HEAVY = """\
import atexit, sys
atexit.register(
    lambda: print(*[name for name in {names!r} if name in sys.modules], file=sys.stderr)
)
"""


def import_package() -> Operation:
    """Start Python and import the package."""
    return _process(_IMPORT, "")


def show_help() -> Operation:
    """Start Python and print `agno --help`."""
    return _process(_HELP, "Usage: agno")


def show_typer_help() -> Operation:
    """Start Python and print the help of an empty application."""
    return _process(_TYPER, "Usage: app")


def count_import() -> Counted:
    """Count the heavy modules that `import agno_cli` loads."""
    return _count_heavy(_IMPORT)


def count_help() -> Counted:
    """Count the heavy modules that `agno --help` loads."""
    return _count_heavy(_HELP)


def _process(source: str, shown: str) -> Operation:
    def start() -> CompletedProcess[str]:
        return _run_python(source)

    def check(process: CompletedProcess[str]) -> None:
        expect((process.returncode, process.stderr), (0, ""))
        expect(process.stdout.strip()[: len(shown)], shown)

    return Operation(statement="result = start()", names={"start": start}, check=check)


def _count_heavy(source: str) -> Counted:
    process = _run_python(_LIST_HEAVY.format(names=HEAVY_MODULES) + source)
    if process.returncode:
        raise WorkNotDoneError(f"the process failed: {process.stderr.strip()[-200:]}")
    found = process.stderr.split()
    notes = (f"loads {', '.join(found)}",) if found else ()
    return Counted({"heavy_modules": Count(float(len(found)), "module")}, notes)


def _run_python(source: str) -> CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this interpreter, on a text of ours
        [sys.executable, "-P", "-c", source], capture_output=True, text=True, check=False
    )
