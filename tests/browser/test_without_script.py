"""Everything is reachable, and everything can be done, where no script runs."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Own, Visit, pictured


def test_every_read_is_a_link_or_a_form(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("link", name="payments", exact=True).click()
    page.get_by_role("link", name="Pods", exact=True).click()
    page.get_by_role("link", name="Restarts").click()
    expect(page.locator("tr[data-key]").first).to_contain_text("CrashLoopBackOff")
    page.get_by_label("Filter pods").fill("crashloop")
    page.get_by_label("Filter pods").press("Enter")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    page.get_by_role("link", name=re.compile("Why")).click()
    expect(page).to_have_title(re.compile("Why worker-"))
    expect(page.get_by_text("What to do:").first).to_be_visible()
    page.get_by_role("link", name="Everything about it").click()
    expect(page.get_by_role("heading", name="Containers")).to_be_visible()
    page.get_by_role("link", name="Logs", exact=True).last.click()
    expect(page.locator(".line").last).to_be_in_viewport()
    pictured(page, "logs-without-script")
    expect(page.get_by_role("button", name="Follow")).to_be_hidden()


def test_lines_are_viewed_downloaded_and_cleared(visit: Visit) -> None:
    page = visit("/services/shop/logs", java_script_enabled=False)
    expect(page.locator(".line")).to_have_count(0)
    page.get_by_label("Lines", exact=True).fill("7")
    page.get_by_role("button", name="View").click()
    expect(page.locator(".line")).to_have_count(7)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert re.fullmatch(r"shop-\d{8}T\d{6}Z\.log", download.value.suggested_filename)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".line")).to_have_count(0)


def test_a_pod_is_deleted_after_a_page_that_asks(own: Own) -> None:
    page = own.visit("/services/reports/instances", java_script_enabled=False)
    name = str(page.locator("tr[data-key]").get_attribute("data-key"))
    page.get_by_label(f"Actions for {name}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page).to_have_title("reports · Delete pod? · opsmodal")
    expect(page.locator(".hits")).to_contain_text(name)
    expect(page.locator(".command")).to_contain_text(f"kubectl -n reports delete pod {name}")
    pictured(page, "confirm-without-script")
    page.get_by_role("button", name="Delete pod").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{name} is being deleted.")
    expect(page).to_have_title("reports · Pods · opsmodal")


def test_production_wants_its_name_and_enter_alone_does_nothing(own: Own) -> None:
    page = own.visit("/services/shop/instances", java_script_enabled=False)
    page.get_by_label("Actions for db-0").click()
    page.get_by_role("button", name="Force delete").click()
    page.get_by_label("Type shop to go on").fill("shop")
    page.get_by_label("Type shop to go on").press("Enter")
    expect(page.get_by_role("button", name="Force delete pod")).to_be_visible()
    page.get_by_label("Type shop to go on").fill("payments")
    page.get_by_role("button", name="Force delete pod").click()
    expect(page.get_by_text("That is not the name. Nothing was done.")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("tr[data-key=db-0]")).to_contain_text("Running")
