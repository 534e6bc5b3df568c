"""ConfigMaps and Secrets as a person changes them: a key added, a value revealed, what moved settled, all undone."""

from __future__ import annotations

import secrets

from playwright.sync_api import expect

from tests.browser.conftest import Visit, arrived

CONFIG = "/services/shop/config"


def test_a_person_adds_a_key_sees_the_plan_and_takes_it_back(visit: Visit) -> None:
    key = f"KEY_{secrets.token_hex(4)}"  # a second try finds what the first has saved
    page = visit(CONFIG)
    page.get_by_role("link", name="web-settings", exact=True).click()
    arrived(page, "web-settings · shop · opsmodal")
    page.get_by_role("link", name="Edit", exact=True).click()
    arrived(page, "Edit web-settings · shop · opsmodal")
    before = page.get_by_role("group", name="New key").count()
    page.get_by_role("button", name="Add another key").click()
    expect(page.get_by_role("group", name="New key")).to_have_count(before + 1)
    last = page.get_by_role("group", name="New key").last
    last.get_by_label("Key", exact=True).fill(key)
    last.get_by_role("textbox", name="Value").fill("first\nsecond")
    page.get_by_role("button", name="Preview").click()
    arrived(page, "shop · Save ConfigMap web-settings? · opsmodal")
    expect(page.get_by_text(f"key {key}")).to_be_visible()
    expect(page.get_by_text("kubectl -n shop patch configmap web-settings")).to_be_visible()
    page.get_by_role("button", name="Save ConfigMap web-settings").click()
    expect(page.get_by_label(f"Value of {key}")).to_have_text("first\nsecond")
    page.get_by_role("link", name="Versions").click()
    arrived(page, "Versions of web-settings · shop · opsmodal")
    page.get_by_role("button", name="Compare, restore").nth(1).click()
    expect(page.get_by_role("dialog")).to_contain_text(f"key {key}")
    page.get_by_role("dialog").get_by_role("button", name="Save ConfigMap web-settings").click()
    expect(page.get_by_text("restored").first).to_be_visible()


def test_a_secret_is_masked_until_it_is_revealed(visit: Visit) -> None:
    page = visit(f"{CONFIG}/secrets/db-credentials")
    expect(page.get_by_text("demo-only-not-a-secret")).to_have_count(0)
    page.get_by_role("button", name="Reveal values").click()
    expect(page.get_by_text("demo-only-not-a-secret")).to_be_visible()
    page.get_by_role("link", name="Hide values").click()
    expect(page.get_by_text("demo-only-not-a-secret")).to_have_count(0)
