"""A person walks from the services to the cause of a crash and its log."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Visit, arrived, pictured

PAGES = (
    ("services", "/services"),
    ("overview", "/services/payments/overview"),
    ("pods", "/services/payments/instances"),
    ("pending", "/services/reports/instances"),
    ("deployment", "/services/payments/deployment"),
    ("workload", "/services/shop/deployment/deployment.web"),
    ("manifest", "/services/shop/deployment/deployment.web/manifest"),
    ("logs", "/services/shop/logs?view=1&timestamps=true"),
    ("commands", "/services/payments/commands"),
    ("rules", "/guard"),
    ("missing", "/services/absent"),
)


def test_from_the_services_to_the_cause_and_the_log(visit: Visit) -> None:
    page = visit()
    arrived(page, "Services · opsmodal")
    worst = page.locator("tr[data-key]").first
    expect(worst).to_contain_text("CrashLoopBackOff")
    worst.get_by_role("link", name="payments").click()
    arrived(page, "payments · Overview · opsmodal")
    expect(page.locator("header.frame")).to_contain_text("Simulated cluster")
    page.get_by_role("link", name="Pods", exact=True).click()
    arrived(page, "payments · Pods · opsmodal")
    page.locator("tr[data-key]").first.get_by_role("link", name=re.compile("Why")).click()
    opened = page.locator("tr.opened")
    expect(opened).to_contain_text("exit code 1")
    expect(opened).to_contain_text("What to do:")
    expect(opened.get_by_role("table")).to_contain_text("BackOff")
    pictured(page, "why")
    opened.get_by_role("link", name="Logs before the last restart").click()
    arrived(page, "payments · Logs · opsmodal")
    expect(page.get_by_label("Before the last restart")).to_be_checked()
    expect(page.locator(".line").last).to_be_visible()


def test_an_address_with_the_opened_row_shows_the_same(visit: Visit) -> None:
    page = visit("/services/payments/instances")
    page.get_by_role("link", name=re.compile("Why")).first.click()
    expect(page.locator("tr.opened h2")).to_be_visible()
    again = visit(page.url.removeprefix(page.url.split("/services")[0]))
    # The sentence may change between the two looks, as the pod crashes on: whose it is stays.
    pod = page.locator("tr.opened h2").inner_text().split()[0]
    expect(again.locator("tr.opened h2")).to_contain_text(pod)


def test_sorting_and_filtering_change_the_rows_and_the_address(visit: Visit) -> None:
    page = visit("/services/shop/instances")
    page.get_by_role("link", name="Pod", exact=True).click()
    expect(page).to_have_url(re.compile("sort=name"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Pod")
    page.get_by_label("Filter pods").press_sequentially("db-")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    expect(page).to_have_url(re.compile("search=db-"))
    expect(page.get_by_label("Filter pods")).to_be_focused()
    page.get_by_label("Filter pods").fill("nothing like this")
    expect(page.get_by_text("No pod matches.")).to_be_visible()
    page.get_by_role("link", name="Show all pods").click()
    expect(page.locator("tr[data-key]")).to_have_count(4)


def test_a_favourite_stays_first(visit: Visit) -> None:
    page = visit()
    last = page.locator("tr[data-key]").last.get_attribute("data-key")
    page.get_by_role("button", name=f"Favourite {last}").click()
    expect(page.locator("tr[data-key]").first).to_have_attribute("data-key", str(last))
    page.get_by_role("button", name=f"Favourite {last}").click()
    expect(page.locator("tr[data-key]").first).not_to_have_attribute("data-key", str(last))


def test_the_chosen_colours_stay_and_are_there_before_the_first_paint(visit: Visit) -> None:
    page = visit("/services", color_scheme="light")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_function(
        "document.body && document.styleSheets.length"
    )  # nothing is painted before the style is there
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    page.wait_for_load_state()  # its buttons work when its modules are there
    page.get_by_role("button", name="Auto").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW, (720, 900)], ids=["1440", "390", "720"])
@pytest.mark.parametrize(("name", "path"), PAGES, ids=[name for name, _ in PAGES])
def test_every_page_fits_its_window(visit: Visit, name: str, path: str, size: tuple[int, int], theme: str) -> None:
    page = visit(path, size=size, color_scheme=theme)
    pictured(page, f"{name}-{size[0]}-{theme}")
    assert _sideways(page) <= 0


def test_rows_keep_their_height_and_the_head_stays(visit: Visit) -> None:
    page = visit("/services/shop/instances", size=(1440, 320))
    assert {round(row.bounding_box()["height"]) for row in page.locator("tr[data-key]").all()} <= {32, 33}  # type: ignore[index]
    page.evaluate("scrollTo(0, 200)")
    expect(page.get_by_role("link", name="Pods", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("columnheader", name="Restarts")).to_be_in_viewport()


def _sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
