"""HTML from Python calls, where text is escaped because nothing else is possible.

A string becomes text, and only `Markup` is taken as it is. So a benchmark may be named
`<script>`, and no caller has to remember to escape it. A template language would do the same
for one dependency more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

# What no HTML document may hold: control characters, and halves of surrogate pairs, which
# cannot be written as UTF-8 either.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = {"br", "link", "meta"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


EMPTY = Markup()


def element(tag: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """Make an element.

    Args:
        tag: its name.
        children: texts, which are escaped, and markup, which is not.
        attributes: by name, where `class_` stands for class and `text_anchor` for text-anchor;
            None leaves one out. Numbers keep two decimals.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    opening = f"<{tag}{''.join(_attribute(*item) for item in attributes.items())}>"
    return Markup(opening if tag in _VOID else f"{opening}{joined(children)}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """Write texts and markup one after another."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in parts))


def spelled(text: str) -> Markup:
    """Write a text in which `code` stands between backticks.

    >>> spelled("see `agno bench`")
    'see <code>agno bench</code>'
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # the last backtick has no partner
        parts[-2:] = ["`".join(parts[-2:])]
    return joined(
        element("code", part) if number % 2 else part for number, part in enumerate(parts)
    )


def _attribute(name: str, value: str | float | None) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else f"{round(value, 2):g}"
    return f' {name.rstrip("_").replace("_", "-")}="{_escaped(text)}"'


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))
