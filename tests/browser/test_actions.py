"""What changes something asks first, in a dialog that a tired person cannot confirm by accident."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Own, pictured


def ask_to_delete(page: Page, name: str) -> None:
    """Open the dialog that asks whether to delete a pod."""
    page.get_by_label(f"Actions for {name}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_enter_cancels_and_the_focus_goes_back(own: Own) -> None:
    page = own.visit("/services/reports/instances")
    name = str(page.locator("tr[data-key]").get_attribute("data-key"))
    ask_to_delete(page, name)
    expect(page.get_by_role("dialog")).to_contain_text("managed by ReplicaSet")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    pictured(page, "dialog")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_label(f"Actions for {name}")).to_be_focused()
    expect(page.locator(f"tr[data-key={name}]")).to_contain_text("Pending")


def test_a_confirmed_deletion_is_said_and_the_workload_makes_another(own: Own) -> None:
    page = own.visit("/services/reports/instances")
    name = str(page.locator("tr[data-key]").get_attribute("data-key"))
    ask_to_delete(page, name)
    page.get_by_role("button", name="Delete pod").click()
    expect(page.locator("#results")).to_have_text(re.compile(f"{name} is being deleted."))
    expect(page.locator(f"tr[data-key={name}]")).to_have_count(0)
    expect(page.locator("tr[data-key]")).to_have_count(1)


def test_production_is_marked_and_wants_its_name(own: Own) -> None:
    page = own.visit("/services/payments/instances")
    expect(page.locator("html")).to_have_class(re.compile("in-production"))
    name = str(page.locator("tr[data-key^=api-]").first.get_attribute("data-key"))
    ask_to_delete(page, name)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Production")
    field = page.get_by_label("Type payments to go on")
    expect(field).to_be_focused()
    pictured(page, "dialog-production")
    field.fill("payments")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    field.fill("payment")
    dialog.get_by_role("button", name="Delete pod").click()
    expect(dialog).to_contain_text("That is not the name. Nothing was done.")
    page.get_by_label("Type payments to go on").fill("payments")
    dialog.get_by_role("button", name="Delete pod").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#results")).to_contain_text("is being deleted")
    expect(page.locator(f"tr[data-key={name}]")).to_have_count(0, timeout=45_000)


def test_a_reason_stands_between_the_name_and_the_button_and_enter_in_it_does_nothing(own: Own) -> None:
    page = own.visit("/services/payments/instances")
    name = str(page.locator("tr[data-key^=api-]").first.get_attribute("data-key"))
    ask_to_delete(page, name)
    dialog, reason = page.get_by_role("dialog"), page.get_by_label("Reason (kept in the audit log)")
    page.get_by_label("Type payments to go on").fill("payments")
    page.keyboard.press("Tab")
    expect(reason).to_be_focused()
    page.keyboard.type("leaks memory")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    expect(page.locator(f"tr[data-key={name}]")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Delete pod")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#results")).to_have_text(re.compile(f"{name} is being deleted."))
    rows = own.installation.client("admin").get("/audit?action=instance.delete").json["items"]
    assert [row["reason"] for row in rows] == ["leaks memory"]


def test_pending_pods_are_deleted_together(own: Own) -> None:
    page = own.visit("/services/reports/instances", size=NARROW)
    page.get_by_role("button", name="Delete pending pods…").click()
    pictured(page, "dialog-390")
    page.get_by_role("button", name="Delete 1 pending pod").click()
    expect(page.locator("#results")).to_contain_text("being deleted")


def test_a_pod_that_is_gone_is_a_sentence(own: Own) -> None:
    page = own.visit("/services/reports/instances")
    name = str(page.locator("tr[data-key]").get_attribute("data-key"))
    elsewhere = own.visit("/services/reports/instances")
    ask_to_delete(elsewhere, name)
    ask_to_delete(page, name)
    elsewhere.get_by_role("button", name="Delete pod").click()
    expect(elsewhere.locator("#results")).to_contain_text("is being deleted")
    page.get_by_role("button", name="Delete pod").click()
    expect(page.locator("#results .failed")).to_contain_text(name)
