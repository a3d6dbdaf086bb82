"""What `agno profile` does: find the target, profile it, compare, report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agno_cli._errors import InputError
from agno_cli.bench._registry import nearest
from agno_cli.bench._targets import UNITS, Scanner, take_quantity
from agno_cli.cli._console import Console
from agno_cli.cli._profile_output import Output, check_output, write_report
from agno_cli.profiling._engines import CLOCKS, ENGINES, Settings
from agno_cli.profiling._targets import Target, find_target

if TYPE_CHECKING:
    from agno_cli.cli.profile import CpuOptions, MemOptions, StartupOptions
    from agno_cli.profiling._memory import MemorySettings
    from agno_cli.profiling._profile import AnyProfile

PARTIAL = 4
_AUTO = "auto"
_TIMES = {**UNITS["time"], "min": 60.0, "h": 3600.0, "": 1.0}


def profile_cpu(options: CpuOptions) -> int:
    """Profile time; give the exit code."""
    from agno_cli.profiling import _cpu

    console = Console(quiet=options.quiet, verbose=options.verbose)
    output = _output(options, ("text", "tree", "html", "flamegraph", "speedscope", "json"))
    target = find_target(
        options.words or (),
        command=options.command or (),
        model=options.model,
        call_tools=options.call_tools,
    )
    settings = Settings(
        engine=_one_of("--engine", options.engine, ENGINES),
        clock=_one_of("--mode", options.mode, CLOCKS),
        interval=seconds("--interval", options.interval),
        seconds=None if options.duration is None else seconds("--duration", options.duration),
        timeout=seconds("--timeout", options.timeout),
        once=options.once,
    )
    if target.kind == "real":
        _fetch(target, console)
    return _report(_cpu.profile_cpu(target, settings, console.note), output)


def profile_mem(options: MemOptions) -> int:
    """Profile memory; give the exit code."""
    from agno_cli.profiling import _memory
    from agno_cli.profiling._tracking import TRACKERS

    if options.leaks and options.temporary:
        raise InputError("`--leaks` and `--temporary` are two views; give one at a time")
    console = Console(quiet=options.quiet, verbose=options.verbose)
    formats = ("table", "summary", "tree", "html", "flamegraph", "speedscope", "json")
    output = _output(options, formats)
    target = find_target(
        options.words or (), command=options.command or (), call_tools=options.call_tools
    )
    settings = _memory.MemorySettings(
        tracker=_one_of("--engine", options.engine, TRACKERS),
        view="leaks" if options.leaks else "temporary" if options.temporary else None,
        objects=options.per_object,
        native=options.native,
        timeout=seconds("--timeout", options.timeout),
    )
    if options.live:
        return _watch(options, target, settings, console)
    return _report(_memory.profile_memory(target, settings, console.note), output)


def profile_startup(options: StartupOptions) -> int:
    """Profile an import; give the exit code."""
    from agno_cli.profiling import _startup

    console = Console(quiet=options.quiet, verbose=options.verbose)
    output = _output(options, ("text", "tree", "html", "flamegraph", "json"))
    profile = _startup.profile_startup(
        options.module,
        timeout=seconds("--timeout", options.timeout),
        on_step=console.note,
    )
    return _report(profile, output)


def _output(options: Any, formats: Sequence[str]) -> Output:
    return check_output(
        formats,
        asked="json" if options.json else options.format,
        path=options.output,
        before=options.diff,
        top=options.top,
        force=options.force,
    )


def _report(profile: AnyProfile, output: Output) -> int:
    write_report(profile, output, ("agno", *sys.argv[1:]))
    return PARTIAL if getattr(profile, "partial", False) else 0


def _one_of(option: str, text: str, known: Sequence[Any]) -> Any:
    """Read a word of a set; None for `auto`."""
    if text == _AUTO:
        return None
    if text not in known:
        raise InputError(f"`{option} {text}` is unknown; {nearest(text, [_AUTO, *known])}")
    return text


def seconds(option: str, text: str) -> float:
    """Read a time such as `2ms`, `5s` or `1min`; a bare number is of seconds.

    Raises:
        InputError: it is none, or no more than 0.
    """
    from agno_cli._errors import ConfigurationError

    scanner = Scanner(option, text)
    try:
        value = take_quantity(scanner, _TIMES)
        scanner.end()
    except ConfigurationError as error:
        raise InputError(f"{error}; write a time such as `500ms`, `5s` or `1min`") from error
    if value <= 0:
        raise InputError(f"`{option}` is {text}; give more than 0")
    return value


def _fetch(target: Target, console: Console) -> None:
    """Fetch a local model that is known by name, before its run is profiled."""
    from agno_cli.cli._model import check_runtime, fetch

    provider, _, name = target.model.partition(":")
    if provider == "local":
        check_runtime(target.model)
        fetch(name, console)


def _watch(options: MemOptions, target: Target, settings: MemorySettings, console: Console) -> int:
    """Show memray's live view of a target that is repeated, or of a program."""
    from agno_cli.profiling._live import live_command

    for option, given in (
        ("-o", options.output),
        ("--diff", options.diff),
        ("--leaks", options.leaks),
        ("--temporary", options.temporary),
    ):
        if given:
            raise InputError(f"`--live` shows a terminal; leave `{option}` out")
    if not (console.out_is_terminal and sys.stdin.isatty()):
        raise InputError("`--live` needs a terminal; without one, `-f table` shows the same")
    import subprocess

    words = live_command(target, settings)
    return subprocess.run(words, check=False).returncode  # noqa: S603 - memray, on this terminal
