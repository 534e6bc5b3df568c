"""Everything by keyboard; and nothing by keyboard while somebody types."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit, arrived


def test_tabs_services_and_search_have_keys(visit: Visit) -> None:
    page = visit("/services/shop/overview")
    page.keyboard.press("2")
    arrived(page, "shop · Pods · opsmodal")
    page.wait_for_load_state()
    page.keyboard.press("3")
    arrived(page, "shop · Deployment · opsmodal")
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.get_by_label("Search services")).to_be_focused()
    page.keyboard.type("g s 1 pay")
    expect(page.get_by_label("Search services")).to_have_value("g s 1 pay")
    page.get_by_label("Search services").fill("pay")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    page.wait_for_load_state()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile("/services$"))


def test_rows_are_walked_opened_and_closed(visit: Visit) -> None:
    page = visit("/services/payments/instances")
    page.keyboard.press("j")
    expect(page.locator("tr[data-key]").nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("tr[data-key]").nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("tr.opened h2")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr[data-key]").nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    expect(page.locator("tr.opened")).to_have_count(0)
    expect(page.locator("tr[data-key]").nth(0)).to_be_focused()


def test_the_menu_of_a_row_opens_and_gives_the_focus_back(visit: Visit) -> None:
    page = visit("/services/shop/instances")
    page.keyboard.press("j")
    page.keyboard.press(".")
    menu = page.locator("details.menu[open]")
    expect(menu.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(page.locator("tr[data-key]").first.get_by_label(re.compile("Actions for"))).to_be_focused()


def test_the_list_of_keys_opens_and_closes(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_the_focus_and_an_open_row_survive_a_refresh(visit: Visit) -> None:
    page = visit("/services/shop/instances")
    page.keyboard.press("j")
    name = page.locator("tr[data-key]").first.get_attribute("data-key")
    page.keyboard.press("Enter")
    expect(page.locator("tr.opened dl").first).to_be_visible()
    with page.expect_response(re.compile("/instances$")):
        page.keyboard.press("r")
    page.wait_for_function("document.querySelectorAll('tr[data-key]').length === 4")
    expect(page.locator(f'tr[data-key="{name}"]')).to_be_focused()
    expect(page.locator(f'tr[data-key="{name}"] + tr.opened dl').first).to_be_visible()
