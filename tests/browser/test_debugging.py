"""Looking inside as a person does: a copy of a pod that crashes, a pod of tools, a file taken away."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, SETTLED_MS, Own, pictured
from tests.browser.test_accessibility import findings

PODS = "/services/payments/debug-pods"


def crashing(own: Own) -> str:
    rows = own.installation.client().get("/services/payments/instances").json["items"]
    return str(next(row["name"] for row in rows if row["severity"] == "error"))


def removed(own: Own, page: Page) -> None:
    page.goto(f"{own.site.url}{PODS}")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There are none now")).to_be_visible(timeout=SETTLED_MS)


def test_a_pod_that_crashes_is_copied_and_the_commands_tab_points_at_it(own: Own) -> None:
    pod = crashing(own)
    page = own.visit(f"/services/payments/instances/{pod}")
    page.get_by_role("button", name="Debug copy").click()
    dialog = page.locator("dialog#ask")
    expect(dialog).to_contain_text(f"kubectl -n payments debug {pod} --copy-to=debug")
    expect(dialog.get_by_role("row", name="service account")).to_contain_text("no token of any")
    pictured(page, "debug-plan")
    dialog.get_by_role("button", name=f"Copy {pod} for an hour").click()
    expect(page).to_have_url(re.compile("/services/payments/commands"), timeout=SETTLED_MS)
    expect(page.locator("#line")).to_have_value(re.compile("^kubectl -n payments exec debug-.* -- id$"))
    expect(page.get_by_text("is there for an hour")).to_be_visible()
    removed(own, page)


def test_a_pod_of_tools_is_run_seen_and_removed(own: Own, axe_script: Path) -> None:
    page = own.visit(PODS, bypass_csp=True)
    page.get_by_label("Image", exact=True).fill("busybox:1.36")
    page.get_by_role("button", name="Run a pod").click()
    page.locator("dialog#ask").get_by_role("button", name="Run a pod of busybox:1.36 for an hour").click()
    expect(page).to_have_url(re.compile("/commands"), timeout=SETTLED_MS)
    page.goto(f"{own.site.url}{PODS}")
    expect(page.get_by_role("row", name="busybox:1.36")).to_contain_text("admin")
    assert findings(page, axe_script) == []
    pictured(page, "debug-pods")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pictured(page, "debug-pods-narrow")
    removed(own, page)


def test_a_file_is_taken_away(own: Own, axe_script: Path) -> None:
    page = own.visit("/services/shop/instances/db-0", bypass_csp=True)
    assert findings(page, axe_script) == []
    page.get_by_role("link", name="Look inside").click()
    pictured(page, "look-inside")
    page.get_by_label("File", exact=True).fill("/etc/hostname")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Fetch").click()
    assert taken.value.suggested_filename == "hostname.tar"
    with tarfile.open(taken.value.path()) as archive:
        assert archive.getnames() == ["etc/hostname"]
