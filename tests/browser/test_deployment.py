"""A workload is changed as a person does it: looked at first, followed without a reload, and taken back when stuck."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, Own, followed, pictured

WEB = "/services/shop/deployment/deployment.web"
GOOD, BAD = "registry.example.com/shop/shop-web:1.4.3", "registry.example.com/shop/shop-web:no-such-tag"
ROLLED_MS = 60_000


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def set_image(page: Page, image: str, reason: str = "") -> None:
    """Set the image of the container web by its form and the dialog."""
    page.locator("#image-of-web").get_by_text("Change the image").click()
    page.get_by_label("Image", exact=True).fill(image)
    page.locator("#image-of-web").get_by_role("button", name="Preview").click()
    expect(dialog(page)).to_contain_text(image)
    page.get_by_label(re.compile("Reason")).fill(reason)
    dialog(page).get_by_role("button", name=re.compile("^Set the image")).click()
    expect(dialog(page)).to_be_hidden()


def test_an_image_is_looked_at_set_and_followed_to_its_end(own: Own) -> None:
    page = own.visit("/services/shop/deployment")
    followed(page, page.get_by_role("link", name="web", exact=True))
    page.locator("#image-of-web").get_by_text("Change the image").click()
    page.get_by_label("Image", exact=True).fill(GOOD)
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("kubectl -n shop set image deployment/web")
    expect(dialog(page)).to_contain_text("shop-web:1.4.2")
    pictured(page, "plan")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(page.locator(".container")).to_contain_text("shop-web:1.4.2")
    set_image(page, GOOD, "ticket 7")
    expect(page.locator("#results")).to_contain_text("was set to")
    expect(page.locator(".job")).to_contain_text("done", timeout=ROLLED_MS)
    expect(page.get_by_role("table", name="Revisions of web").locator("tbody tr").first).to_contain_text("ticket 7")
    expect(page.locator(".container")).to_contain_text(GOOD)


def test_a_stuck_rollout_says_why_and_is_taken_back_from_the_list(own: Own) -> None:
    page = own.visit(WEB)
    set_image(page, BAD)
    stuck = page.locator(".notice.rollout")
    expect(stuck).to_contain_text("does not exist", timeout=ROLLED_MS)
    expect(stuck).to_contain_text("web-")
    pictured(page, "stuck")
    followed(page, page.get_by_role("link", name="Deployment", exact=True))
    row = page.locator("tr[data-key='deployment.web']")
    expect(row).to_contain_text("stuck")
    page.get_by_role("button", name="Roll back to the revision before…").click()
    expect(dialog(page)).to_contain_text("kubectl -n shop rollout undo deployment/web")
    field, go_back = (
        page.get_by_label("Type shop to go on"),
        dialog(page).get_by_role("button", name=re.compile("^Go back")),
    )
    expect(field).to_be_focused()
    pictured(page, "rollback")
    field.fill("shop")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()
    go_back.click()
    expect(dialog(page)).to_be_hidden()
    expect(row).to_contain_text("shop-web:1.4.2", timeout=ROLLED_MS)
    expect(row).not_to_contain_text("stuck", timeout=ROLLED_MS)


def test_a_manifest_keeps_what_was_typed_through_a_mistake(own: Own) -> None:
    page = own.visit(f"{WEB}/manifest")
    text = page.get_by_label(re.compile("YAML"))
    before = text.input_value()
    text.fill(before.replace("replicas: 3", "replicas: [3"))
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#results")).to_contain_text("this is not YAML")
    assert "[3" in text.input_value()
    text.fill(before.replace("replicas: 3", "replicas: 2"))
    page.get_by_role("button", name="Preview").click()
    expect(dialog(page).locator(".diff .new")).to_have_text("+  replicas: 2\n")
    pictured(page, "manifest-plan")
    dialog(page).get_by_role("button", name=re.compile("^Replace the manifest")).click()
    expect(page.locator("#results")).to_contain_text("was replaced")


def test_everything_is_done_on_a_phone_without_script(own: Own) -> None:
    page = own.visit("/services/shop/deployment", java_script_enabled=False, size=NARROW)
    page.locator("tr[data-key='statefulset.db']").get_by_role("button", name="Restart…").click()
    expect(page).to_have_title(re.compile("Restart"))
    expect(page.locator(".command")).to_contain_text("kubectl -n shop rollout restart statefulset/db")
    pictured(page, "plan-without-script")
    page.get_by_label("Type shop to go on").fill("shop")
    page.get_by_role("button", name=re.compile("^Restart")).click()
    expect(page.get_by_role("status").first).to_contain_text("restart")
    expect(page.locator(".job")).to_contain_text("Rollout")
