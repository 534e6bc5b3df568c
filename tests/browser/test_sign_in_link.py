"""One-time links in a real browser: what the address bar, the history and the server get to see of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from opsmodal.people.links import INVITATION, invitation_link, sign_in_link
from tests.browser.conftest import NARROW, PATIENCE_MS, Own, owned, pictured
from tests.web.conftest import Seed


@pytest.fixture(scope="module")
def house(browser: Browser, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    with owned(browser, tmp_path_factory.mktemp("links"), seed) as own:
        yield own


@pytest.fixture
def stranger(house: Own) -> Iterator[Page]:
    """Give a page of somebody who is not signed in."""
    context = house.browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def asked(page: Page) -> list[str]:
    """Collect what the browser tells the server: addresses and Referer."""
    told: list[str] = []
    page.on("request", lambda request: told.append(f"{request.url.partition('#')[0]} {request.headers}"))
    return told


def test_a_link_that_was_handed_on_shows_its_ticket_to_nobody(house: Own, stranger: Page) -> None:
    ticket = house.installation.people.issue_ticket("viewer", purpose=INVITATION)
    told = asked(stranger)
    stranger.goto(invitation_link(house.site.url, ticket))
    button = stranger.get_by_role("button", name="Sign in with this link")
    expect(button).to_be_focused()
    assert stranger.url == f"{house.site.url}/sign-in"
    pictured(stranger, "sign-in-link")
    button.press("Enter")
    stranger.wait_for_url("**/services")
    expect(stranger.locator("body")).to_contain_text("Signed in as viewer")
    assert not [each for each in told if ticket in each]
    stranger.go_back()
    assert ticket not in stranger.url


def test_a_link_opened_at_once_leaves_no_ticket_behind(house: Own, stranger: Page) -> None:
    ticket = house.installation.people.issue_ticket("viewer")
    told = asked(stranger)
    stranger.goto(sign_in_link(house.site.url, ticket))
    stranger.wait_for_url("**/services")
    stranger.get_by_role("link", name="shop").first.click()
    stranger.wait_for_url("**/services/shop**")
    assert [each.split(maxsplit=1)[0] for each in told if ticket in each] == [sign_in_link(house.site.url, ticket)]
    stranger.goto(sign_in_link(house.site.url, ticket))
    expect(stranger.get_by_role("alert")).to_contain_text("has been used or has expired")


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_a_link_can_be_pasted_on_a_narrow_screen_and_without_script(house: Own, options: dict[str, Any]) -> None:
    ticket = house.installation.people.issue_ticket("viewer", purpose=INVITATION)
    width, height = NARROW
    context = house.browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    page.goto(f"{house.site.url}/sign-in")
    page.get_by_text("I was given a link").click()
    page.get_by_label("Link").fill(invitation_link("https://ops.example.org", ticket))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Sign in with this link").click()
    page.wait_for_url("**/services")
    context.close()
