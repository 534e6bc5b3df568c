"""A viewer, a developer, a manager and an auditor work on the same services; each sees and may do what is theirs."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from opsmodal.audit.checking import check
from opsmodal.store import open_vault
from tests.browser.conftest import Own, Site, pictured
from tests.web.conftest import PASSWORD

WHY = "reports hangs since the node pool was emptied"


def signed_in(own: Own, name: str) -> Site:
    """Sign somebody in by the form, in a browser of their own."""
    site = Site(own.site.url, opened=own.site.opened, trouble=own.site.trouble)
    page = site.visit(own.browser, "/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/services")
    site.state = page.context.storage_state()
    page.close()
    return site


@pytest.fixture
def granted(own: Own) -> Own:
    """Grant, by the pages: reports to the viewer, the developer and the manager, beside the shop that they have."""
    page = own.visit("/grants")
    for name in ("viewer", "developer", "manager"):
        page.get_by_text("Grant a role").click()
        page.get_by_label("User", exact=True).fill(name)
        page.get_by_label("Role").select_option(name)
        page.get_by_label("On", exact=True).select_option("service:reports")
        page.get_by_role("button", name="Grant", exact=True).click()
        expect(page.locator("#results")).to_contain_text(f"The grant to user {name} on service reports was created.")
    return own


def look_as_viewer(page: Page, own: Own) -> None:
    """The viewer sees two services, their rows, no log and no button; the third service is as if it were not there."""
    expect(page.locator("tr[data-key]")).to_have_count(2)
    page.goto(f"{own.site.url}/services/reports/instances")
    expect(page.locator("tr[data-key]")).to_contain_text("Pending")
    expect(page.get_by_role("link", name="Logs")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete pending pods…")).to_have_count(0)
    page.get_by_role("link", name="Your rights").click()
    rights = page.get_by_role("table", name="Your rights on reports")
    expect(rights.locator("tr[data-key=view]")).to_contain_text("Viewer on the service reports, to you · given by")
    expect(rights.locator("tr[data-key=logs]")).to_contain_text("Nothing gives it to you. Ask admin.")
    page.goto(f"{own.site.url}/services/reports/logs")
    expect(page.get_by_role("heading")).to_contain_text(["This needs the permission “logs” on reports."])
    page.goto(f"{own.site.url}/services/payments/overview")
    expect(page.locator("main")).to_contain_text("There is no service 'payments' for you.")
    page.goto(f"{own.site.url}/audit")
    expect(page.locator("main")).to_contain_text("The audit log is for auditors and administrators.")


def delete_as_manager(page: Page, own: Own) -> str:
    """The manager deletes the pending pod, told what that hits, and says why."""
    page.goto(f"{own.site.url}/services/reports/instances")
    name = str(page.locator("tr[data-key]").get_attribute("data-key"))
    page.get_by_label(f"Actions for {name}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("managed by ReplicaSet")
    dialog.get_by_label("Reason").fill(WHY)
    pictured(page, "dialog-reason")
    dialog.get_by_role("button", name="Delete pod").click()
    expect(page.locator("#results")).to_contain_text(f"{name} is being deleted.")
    return name


def read_as_auditor(page: Page, own: Own, pod: str) -> None:
    """The auditor sees no service, finds who did what and why, and what was refused to whom."""
    expect(page.locator("tr[data-key]")).to_have_count(0)
    page.get_by_role("link", name="Audit").click()
    page.get_by_label("Person").fill("manager")
    page.locator("select[name=action]").select_option("instance.delete")
    page.get_by_role("button", name="Filter", exact=True).click()
    row = page.locator("tr[data-key]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(pod)
    row.get_by_role("link", name="instance.delete").click()
    expect(page.locator("main")).to_contain_text(WHY)
    pictured(page, "audit-reason")
    page.goto(f"{own.site.url}/audit?actor=viewer&verdict=refuse")
    expect(page.locator("tr[data-key]")).to_contain_text(["audit.view", "logs.read"])
    page.goto(f"{own.site.url}/services/reports/overview")
    expect(page.locator("main")).to_contain_text("There is no service 'reports' for you.")


def exported(page: Page, own: Own) -> list[dict[str, object]]:
    """Take the auditor's copy of the log."""
    page.goto(f"{own.site.url}/audit")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSON lines").click()
    return [json.loads(line) for line in download.value.path().read_text().splitlines()]


def test_four_people_work_side_by_side(granted: Own) -> None:
    own = granted
    viewer, developer, manager, auditor = (
        signed_in(own, name).visit(own.browser) for name in ("viewer", "developer", "manager", "auditor")
    )
    look_as_viewer(viewer, own)

    developer.goto(f"{own.site.url}/services/shop/logs?instance=*&tail=20&view=1")
    expect(developer.locator(".line .text").first).to_have_text(re.compile(r"\w"))
    developer.goto(f"{own.site.url}/services/shop/instances")
    expect(developer.locator("tr[data-key]").first).to_be_visible()
    expect(developer.get_by_role("button", name="Delete", exact=True)).to_have_count(0)

    everybody = own.visit("/services/reports/people").get_by_role("table", name="Who can do what on reports")
    expect(everybody.locator("tr[data-key=user-developer]")).to_contain_text("Developer on the service reports")

    pod = delete_as_manager(manager, own)
    read_as_auditor(auditor, own, pod)
    rows = exported(auditor, own)
    assert any(row["reason"] == WHY and row["target"] == f"pod/{pod}" for row in rows)
    assert {row["actor"] for row in rows} >= {"admin", "viewer", "manager", "developer", "auditor"}
    vault = open_vault(own.installation.store, data_dir=own.installation.folder)
    assert check(own.installation.store, vault, []).broken is None


def test_who_loses_a_right_is_told_on_the_page_that_is_open(granted: Own) -> None:
    own = granted
    developer = signed_in(own, "developer").visit(own.browser, "/services/reports/instances")
    expect(developer.locator("tr[data-key]")).to_contain_text("Pending")
    admin = own.visit("/grants")
    row = admin.locator("tr[data-key='user developer on service reports']")
    row.get_by_label("Actions for the grant").click()
    row.get_by_role("button", name="Remove…").click()
    admin.get_by_role("dialog").get_by_role("button", name="Remove grant").click()
    expect(row).to_have_count(0)
    expect(developer.locator("body")).to_contain_text("Your access to reports")
    pictured(developer, "access-ended")
    admin.goto(f"{own.site.url}/audit?actor=developer&service=reports")
    expect(admin.locator("tr[data-key]", has_text="access")).not_to_have_count(0)
