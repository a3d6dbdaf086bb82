"""A profile as a page: what it says, and what a browser makes of it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli.profiling._diff import compare
from agno_cli.profiling._profile import AnyProfile, Frame, Module, Stack
from agno_cli.reports._flame import SCRIPT, STYLE, tree_of, tree_of_modules
from agno_cli.reports.profile_html import to_html
from tests.chromium import Tab, browser
from tests.profiling.profiles import FRAMES, STACKS, cpu, memory, startup

LONG = "a_name_that_does_not_end_" * 10
COMMAND = ("agno", "profile", "cpu", "-o", "a b.html")


class Texts(HTMLParser):
    """Collects what a reader reads."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def texts(page: str) -> str:
    parser = Texts()
    parser.feed(page)
    return " ".join(parser.texts)


def test_a_page_says_what_the_terminal_says():
    page = texts(to_html(cpu(notes=("use `-d`",)), command=COMMAND, top=20))
    for said in (
        "CPU time of run, by py-spy",
        "margin at most ±3.1 %",
        "slowdown 1.10x",
        "<hot> & [bold]",
        "shop.py:7",
        "agno profile cpu -o 'a b.html'",
        "use  -d",
    ):
        assert said in page


def test_a_frame_says_its_share_and_its_place():
    page = to_html(cpu(), command=COMMAND, top=20)
    titles = re.findall("<title>(.*?)</title>", page)[1:]
    assert titles == [
        "all: 100.0 %, 4.00 µs a run",
        "result = agent.run(prompt): 100.0 %, 4.00 µs a run",
        "Agent.run - agno_cli/_agent.py:94: 100.0 %, 4.00 µs a run, 60.0 % by itself",
        "&lt;hot&gt; &amp; [bold] - shop.py:7: 40.0 %, 1.60 µs a run, 30.0 % by itself",
        "encode - msgspec/json.py:3: 10.0 %, 400 ns a run",
    ]


def test_a_page_without_tables_is_the_flame_graph():
    page = texts(to_html(memory(), command=COMMAND, top=20, tables=False))
    assert "Flame graph" in page
    assert "Environment" not in page


def test_a_comparison_is_told_by_colours_and_by_a_table():
    before, after = cpu(hot=300.0), cpu(hot=600.0)
    page = to_html(after, command=COMMAND, top=20, difference=compare(before, after))
    assert 'class="frame more' in page
    assert 'class="frame less' in page
    assert "takes more than before" in page
    assert "Changes" in texts(page)


def test_an_import_is_a_tree():
    page = texts(to_html(startup(), command=COMMAND, top=20))
    assert "Import tree" in page
    assert "shop.stock" in page


def test_an_engine_without_stacks_says_so():
    profile = replace(cpu(), stacks=(), samples=0, engine="cprofile")
    assert "keeps no stacks" in texts(to_html(profile, command=COMMAND, top=20))


def test_nothing_loads_and_only_our_script_runs():
    page = to_html(cpu(partial=True), command=COMMAND, top=20)
    assert re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*\"", page) == []
    assert page.count("<script>") == 1
    assert "script-src &#x27;sha256-" in page
    assert "</" not in SCRIPT.read_text(encoding="utf-8")
    assert "</" not in STYLE.read_text(encoding="utf-8")
    assert "partial results" in page


def test_stacks_become_a_tree():
    root = tree_of(FRAMES, (*STACKS, Stack((2,), 0.0), Stack((2,), -5.0)))
    assert root.value == 1000.0
    (statement,) = root.children.values()
    (run,) = statement.children.values()
    assert (run.name, run.value, run.own) == ("Agent.run", 1000.0, 600.0)


def test_modules_are_as_wide_as_what_they_load():
    modules = (Module("a", 1.0, 0.0, -1), Module("b", 2.0, 0.0, 0), Module("c", 4.0, 0.0, 1))
    root = tree_of_modules(modules)
    (a,) = root.children.values()
    (b,) = a.children.values()
    assert (root.value, a.value, b.value) == (7.0, 7.0, 6.0)


def deep() -> tuple[tuple[Frame, ...], tuple[Stack, ...]]:
    """Give stacks of any depth and width, with names that cannot be broken."""
    frames = tuple(Frame(f"{LONG}{n}", f"{LONG}.py", n, "library") for n in range(400))
    towers = [Stack(tuple(range(depth)), 5.0) for depth in range(1, 300, 7)]
    slivers = [Stack((0, n), 0.01) for n in range(1, 400)]
    return frames, (*towers, *slivers)


def test_a_flame_graph_of_any_depth_is_drawn():
    frames, stacks = deep()
    page = to_html(replace(cpu(), frames=frames, stacks=stacks), command=COMMAND, top=20)
    assert "frames are not drawn, under 0.05 % each" in page
    assert len(page) < 500_000


OVERFLOW = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.parentElement.closest('.scroll, pre, svg'))
  .filter(e => !e.matches('.symbols'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 80))
"""
SMALLEST = """
Math.min(...[...document.querySelectorAll('svg text, td, th, small')]
  .map(e => parseFloat(getComputedStyle(e).fontSize)))
"""
# Contrast of each frame's name on its frame, by WCAG.
CONTRAST = """
(() => {
  const light = text => {
    const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return Math.min(...[...document.querySelectorAll('.frame')].map(e => {
    const ink = light(getComputedStyle(e.querySelector('text')).fill);
    const paper = light(getComputedStyle(e.querySelector('rect')).fill);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }));
})()
"""
FRAME = "[...document.querySelectorAll('.frame')].find(e => e.dataset.n.startsWith('<hot>'))"
WIDTH = f"{FRAME}.getBoundingClientRect().width / document.querySelector('.flame').clientWidth"
CLICK = f"{FRAME}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
SEARCH = """
(() => {
  const input = document.querySelector('.flame-tools input');
  input.value = 'HOT';
  input.dispatchEvent(new Event('input'));
  return [document.querySelectorAll('.hit').length, document.querySelector('.found').textContent];
})()
"""
KEY = (
    "document.querySelector('.flame-box').dispatchEvent("
    "new KeyboardEvent('keydown', {key: '%s', bubbles: true}))"
)
DETAIL = "document.querySelector('.flame-detail').textContent"


@pytest.mark.slow
async def test_a_browser_shows_it_at_any_width_light_and_dark(tmp_path: Path):
    frames, stacks = deep()
    profiles: dict[str, AnyProfile] = {
        "cpu": cpu(notes=(LONG,)),
        "mem": memory(),
        "startup": startup(),
        "deep": replace(cpu(), target=LONG, frames=frames, stacks=stacks),
    }
    difference = compare(cpu(hot=300.0), cpu(hot=600.0))
    async with browser(tmp_path / "profile") as chromium:
        for name, profile in profiles.items():
            page = tmp_path / f"{name}.html"
            compared = difference if name == "cpu" else None
            html = to_html(profile, command=(*COMMAND, LONG), top=20, difference=compared)
            page.write_text(html, encoding="utf-8")
            for width in (360, 1280):
                for scheme in ("light", "dark"):
                    async with chromium.tab() as tab:
                        await tab.open(page, width=width, scheme=scheme)
                        await check(tab, page, width)


async def check(tab: Tab, page: Path, width: int) -> None:
    assert await tab.evaluate(
        "[document.documentElement.scrollWidth <= innerWidth, innerWidth]"
    ) == [
        True,
        width,
    ]
    assert await tab.evaluate(OVERFLOW) == []
    assert await tab.evaluate(SMALLEST) >= 12
    assert await tab.evaluate(CONTRAST) >= 4.5
    assert [url for url in tab.requested() if not url.startswith("data:")] == [page.as_uri()]
    assert tab.complaints() == []
    assert (await tab.screenshot()).startswith(b"\x89PNG")


@pytest.mark.slow
async def test_a_flame_graph_zooms_searches_and_tells(tmp_path: Path):
    page = tmp_path / "cpu.html"
    page.write_text(to_html(cpu(), command=COMMAND, top=20), encoding="utf-8")
    async with browser(tmp_path / "profile") as chromium, chromium.tab() as tab:
        await tab.open(page, width=1280, scheme="light")
        assert await tab.evaluate(WIDTH) == pytest.approx(0.4, abs=0.01)
        await tab.evaluate(CLICK)
        assert await tab.evaluate(WIDTH) == pytest.approx(1.0, abs=0.01)
        assert (await tab.evaluate(DETAIL)).startswith("<hot> & [bold] - shop.py:7: 40.0 %")
        assert await tab.evaluate(SEARCH) == [1, "1 found, 40.0 % with what they call"]
        await tab.evaluate(KEY % "ArrowDown")
        assert (await tab.evaluate(DETAIL)).startswith("encode")
        await tab.evaluate(KEY % "ArrowUp")
        await tab.evaluate(KEY % "ArrowUp")
        assert (await tab.evaluate(DETAIL)).startswith("Agent.run")
        await tab.evaluate(KEY % "Escape")
        assert await tab.evaluate(WIDTH) == pytest.approx(0.4, abs=0.01)
        assert tab.complaints() == []
