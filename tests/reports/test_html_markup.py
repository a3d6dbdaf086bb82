"""Elements, the frame of a page, and that no text becomes markup."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.reports._markup import EMPTY, Markup, element, spelled
from agno_cli.reports._page import (
    STYLE,
    Column,
    Section,
    definitions,
    listing,
    mark,
    page,
    row,
    table,
)


class Reader(HTMLParser):
    """Collects the tags and the text of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_an_element_escapes_texts_and_keeps_markup():
    inner = element("b", '1 < 2 & "so"', Markup("<i>it</i>"))

    assert inner == "<b>1 &lt; 2 &amp; &quot;so&quot;<i>it</i></b>"
    assert isinstance(inner, Markup)
    assert element("p", inner) == f"<p>{inner}</p>"


def test_attributes_are_escaped_renamed_rounded_and_left_out():
    assert (
        element("rect", class_='a"b', text_anchor="end", x=1.23456, width=3, role=None)
        == '<rect class="a&quot;b" text-anchor="end" x="1.23" width="3"></rect>'
    )


def test_an_element_that_holds_nothing_has_no_end():
    assert element("link", rel="icon") == '<link rel="icon">'


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_any_text_comes_back_as_it_was(text):
    reader = Reader(element("p", text, title=text))

    expected = re.sub("[\ufffe\uffff]", "\ufffd", text)
    assert (reader.tags, reader.text) == (["p"], expected)
    assert reader.attributes == [("title", expected)]


def test_what_html_cannot_hold_is_replaced():
    assert element("p", "a\x00b\x1b[31m\ud800\n\tc") == "<p>a\ufffdb\ufffd[31m\ufffd\n\tc</p>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain <b>", "plain &lt;b&gt;"),
        ("`run` and `a<b`", "<code>run</code> and <code>a&lt;b</code>"),
        ("a lone ` one", "a lone ` one"),
        ("`run` and ` one", "<code>run</code> and ` one"),
    ],
)
def test_backticks_become_code(text, expected):
    assert spelled(text) == expected


def test_a_table_names_its_rows_and_columns():
    columns = [Column("name", "text"), Column("time")]
    rows = [row(columns, ["a<b", "1 ns"])]

    assert table("Times", columns, rows) == (
        '<div class="scroll" role="region" aria-label="Times" tabindex="0"><table>'
        "<caption>Times</caption>"
        '<thead><tr><th scope="col" class="text">name</th>'
        '<th scope="col" class="number">time</th></tr></thead>'
        '<tbody><tr><th scope="row" class="text">a&lt;b</th><td class="number">1 ns</td></tr>'
        "</tbody></table></div>"
    )


def test_lists():
    assert listing(["a", element("b", "c")], name="x") == (
        '<ul class="x"><li>a</li><li><b>c</b></li></ul>'
    )
    assert listing([]) == EMPTY
    assert definitions([("k", "v")]) == "<dl><div><dt>k</dt><dd>v</dd></div></dl>"


def test_a_verdict_is_told_by_a_shape_and_a_word():
    assert mark("pass") == (
        '<span class="verdict pass"><svg class="mark" aria-hidden="true">'
        '<use href="#mark-pass"></use></svg>pass</span>'
    )
    assert mark("fail", "not measured").endswith("</svg>not measured</span>")


def test_a_page_holds_all_it_needs_and_forbids_the_rest():
    document = page("A title", element("h1", "A"), [Section("One", element("p", "x"), "A lead")])
    style = re.search("<style>(.*)</style>", document, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert document.startswith('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">')
    assert (
        f"default-src &#x27;none&#x27;; img-src data:; style-src &#x27;sha256-{digest}" in document
    )
    assert (
        '<main><section aria-labelledby="1-one"><h2 id="1-one">One</h2>'
        '<p class="lead">A lead</p><p>x</p></section></main>'
    ) in document
    reader = Reader(document)
    assert "script" not in reader.tags
    assert not [value for name, value in reader.attributes if name == "style"]
    addresses = [value for name, value in reader.attributes if name in {"href", "src"}]
    assert addresses == ["data:,"]
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_sections_of_equal_names_have_addresses_of_their_own():
    document = page("", EMPTY, [Section("It <is>", EMPTY), Section("It is", EMPTY)])

    assert (
        '<nav aria-label="Contents"><a href="#1-it-is">It &lt;is&gt;</a>'
        '<a href="#2-it-is">It is</a></nav>'
    ) in document
    assert document.count('id="1-it-is"') == document.count('id="2-it-is"') == 1


def colours(style: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", style))


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_read(scheme):
    found = colours(STYLE.read_text(encoding="utf-8").split(":root {")[1 + scheme])
    texts = ["ink", "muted", "accent", "pass", "fail", "inconclusive"]

    assert [name for name in texts if contrast(found[name], found["paper"]) < 4.5] == []
    assert contrast(found["ink"], found["raised"]) >= 4.5
    lines = ["second", "third", "fourth"]
    assert [name for name in lines if contrast(found[name], found["paper"]) < 3] == []
    assert contrast(found["accent"], found["band"]) >= 3
