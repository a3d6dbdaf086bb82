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
_ANSWER = "It is noon."
_RUN = f"""\
import sys
sys.argv = ["agno", "run", "--model", "scripted:{_ANSWER}", "What time is it?"]
from agno_cli.cli import main
sys.exit(main())
"""
# At exit, because a command may end its process.
_LIST_MODULES = """\
import atexit, sys
def report(before=len(sys.modules)):
    heavy = [name for name in {names!r} if name in sys.modules]
    print(len(sys.modules) - before, *heavy, file=sys.stderr)
atexit.register(report)
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


def run_prompt() -> Operation:
    """Start Python and answer with `agno run` on a scripted model."""
    return _process(_RUN, _ANSWER)


def count_import() -> Counted:
    """Count the modules that `import agno_cli` loads, beyond Python's own at start."""
    return _count_modules(_IMPORT)


def count_help() -> Counted:
    """Count the modules that `agno --help` loads."""
    return _count_modules(_HELP)


def count_typer_help() -> Counted:
    """Count the modules that the help of an empty application loads."""
    return _count_modules(_TYPER)


def count_run() -> Counted:
    """Count the modules that `agno run` loads on a scripted model."""
    return _count_modules(_RUN)


def _process(source: str, shown: str) -> Operation:
    def start() -> CompletedProcess[str]:
        return _run_python(source)

    def check(process: CompletedProcess[str]) -> None:
        expect((process.returncode, process.stderr), (0, ""))
        expect(process.stdout.strip()[: len(shown)], shown)

    return Operation(statement="result = start()", names={"start": start}, check=check)


def _count_modules(source: str) -> Counted:
    process = _run_python(_LIST_MODULES.format(names=HEAVY_MODULES) + source)
    if process.returncode:
        raise WorkNotDoneError(f"the process failed: {process.stderr.strip()[-200:]}")
    loaded, *heavy = process.stderr.split()
    notes = (f"loads {', '.join(heavy)}",) if heavy else ()
    counts = {
        "modules": Count(float(loaded), "module"),
        "heavy_modules": Count(float(len(heavy)), "module"),
    }
    return Counted(counts, notes)


def _run_python(source: str) -> CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this interpreter, on a text of ours
        [sys.executable, "-P", "-c", source],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
