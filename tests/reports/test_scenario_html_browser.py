"""A scenario's page as a browser shows it: at a phone's and a desk's width, light and dark."""

import pytest
from msgspec.structs import replace

from agno_cli.reports.scenario_html import to_html
from tests.chromium import browser
from tests.reports.scenario_results import folded, searched
from tests.reports.test_html_browser import OVERFLOW, SMALLEST, WIDTHS

LONG = "a_name_that_does_not_end_" * 10


@pytest.mark.slow
async def test_the_page_fits_any_window_and_loads_nothing(tmp_path):
    run = replace(folded(tmp_path, errors=2), name=LONG, reason=LONG, notes=(LONG,))
    whole = searched(tmp_path)
    runs = (*whole.runs, replace(run, errors={LONG: 2}, conclusion="pass"))
    page = tmp_path / "report.html"
    page.write_text(to_html(replace(whole, runs=runs, partial=True)), encoding="utf-8")

    async with browser(tmp_path / "profile") as chromium:
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                async with chromium.tab() as tab:
                    await tab.open(page, width=width, scheme=scheme)
                    assert await tab.evaluate(WIDTHS) == [True, width]
                    assert await tab.evaluate(OVERFLOW) == []
                    assert await tab.evaluate(SMALLEST) >= 12
                    assert [u for u in tab.requested() if not u.startswith("data:")] == [
                        page.as_uri()
                    ]
                    assert tab.complaints() == []
                    assert (await tab.screenshot()).startswith(b"\x89PNG")
