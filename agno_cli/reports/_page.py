"""One self-contained HTML page, whatever it reports: its frame, its tables, its verdict marks.

The page loads nothing: the style is inside, so is the script where a report has one (it must be
readable without), and a content security policy says so to the browser, which would refuse
whatever slipped in.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

import agno_cli
from agno_cli.bench._verdicts import Outcome
from agno_cli.reports._markup import EMPTY, Markup, element, joined

STYLE = Path(__file__).with_name("_page.css")
# Told apart by shape, so that they are by those who cannot by colour.
_MARKS = {
    "pass": "M3 8.5l3.2 3.2L13 4.8",
    "fail": "M4 4l8 8M12 4l-8 8",
    "inconclusive": "M2.5 9.2c1.8-3.4 3.6-3.4 5.5-1.2s3.7 2.2 5.5-1.2",
}


class Section(Struct, frozen=True):
    """A part of a page; `lead` says in a sentence or two how to read it."""

    title: str
    body: Markup
    lead: str = ""


class Column(Struct, frozen=True):
    """A column of a table; numbers stand to the right."""

    heading: str
    kind: Literal["text", "number"] = "number"


def page(
    title: str, header: Markup, sections: Sequence[Section], *, style: str = "", script: str = ""
) -> str:
    """Write the page.

    Args:
        title: of the window.
        header: what stands above the sections, with the `h1`.
        sections: in their order.
        style: what a report needs beside the style of all pages.
        script: what makes it livelier.
    """
    style = STYLE.read_text(encoding="utf-8") + style
    names = _anchors(sections)
    body = joined(
        [
            _symbols(),
            element("header", header, _contents(names, sections)),
            element("main", *map(_section, names, sections)),
            element("footer", f"Written by agno-cli {agno_cli.__version__}. Loads nothing."),
        ]
    )
    end = element("script", Markup(script)) if script else EMPTY
    document = element("html", _head(title, style, script), element("body", body, end), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _head(title: str, style: str, script: str) -> Markup:
    policy = f"default-src 'none'; img-src data:; style-src '{_digest(style)}'"
    policy += f"; script-src '{_digest(script)}'" if script else ""
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        # Without it browsers ask the server of the page for an icon.
        element("link", rel="icon", href="data:,"),
        element("style", Markup(style)),
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _contents(names: Iterable[str], sections: Sequence[Section]) -> Markup:
    if len(sections) < 2:  # noqa: PLR2004 - one needs no list
        return EMPTY
    links = (
        element("a", section.title, href=f"#{name}")
        for name, section in zip(names, sections, strict=True)
    )
    return element("nav", *links, aria_label="Contents")


def _section(name: str, section: Section) -> Markup:
    lead = element("p", section.lead, class_="lead") if section.lead else EMPTY
    heading = element("h2", section.title, id=name)
    return element("section", heading, lead, section.body, aria_labelledby=name)


def _anchors(sections: Iterable[Section]) -> list[str]:
    """Give each section a name of its own that an address can hold."""
    return [
        f"{number}-{re.sub('[^a-z0-9]+', '-', section.title.lower()).strip('-')}"
        for number, section in enumerate(sections, 1)
    ]


def _symbols() -> Markup:
    symbols = (
        element("symbol", element("path", d=path), id=f"mark-{name}", viewBox="0 0 16 16")
        for name, path in _MARKS.items()
    )
    return element("svg", *symbols, class_="symbols", aria_hidden="true")


def mark(outcome: Outcome, text: str | None = None) -> Markup:
    """Write a verdict: its sign and its word, or a `text` of its own."""
    sign = element("use", href=f"#mark-{outcome}")
    return element(
        "span",
        element("svg", sign, class_="mark", aria_hidden="true"),
        outcome if text is None else text,
        class_=f"verdict {outcome}",
    )


def table(caption: str, columns: Sequence[Column], rows: Iterable[Markup]) -> Markup:
    """Write a table that scrolls inside its own frame where it is too wide.

    Args:
        caption: says what the table holds to those who hear the page.
        columns: the first one names the rows.
        rows: by `row` of the same columns.
    """
    headings = (
        element("th", column.heading, scope="col", class_=column.kind) for column in columns
    )
    content = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *headings)),
        element("tbody", *rows),
    )
    # Focusable, so that it scrolls by keyboard too.
    return element("div", content, class_="scroll", role="region", aria_label=caption, tabindex="0")


def row(columns: Sequence[Column], cells: Sequence[str]) -> Markup:
    """Write a row of a table, whose first cell is its heading."""
    first, *others = zip(columns, cells, strict=True)
    return element(
        "tr",
        element("th", first[1], scope="row", class_=first[0].kind),
        *(element("td", cell, class_=column.kind) for column, cell in others),
    )


def listing(items: Iterable[str], *, name: str | None = None) -> Markup:
    """Write a list, nothing where there are no items; `name` is its class."""
    entries = [element("li", item) for item in items]
    return element("ul", *entries, class_=name) if entries else EMPTY


def definitions(pairs: Iterable[tuple[str, str]], *, name: str | None = None) -> Markup:
    """Write terms with what they stand for; `name` is the class of the list."""
    entries = (
        element("div", element("dt", term), element("dd", meaning)) for term, meaning in pairs
    )
    return element("dl", *entries, class_=name)
