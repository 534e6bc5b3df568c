"""Signing in with a real provider in a real browser: there, back, in, out, and what is said when it does not work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Own, pictured
from tests.engines.provider import RealProvider
from tests.web.test_oidc import OLIVIA, OTHER_VIEWER, registered


@pytest.fixture
def badge(own: Own, oidc_provider: RealProvider) -> Own:
    """Give an installation whose people may sign in with the provider; nobody has yet."""
    registered(own.installation, oidc_provider)
    own.installation.registry.put("grants", {"group": "oncall", "role": "developer", "services": ["shop"]})
    own.site.state = None
    return own


def signs_in(page: Page, subject: str) -> None:
    """Fill in the provider's own pages as a person does."""
    page.get_by_role("link", name="Sign in with the test badge").click()
    page.get_by_placeholder("Enter any login").fill(subject)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_somebody_signs_in_works_and_signs_out_of_both(badge: Own) -> None:
    page = badge.visit("/services/shop/logs?tail=5")
    assert "/sign-in?next=" in page.url
    signs_in(page, OLIVIA)
    page.wait_for_url("**/services/shop/logs?tail=5")
    expect(page.get_by_role("link", name="Logs")).to_be_visible()
    page.get_by_label("You: olivia").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in?left=oidc")
    leave = page.get_by_role("link", name="Sign out of the test badge too")
    expect(leave).to_be_visible()
    leave.click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url("**/sign-in")
    assert badge.installation.people.sessions("olivia") == ()


def test_who_cancels_is_told_and_can_go_another_way(badge: Own) -> None:
    page = badge.visit("/services/shop/overview")
    page.get_by_role("link", name="Sign in with the test badge").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("was cancelled, or is not allowed")
    page.get_by_label("Name", exact=True).fill("viewer")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/services/shop/overview")


@pytest.mark.often("light")
@pytest.mark.parametrize(("size", "name"), [(WIDE, "wide"), (NARROW, "narrow")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_says_what_failed_and_what_to_do(badge: Own, size: tuple[int, int], name: str, scheme: str) -> None:
    page = badge.visit("/sign-in", size=size, color_scheme=scheme)
    pictured(page, f"sign-in-provider-{name}-{scheme}")
    signs_in(page, OTHER_VIEWER)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("There is a user viewer here who is not tied to this account.")
    expect(alert).to_contain_text("opsmodal user identity viewer")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    pictured(page, f"sign-in-taken-{name}-{scheme}")
    assert badge.installation.people.sessions("viewer") == ()
