"""Somebody is added, given a role, signs in by the link they were handed, and looks after their own account."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Own, Site, pictured

NEWCOMER = "olga@example.org"
PASSWORD = "a horse of my own"


def added(own: Own) -> tuple[Page, str]:
    """Add somebody by the form; give the administrator's page and the link that it shows."""
    page = own.visit("/people")
    page.get_by_text("Add user").first.click()
    page.get_by_label("Name", exact=True).fill(NEWCOMER)
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("heading", name=f"{NEWCOMER} was added.")).to_be_visible()
    return page, str(page.locator("#once").text_content())


def taken(own: Own, link: str) -> Page:
    """Open the link in a browser of somebody else, and sign in with it."""
    theirs = Site(own.site.url, opened=own.site.opened, trouble=own.site.trouble)
    page = theirs.visit(own.browser, link.removeprefix(own.site.url))
    page.get_by_role("button", name="Sign in with this link").click()
    page.wait_for_url("**/services")
    return page


def test_somebody_is_added_given_a_role_and_signs_in_by_link(own: Own) -> None:
    admin, link = added(own)
    assert link.startswith(f"{own.site.url}/sign-in#ticket=")
    pictured(admin, "people-link")
    admin.reload()
    expect(admin.locator("#once")).to_have_count(0)
    expect(admin.get_by_role("heading", name=NEWCOMER)).to_be_visible()

    admin.get_by_text("Grant a role").click()
    admin.get_by_label("Role").select_option("developer")
    admin.get_by_label("On", exact=True).select_option("service:shop")
    admin.get_by_role("button", name="Grant", exact=True).click()
    expect(admin.get_by_role("table", name="Grants")).to_contain_text("developer")
    expect(admin.locator("#results")).to_contain_text(f"The grant to user {NEWCOMER} on service shop was created.")

    olga = taken(own, link)
    expect(olga.locator("tr[data-key]")).to_have_count(1)
    expect(olga.locator("tr[data-key]")).to_contain_text("shop")
    expect(olga.get_by_role("link", name="People")).to_have_count(0)
    olga.get_by_label(f"You: {NEWCOMER}").click()
    olga.get_by_role("link", name="Your account").click()
    expect(olga.get_by_role("table", name="Sessions")).to_contain_text("This one")
    olga.get_by_text("Set a password").click()
    olga.get_by_label("New password").fill(PASSWORD)
    olga.get_by_role("button", name="Set password").click()
    expect(olga.locator("#results")).to_contain_text("Your password is changed")
    expect(olga.get_by_text("Change password").first).to_be_visible()
    pictured(olga, "account")

    assert own.installation.people.verify_password(NEWCOMER, PASSWORD) is not None
    assert (NEWCOMER, "account.password", "done") in own.installation.audited()


def test_a_token_is_shown_once_and_revoked_after_asking(own: Own) -> None:
    page = own.visit("/account", size=NARROW)
    page.get_by_text("Create an API token").click()
    page.get_by_label("Label").fill("pipeline")
    page.get_by_label("shop").check()
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#once")).to_have_text(re.compile("^opm_"))
    token = str(page.locator("#once").text_content())
    assert own.installation.client(token).get("/services").status_code == 200
    assert token not in page.url
    pictured(page, "account-token-390")
    row = page.locator("tr[data-key^=token-]", has_text="pipeline")
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_contain_text("pipeline")
    page.get_by_role("button", name="Revoke token").click()
    expect(row).to_have_count(0)
    expect(page.locator("#results")).to_contain_text("is revoked")
    expect(page.locator("#once")).to_be_visible()  # what is renewed takes nothing away that is shown once
    assert own.installation.client(token).get("/services").status_code == 401
    page.reload()
    expect(page.locator("#once")).to_have_count(0)


def test_a_disabled_user_is_out_and_the_page_says_so(own: Own) -> None:
    theirs = own.installation.browser("viewer")
    page = own.visit("/people")
    page.get_by_label("Actions for viewer").click()
    page.get_by_role("button", name="Disable…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 session: over at once")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Disable viewer").click()
    expect(page.locator("tr[data-key=viewer]")).to_contain_text("disabled")
    expect(page.locator("#results")).to_contain_text("viewer is disabled.")
    assert theirs.get("/services").status_code == 303


def test_a_role_is_changed_and_removed_in_its_row(own: Own) -> None:
    page = own.visit("/grants")
    row = page.locator("tr[data-key='user viewer on service shop']")
    row.get_by_label("Actions for the grant").click()
    row.get_by_role("button", name="Make developer").click()
    expect(row.locator("b")).to_have_text("developer")
    assert own.installation.client("viewer").get("/services/shop/logs").status_code == 200
    row.get_by_label("Actions for the grant").click()
    row.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove grant").click()
    expect(row).to_have_count(0)
    assert own.installation.client("viewer").get("/services/shop/logs").status_code == 404


def test_without_script_people_are_added_and_told_what_is_wrong(own: Own) -> None:
    context = own.browser.new_context(storage_state=own.site.state, java_script_enabled=False)
    own.site.opened.append(context)
    page = context.new_page()
    page.goto(f"{own.site.url}/people")
    page.get_by_text("Add user").first.click()
    page.get_by_label("Name", exact=True).fill("../etc")
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be the name of a user")
    expect(page.get_by_label("Name", exact=True)).to_have_value("../etc")
    page.get_by_label("Name", exact=True).fill("nils")
    page.get_by_role("button", name="Add user").click()
    expect(page.locator("#once")).to_contain_text("#ticket=")
    page.get_by_role("button", name="Disable…").click()
    page.get_by_role("button", name="Disable nils").click()
    expect(page.get_by_role("button", name="Enable")).to_be_visible()


ROLES = {
    "viewer": ("Overview", "Pods", "Deployment", "Domains"),
    "developer": ("Overview", "Pods", "Deployment", "Logs", "Domains"),
    "manager": ("Overview", "Pods", "Deployment", "Config", "Logs", "Commands", "Domains"),
}


def test_four_people_with_four_roles_see_what_they_may(own: Own) -> None:
    """Each is added, given a role and signed in through the pages; the fourth reads the audit log and nothing else."""
    admin = own.visit("/people")
    for role in (*ROLES, "auditor"):
        theirs = taken(own, invited(admin, role))
        if role == "auditor":
            expect(theirs.get_by_text("No service is registered for you yet.")).to_be_visible()
            theirs.get_by_role("link", name="Audit").first.click()
            expect(theirs.get_by_role("table", name="Audit log, newest first")).to_contain_text("user.add")
            continue
        theirs.goto(f"{own.site.url}/services/shop/instances")
        tabs = theirs.get_by_role("navigation", name="Tabs").get_by_role("link")
        assert tuple(tabs.all_inner_texts()) == ROLES[role]
        expect(theirs.locator("tr[data-key]").first).to_be_visible()
        may_delete = theirs.locator("form[action$='/delete'][data-act]").count() > 0
        assert may_delete is (role == "manager")
        assert theirs.goto(f"{own.site.url}/services/payments/overview").status == 404  # type: ignore[union-attr]
        assert theirs.goto(f"{own.site.url}/audit").status == 403  # type: ignore[union-attr]


def invited(admin: Page, role: str) -> str:
    """Add somebody and give them a role on shop, or the auditor's flag, by the forms; give the link that is shown."""
    admin.goto(f"{admin.url.partition('/people')[0]}/people")
    admin.get_by_text("Add user").first.click()
    admin.get_by_label("Name", exact=True).fill(f"the-{role}")
    if role == "auditor":
        admin.get_by_label("Auditor: reads").check()
    admin.get_by_role("button", name="Add user").click()
    link = str(admin.locator("#once").text_content())
    if role != "auditor":
        admin.get_by_text("Grant a role").click()
        admin.get_by_label("Role").select_option(role)
        admin.get_by_label("On", exact=True).select_option("service:shop")
        admin.get_by_role("button", name="Grant", exact=True).click()
        expect(admin.get_by_role("table", name="Grants")).to_contain_text(role)
    return link
