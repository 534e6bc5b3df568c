"""A page that is open when the right to it ends says what has ended and why, and leads on."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Own, Site, pictured
from tests.web.conftest import PASSWORD

GRANT = "user developer on service shop"


def signed_in(own: Own, name: str, path: str) -> Page:
    """Open a page as somebody, in a browser of their own."""
    theirs = Site(own.site.url, opened=own.site.opened, trouble=own.site.trouble)
    page = theirs.visit(own.browser, f"/sign-in?next={path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{path}")
    return page


def test_live_rows_whose_grant_is_removed_say_so_and_lead_to_what_one_may_do(own: Own) -> None:
    page = signed_in(own, "developer", "/services/shop/instances")
    expect(page.locator("#liveness")).to_contain_text("Live")
    own.installation.registry.remove("grants", GRANT)
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("Your access to shop has ended: the grant to user developer on service shop was")
    expect(trouble).to_contain_text("Ask admin.")
    expect(page.locator("#liveness")).to_contain_text("Not live.")
    pictured(page, "access-ended")
    trouble.get_by_role("link", name="What you may do").click()
    expect(page.get_by_text("You have no right on any service yet.")).to_be_visible()


def test_a_page_whose_session_is_ended_leads_to_the_sign_in_and_back(own: Own) -> None:
    page = signed_in(own, "developer", "/services/shop/instances")
    expect(page.locator("#liveness")).to_contain_text("Live")
    own.installation.people.end_sessions("developer")
    expect(page.locator("#trouble")).to_contain_text("Your access to shop has ended: the session was ended.")
    page.locator("#trouble").get_by_role("link", name="Sign in again").click()
    page.wait_for_url("**/sign-in?next=*")
    page.get_by_label("Name").fill("developer")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/services/shop/instances")


def test_a_follow_whose_role_is_lowered_says_so_between_its_lines(own: Own) -> None:
    page = signed_in(own, "developer", "/services/shop/logs")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("[data-log-state]")).to_contain_text("Following")
    own.installation.registry.put("grants", {"user": "developer", "role": "viewer", "services": ["shop"]})
    expect(page.locator(".line.said")).to_contain_text("was lowered to viewer")
    expect(page.locator("[data-log-state]")).to_contain_text("Ended")
    page.locator("#trouble").get_by_role("link", name="What you may do").click()
    expect(page.get_by_role("table", name="Your rights")).to_contain_text("viewer")
