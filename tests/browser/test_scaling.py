"""Scaling, Metrics Server and images as a person does them: with a plan first, its words typed in production."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.conftest import NARROW, SETTLED_MS, WIDE, Own, Visit, followed, pictured
from tests.browser.test_accessibility import findings
from tests.browser.test_sizes import SCRIPT_MAX_BYTES, STYLE_MAX_BYTES

SCALING = "/services/shop/scaling"
"""The example service is in production: what is dangerous there is confirmed by its name."""


def part(page: Page, workload: str) -> Locator:
    return page.locator(f"#scale-{workload.replace('.', chr(92) + '.')}")


def dialog(page: Page) -> Locator:
    return page.locator("dialog#ask")


def unmeasured(own: Own) -> None:
    """Take the Metrics API away."""
    own.installation.client().call("DELETE", "/services/shop/metrics-server", json={"confirm": "shop"})


def test_a_pod_count_is_applied_after_its_plan(own: Own) -> None:
    page = own.visit("/services/shop/instances")
    followed(page, page.get_by_role("link", name="Scaling"))
    expect(page).to_have_url(re.compile(f"{SCALING}$"))
    expect(page.get_by_role("link", name="Pods").first).to_have_attribute("aria-current", "page")
    web = part(page, "deployment.web")
    web.get_by_label("Pods").fill("4")
    web.get_by_role("button", name="Apply pod count").click()
    expect(dialog(page)).to_contain_text("kubectl -n shop scale deployment/web --replicas=4")
    expect(dialog(page).get_by_role("row", name="replicas")).to_contain_text("34")
    dialog(page).get_by_label("Reason").fill("the sale begins")
    pictured(page, "scaling-plan")
    dialog(page).get_by_role("button", name="Scale Deployment web from 3 to 4").click()
    expect(dialog(page)).to_be_hidden()
    expect(web).to_contain_text("4 of 4 ready", timeout=SETTLED_MS)


def test_all_pods_are_removed_when_the_services_name_is_typed(own: Own) -> None:
    page = own.visit(SCALING)
    part(page, "deployment.web").get_by_role("button", name="Remove all pods").click()
    expect(dialog(page)).to_contain_text("3 of 3 pods of deployment/web")
    expect(dialog(page)).to_contain_text("the service answers nothing")
    scale = dialog(page).get_by_role("button", name="Scale Deployment web from 3 to 0")
    dialog(page).get_by_label("Type shop to go on").fill("shopp")
    scale.click()
    expect(page.get_by_text("That is not the name")).to_be_visible()
    dialog(page).get_by_label("Type shop to go on").fill("shop")
    dialog(page).locator("button.danger").click()
    expect(dialog(page)).to_be_hidden()
    expect(part(page, "deployment.web")).to_contain_text("0 of 0 ready", timeout=SETTLED_MS)


def test_an_autoscaler_locks_scaling_by_hand_and_has_two_ways_out(own: Own) -> None:
    page = own.visit(SCALING)
    web = part(page, "deployment.web")
    web.locator("summary", has_text="Autoscaler").click()
    expect(web.get_by_label("Minimum")).to_have_value("1")
    expect(web.get_by_label("Maximum")).to_have_value("10")
    expect(web.get_by_label("CPU target, %")).to_have_value("80")
    web.get_by_label("Minimum").fill("2")
    web.get_by_role("button", name="Create an autoscaler").click()
    expect(dialog(page)).to_contain_text("kubectl -n shop autoscale deployment web --min=2 --max=10 --cpu-percent=80")
    dialog(page).get_by_role("button", name="Create an autoscaler for Deployment web").click()
    expect(web).to_contain_text("Scaling by hand is locked")
    expect(web.get_by_role("button", name="Apply pod count")).to_have_count(0)
    pictured(page, "scaling-locked")
    web.get_by_label("Maximum").fill("6")
    web.get_by_role("button", name="Set the autoscaler").click()
    expect(dialog(page).get_by_role("row", name="maximum")).to_contain_text("106")
    dialog(page).get_by_role("button", name="Set the autoscaler web of Deployment web").click()
    expect(web).to_contain_text("between 2 and 6")
    web.get_by_label("Pods").fill("3")
    web.get_by_role("button", name="Remove the autoscaler and scale").click()
    expect(dialog(page)).to_contain_text("kubectl -n shop delete hpa web && kubectl -n shop scale")
    dialog(page).get_by_label("Type shop to go on").fill("shop")
    dialog(page).locator("button.danger").click()
    expect(web.get_by_role("button", name="Apply pod count")).to_be_visible(timeout=SETTLED_MS)
    expect(web).to_contain_text("3 of 3 ready", timeout=SETTLED_MS)


def test_metrics_server_is_installed_with_its_progress_told(own: Own) -> None:
    unmeasured(own)
    page = own.visit(SCALING)
    server = page.locator("#metrics-server")
    expect(server).to_contain_text("The cluster has no Metrics API", timeout=SETTLED_MS)
    page.locator("#scale-deployment\\.web summary", has_text="Autoscaler").click()
    part(page, "deployment.web").get_by_role("button", name="Create an autoscaler").click()
    expect(dialog(page)).to_contain_text("The cluster has no Metrics API that answers")
    pictured(page, "scaling-refused")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    server.get_by_role("button", name="Install Metrics Server").click()
    dialog(page).get_by_text("All that changes").click()
    expect(dialog(page)).to_contain_text("kind: APIService")
    pictured(page, "scaling-install")
    dialog(page).get_by_role("button", name="Install Metrics Server").click()
    expect(dialog(page)).to_be_hidden()
    expect(page.locator(".job").first).to_contain_text("The Metrics API answers.", timeout=SETTLED_MS)
    expect(server).to_contain_text("metrics-server in kube-system serves it", timeout=SETTLED_MS)
    pictured(page, "scaling-installed")
    server.get_by_role("link", name="Diagnostics").click()
    expect(page.get_by_role("heading", name="Last log lines")).to_be_visible()
    expect(page.get_by_text("Started container metrics-server")).to_be_visible()
    pictured(page, "metrics-server")


def test_images_are_deleted_from_one_node_and_its_words_are_shown(own: Own) -> None:
    page = own.visit(SCALING)
    images = page.locator("#images")
    images.get_by_label("Node").select_option("demo-worker-1")
    images.get_by_role("button", name="Delete images").click()
    expect(dialog(page)).to_contain_text("crictl rmi --prune")
    expect(dialog(page)).to_contain_text("images that other services use next have to be pulled again")
    dialog(page).get_by_label("Type shop to go on").fill("shop")
    pictured(page, "scaling-images")
    dialog(page).locator("button.danger").click()
    expect(page.locator(".job").first).to_contain_text("1 of 1 nodes were cleaned", timeout=SETTLED_MS)
    expect(page.locator(".job").first).to_contain_text("Deleted: registry.example.com/")


def test_it_works_without_script(own: Own) -> None:
    page = own.visit(SCALING, java_script_enabled=False)
    part(page, "statefulset.db").get_by_label("Pods").fill("2")
    part(page, "statefulset.db").get_by_role("button", name="Apply pod count").click()
    expect(page.get_by_text("kubectl -n shop scale statefulset/db --replicas=2")).to_be_visible()
    page.get_by_role("button", name="Scale StatefulSet db from 1 to 2").click()
    expect(page.get_by_text("was scaled from 1 to 2")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_is_accessible_and_fits(visit: Visit, axe_script: Path, theme: str, size: tuple[int, int]) -> None:
    page = visit(SCALING, size=size, color_scheme=theme, bypass_csp=True)
    expect(page.locator("#metrics-server")).to_be_visible()
    assert findings(page, axe_script) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in page.locator("#content").get_by_role("button").all():
        box = button.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= size[0]), button.inner_text()
    pictured(page, f"scaling-{theme}-{size[0]}")


def test_its_page_stays_small(visit: Visit) -> None:
    page = visit("/healthz")
    loaded: dict[str, Response] = {}
    page.on("response", lambda answer: loaded.update({answer.url: answer}))
    page.goto(page.url.removesuffix("/healthz") + SCALING, wait_until="networkidle")
    files = {url.rpartition("/")[2]: answer for url, answer in loaded.items() if "/static/" in url and answer.ok}
    sizes = {name: len(answer.body()) for name, answer in files.items()}
    assert "scaling.css" in sizes
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= SCRIPT_MAX_BYTES, sizes
    assert sum(size for name, size in sizes.items() if name.endswith(".css")) <= STYLE_MAX_BYTES, sizes
