"""A person reads the past of a service in a browser: the timeline, and the lines of the last hour."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, pictured

COLLECTED_MS = 60_000
"""The first figures come with the first half minute after the start."""


def test_the_timeline_tells_filters_and_searches(visit: Visit) -> None:
    page = visit("/services/payments/overview")
    page.get_by_role("link", name="Timeline of the last days").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    rows = page.locator("table.timeline tbody tr")
    expect(rows.filter(has_text="BackOff").first).to_be_visible(timeout=COLLECTED_MS)
    expect(page.locator("h3.day").first).to_have_text(re.compile(r"^\w+day, \d+ \w+ \d{4}$"))
    page.get_by_role("link", name=re.compile("restart")).click()
    expect(rows.first).to_contain_text("ended with exit code 1")
    assert "kind=restart" in page.url
    page.get_by_role("link", name=re.compile("^All")).click()
    expect(page).not_to_have_url(re.compile("kind="))
    page.get_by_label("Search the timeline").fill("scheduled pod/worker")
    page.get_by_label("Search the timeline").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Successfully assigned")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_last_hour_is_drawn_and_can_be_read(visit: Visit, scheme: str, width: int) -> None:
    page = visit("/services/shop/instances/db-0")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    line = page.get_by_role("img", name=re.compile("^CPU in the last hour: last "))
    expect(line).to_be_visible(timeout=COLLECTED_MS)
    assert (line.locator("path.trend").get_attribute("d") or "").startswith("M")
    page.get_by_text("Figures of the last hour").click()
    expect(page.locator(".figures tbody tr")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pictured(page, f"last-hour-{scheme}-{width}")


def test_the_lines_follow_while_the_page_is_open(visit: Visit) -> None:
    page = visit("/services/shop/overview")
    expect(page.get_by_role("img", name=re.compile("^Memory in the last hour"))).to_be_visible(timeout=COLLECTED_MS)
    before = drawn(page)
    moved = "before => document.querySelector('path.trend').getAttribute('d') !== before"
    page.wait_for_function(moved, arg=before, timeout=COLLECTED_MS)


def drawn(page: Page) -> str:
    return page.locator("path.trend").first.get_attribute("d") or ""
