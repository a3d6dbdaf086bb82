"""Find secrets and personal data, take them out or refuse the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from msgspec import Struct

from agno_cli._errors import ConfigurationError, Rejected
from agno_cli.guardrails._checks import Check, compile_pattern
from agno_cli.guardrails._patterns import PATTERNS, Group, Pattern


class Finding(Struct, frozen=True, gc=False):
    """What was found in `text[start:end]`."""

    kind: str
    start: int
    end: int


def find(text: str, *groups: Group, more: Mapping[str, str] | None = None) -> list[Finding]:
    """Find what the patterns of these groups describe; without a group, secrets and personal data.

    Findings that overlap are one, named after the first. What each pattern misses is said in
    `PATTERNS`.

    Args:
        text: what to search.
        groups: `secrets`, `personal` and `addresses` (of the Internet Protocol).
        more: regular expressions of your own by what they find, such as
            `{"badge": r"EMP-[0-9]{6}"}`.

    >>> find("Ask ada@example.com.")
    [Finding(kind='email address', start=4, end=19)]

    Raises:
        ConfigurationError: there is no such group, or one of `more` is no regular expression.
    """
    return _find(text, _chosen(groups, more))


def redact(*groups: Group, more: Mapping[str, str] | None = None) -> Check:
    """Put `[redacted KIND]` in the place of what `find` finds; see there.

    Raises:
        ConfigurationError: there is no such group, or one of `more` is no regular expression.
    """
    patterns = _chosen(groups, more)

    def check(text: str) -> str | None:
        findings = _find(text, patterns)
        return _redacted(text, findings) if findings else None

    return check


def refuse(*groups: Group, more: Mapping[str, str] | None = None) -> Check:
    """Refuse a text in which `find` finds something; the reason says what, but does not show it.

    Raises:
        ConfigurationError: there is no such group, or one of `more` is no regular expression.
    """
    patterns = _chosen(groups, more)

    def check(text: str) -> None:
        findings = _find(text, patterns)
        if findings:
            kinds = dict.fromkeys(finding.kind for finding in findings)
            raise Rejected(f"holds what must not be passed on: {', '.join(kinds)}")

    return check


def _chosen(groups: tuple[Group, ...], more: Mapping[str, str] | None) -> list[Pattern]:
    known = get_args(Group)
    for group in groups:
        if group not in known:
            raise ConfigurationError(
                f"there is no group {group!r} of patterns; the groups are: {', '.join(known)}"
            )
    wanted = groups or ("secrets", "personal")
    own = [
        Pattern(
            kind=kind,
            group="personal",
            regex=compile_pattern("more", regex),
            origin="the caller",
            misses="unknown",
        )
        for kind, regex in (more or {}).items()
    ]
    return [*(pattern for pattern in PATTERNS if pattern.group in wanted), *own]


def _find(text: str, patterns: list[Pattern]) -> list[Finding]:
    spans = sorted(
        (start, order, end)
        for order, pattern in enumerate(patterns)
        if not pattern.hints or any(hint in text for hint in pattern.hints)
        for start, end in _spans(pattern, text)
    )
    found: list[Finding] = []
    for start, order, end in spans:
        if found and start < found[-1].end:
            last = found[-1]
            found[-1] = Finding(last.kind, last.start, max(last.end, end))
        else:
            found.append(Finding(patterns[order].kind, start, end))
    return found


def _spans(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a pattern fits; after a false alarm, what begins inside it may fit."""
    start = 0
    while start <= len(text) and (match := pattern.regex.search(text, start)) is not None:
        length = pattern.fits(match[0]) if pattern.fits is not None else len(match[0])
        if length:
            yield match.start(), match.start() + length
        start = match.start() + max(length, 1)


def _redacted(text: str, findings: list[Finding]) -> str:
    pieces = []
    end = 0
    for finding in findings:
        pieces += [text[end : finding.start], f"[redacted {finding.kind}]"]
        end = finding.end
    return "".join([*pieces, text[end:]])
