"""The page as a browser shows it: at a phone's and a desk's width, light and dark."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli.bench._compare import Comparison
from agno_cli.bench._imports import Imported
from agno_cli.bench._warnings import Caution
from agno_cli.reports._document import BenchReport
from agno_cli.reports._peer_rows import PeerFigure, PeerRow
from agno_cli.reports.html import to_html
from tests.chromium import Tab, browser

LONG = "a_name_that_does_not_end_" * 10
WARNINGS = (Caution("noisy", LONG, "Close other programs."),)
COMPARISONS = (
    Comparison(
        benchmark=LONG,
        metric="time",
        outcome="fail",
        change="worse",
        before=1.0,
        after=9.0,
        ratio=9.0,
        reason=LONG,
    ),
)
PEERS = (
    PeerRow(name="agno-cli", figures={"create": PeerFigure(1e-7, "second")}),
    PeerRow(name=LONG, figures={"create": PeerFigure(5e-3, "second")}, notes=(LONG,)),
)
IMPORTED = (
    Imported(
        name=LONG,
        metric="time",
        unit="second",
        processes=((1.0,),),
        source=LONG,
        format="go",
        note=LONG,
    ),
)


def _full(report: BenchReport) -> BenchReport:
    """Give a report that has every part, with words that cannot be broken."""
    first = report.result.results[0]
    long = replace(first, name=LONG, summary=LONG, notes=(LONG,))
    parallel = [
        replace(first, name=f"parallel_run_{kind}_{workers}", summary="")
        for kind in ("threads", "processes")
        for workers in (1, 2, 64)
    ]
    return replace(
        report,
        environment=replace(report.environment, cpu=LONG),
        result=replace(report.result, results=(*report.result.results, long, *parallel)),
        baseline=LONG,
        comparisons=COMPARISONS,
        peers=PEERS,
        imported=IMPORTED,
        warnings=WARNINGS,
    )


# What stands outside the window, but for what scrolls in a frame of its own.
OVERFLOW = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.parentElement.closest('.scroll, pre, svg'))
  .filter(e => !e.matches('.symbols'))
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 80))
"""
WIDTHS = "[document.documentElement.scrollWidth <= innerWidth, innerWidth]"
SMALLEST = """
Math.min(...[...document.querySelectorAll('svg text, td, th, small')]
  .map(e => parseFloat(getComputedStyle(e).fontSize)))
"""
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


@pytest.fixture
def page(report, tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    file.write_text(to_html(_full(report)), encoding="utf-8")
    return file


@pytest.mark.slow
async def test_the_page_fits_any_window_and_loads_nothing(page, tmp_path):
    backgrounds = {"light": "rgb(253, 253, 252)", "dark": "rgb(21, 24, 27)"}
    async with browser(tmp_path / "profile") as chromium:
        for width in (360, 1280):
            for scheme, background in backgrounds.items():
                async with chromium.tab() as tab:
                    await tab.open(page, width=width, scheme=scheme)
                    await check(tab, page, width)
                    assert await tab.evaluate(BACKGROUND) == background


async def check(tab: Tab, page: Path, width: int) -> None:
    assert await tab.evaluate(WIDTHS) == [True, width]
    assert await tab.evaluate(OVERFLOW) == []
    assert await tab.evaluate(SMALLEST) >= 12
    assert await tab.evaluate("document.styleSheets.length") == 1
    assert [url for url in tab.requested() if not url.startswith("data:")] == [page.as_uri()]
    assert tab.complaints() == []
    assert (await tab.screenshot()).startswith(b"\x89PNG")
