"""What a check is, and those that look at length and topic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from agno_cli._errors import ConfigurationError, Rejected

Check: TypeAlias = Callable[[str], str | None]

# What a reader does not see: soft hyphens, joiners, direction marks, fillers, tag characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e01ef]"
)


def apply(check: Check, text: str) -> str:
    """Give the text as a check leaves it.

    Raises:
        Rejected: the check refuses it.
        TypeError: the check gave something else than a text or None.
    """
    given = check(text)
    if given is None:
        return text
    if not isinstance(given, str):
        raise TypeError(f"a check gave {given!r}; let it give a text or None")
    return given


def as_read(text: str) -> str:
    """Give a text as a reader takes it: letters of one form, nothing invisible."""
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def max_length(characters: int) -> Check:
    """Refuse longer texts.

    Raises:
        ConfigurationError: the bound is no positive number.
    """
    if type(characters) is not int or characters < 1:
        raise ConfigurationError(
            f"`max_length` is {characters!r}; give a whole number of characters from 1 up"
        )

    def check(text: str) -> None:
        if len(text) > characters:
            raise Rejected(f"has {len(text)} characters, at most {characters} are allowed")

    return check


def deny(*patterns: str) -> Check:
    r"""Refuse texts in which one of these regular expressions is found, in any case.

    The text is searched as it is and as a reader takes it, so that invisible and look-alike
    wide characters hide nothing; letters of other alphabets that look alike do. An expression
    of your own takes the time it takes: avoid nested repetition such as `(a+)+`.

    >>> check = deny(r"\bmergers?\b")

    Raises:
        ConfigurationError: one of them is no regular expression, or there is none.
    """
    compiled = _compiled("deny", patterns)

    def check(text: str) -> None:
        read = as_read(text)
        for pattern in compiled:
            if pattern.search(text) or pattern.search(read):
                raise Rejected(f"matches `{pattern.pattern}`, which is denied")

    return check


def allow(*patterns: str) -> Check:
    """Refuse texts in which none of these regular expressions is found, in any case.

    Raises:
        ConfigurationError: one of them is no regular expression, or there is none.
    """
    compiled = _compiled("allow", patterns)

    def check(text: str) -> None:
        if not any(pattern.search(text) for pattern in compiled):
            raise Rejected("matches none of the patterns that are allowed")

    return check


def _compiled(what: str, patterns: tuple[str, ...]) -> list[re.Pattern[str]]:
    if not patterns:
        raise ConfigurationError(f"`{what}` has no pattern; give at least one")
    return [compile_pattern(what, pattern) for pattern in patterns]


def compile_pattern(what: str, pattern: str) -> re.Pattern[str]:
    """Compile a user's regular expression, which ignores case.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(
            f"`{what}`: {pattern!r} is no regular expression: {error}"
        ) from error
