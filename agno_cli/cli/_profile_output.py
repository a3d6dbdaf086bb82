"""Where a profile is written, checked before it is made, and how."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from agno_cli._errors import InputError
from agno_cli.bench._folders import write_whole
from agno_cli.bench._registry import nearest
from agno_cli.profiling._diff import Difference, compare, read_profile
from agno_cli.profiling._profile import AnyProfile, CpuProfile, MemoryProfile

_TEXTS = ("text", "table", "summary", "tree")
# Of no use on a terminal.
_FOR_FILES = ("html", "flamegraph", "speedscope")
_BY_ENDING = (
    (".speedscope.json", "speedscope"),
    (".json", "json"),
    (".html", "html"),
    (".htm", "html"),
)


class Output(Struct, frozen=True, kw_only=True):
    """What is to be written.

    Args:
        format: the name of one.
        path: a file, None for standard output.
        before: an earlier profile to compare with.
        top: rows of tables.
        force: whether a file may be replaced.
    """

    format: str
    path: Path | None
    before: AnyProfile | None
    top: int
    force: bool


def check_output(
    formats: Sequence[str],
    *,
    asked: str | None,
    path: str | None,
    before: str | None,
    top: int,
    force: bool,
) -> Output:
    """Check what can be, before time is spent on profiling.

    Args:
        formats: those that the command has, the default first.
        asked: the one that was asked for, if one was.
        path: a file to write.
        before: a file to compare with.
        top: rows of tables.
        force: whether a file may be replaced.

    Raises:
        InputError: an unknown format, a file in the way, or nowhere to write.
        ConfigurationError: the earlier profile is damaged.
    """
    if asked is not None and asked not in formats:
        raise InputError(f"`-f {asked}` is unknown; {nearest(asked, formats)}")
    chosen = asked or _by_ending(path, formats) or formats[0]
    if path is None and chosen in _FOR_FILES and sys.stdout.isatty():
        raise InputError(f"`-f {chosen}` is for a file; give one, as in `-o profile.html`")
    target = None if path is None else _checked_path(Path(path).expanduser(), force=force)
    return Output(
        format=chosen,
        path=target,
        before=None if before is None else read_profile(Path(before).expanduser()),
        top=top,
        force=force,
    )


def _by_ending(path: str | None, formats: Sequence[str]) -> str | None:
    for ending, name in _BY_ENDING:
        if path is not None and path.lower().endswith(ending) and name in formats:
            return name
    return None


def _checked_path(path: Path, *, force: bool) -> Path:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give `-o` a file in it")
    if path.exists() and not force:
        raise InputError(f"{path} exists; give another name to `-o`, or `--force` to replace it")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to; make it first")
    return path


def write_report(profile: AnyProfile, output: Output, command: Sequence[str]) -> None:
    """Write a profile to its file, and what a person reads to standard output.

    Raises:
        InputError: the earlier profile is of another kind.
        ConfigurationError: the file cannot be written.
    """
    difference = None if output.before is None else compare(output.before, profile)
    if output.path is not None:
        text = _text(profile, output, difference, command)
        write_whole(output.path, text, replace=output.force, instead="give `-o` another place")
    if output.path is None and output.format not in _TEXTS:
        sys.stdout.write(_text(profile, output, difference, command))
        return
    shown = output.format if output.format in _TEXTS and output.path is None else "table"
    _write_text(profile, shown, output.top, difference, sys.stdout)


def _text(
    profile: AnyProfile,
    output: Output,
    difference: Difference | None,
    command: Sequence[str],
) -> str:
    if output.format in _TEXTS:
        out = StringIO()
        _write_text(profile, output.format, output.top, difference, out)
        return out.getvalue()
    if output.format == "json":
        return _to_json(profile, difference)
    if output.format == "speedscope":
        from agno_cli.reports._speedscope import to_speedscope

        assert isinstance(profile, CpuProfile | MemoryProfile), "startup has no such format"
        return to_speedscope(profile)
    from agno_cli.reports.profile_html import to_html

    return to_html(
        profile,
        command=command,
        top=output.top,
        difference=difference,
        tables=output.format == "html",
    )


def _to_json(profile: AnyProfile, difference: Difference | None) -> str:
    import msgspec

    document = msgspec.to_builtins(profile)
    if difference is not None:
        document["difference"] = msgspec.to_builtins(difference)
    return msgspec.json.encode(document).decode() + "\n"


def _write_text(
    profile: AnyProfile, form: str, top: int, difference: Difference | None, out: TextIO
) -> None:
    from agno_cli.reports import profile_text

    if form == "summary":
        profile_text.write_summary(profile, out)
    elif form == "tree":
        profile_text.write_tree(profile, out)
    else:
        profile_text.write_table(profile, out, top=top, difference=difference)
