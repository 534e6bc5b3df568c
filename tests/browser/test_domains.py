"""Domains as a person adds, changes, looks at and removes them: with a plan first, its word typed in production."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from opsmodal.web.asking import EXTENSION
from tests.browser.conftest import NARROW, WIDE, Own, Visit, followed, pictured, with_scripts
from tests.browser.test_accessibility import findings
from tests.browser.test_sizes import SCRIPT_MAX_BYTES, STYLE_MAX_BYTES

HERE = "/services/shop/domains"
"""The example service is in production: what is dangerous there is confirmed by its name."""


def dialog(page: Page) -> Locator:
    return page.locator("dialog#ask")


def row(page: Page, host: str) -> Locator:
    return page.locator("tr[data-key]", has_text=host)


def test_a_domain_is_added_changed_and_removed(own: Own) -> None:
    page = own.visit(HERE)
    followed(page, page.get_by_role("link", name="Add domain"))
    page.get_by_label("Host").fill("new.example.com")
    page.get_by_label("Target").select_option("web:8080")
    page.get_by_role("button", name="Preview").click()
    expect(dialog(page)).to_contain_text("kubectl -n shop create ingress new-example-com")
    dialog(page).get_by_label("Reason").fill("the sale begins")
    pictured(page, "domains-plan")
    dialog(page).get_by_role("button", name="Add new.example.com/").click()
    expect(page.get_by_text("new.example.com/ was added")).to_be_visible()
    with_scripts(page)
    expect(row(page, "new.example.com")).to_contain_text("3 ready")
    row(page, "new.example.com").locator("summary").click()
    followed(page, row(page, "new.example.com").get_by_role("link", name="Edit"))
    expect(page.get_by_label("Host")).to_have_value("new.example.com")
    page.get_by_label("Path", exact=True).fill("/cart")
    page.get_by_role("button", name="Preview").click()
    expect(dialog(page).get_by_role("row", name="path")).to_contain_text("/cart")
    dialog(page).get_by_role("button", name="Change new.example.com/cart").click()
    expect(row(page, "new.example.com/cart")).to_be_visible()
    with_scripts(page)
    row(page, "new.example.com/cart").locator("summary").click()
    row(page, "new.example.com/cart").get_by_role("button", name="Remove…").click()
    expect(dialog(page)).to_contain_text("goes as a whole: this is its last rule")
    dialog(page).get_by_label("Type shop to go on").fill("shop")
    pictured(page, "domains-remove")
    dialog(page).locator("button.danger").click()
    expect(row(page, "new.example.com/cart")).to_have_count(0)
    expect(row(page, "shop.example.com")).to_be_visible()


def test_what_is_refused_is_said_and_what_was_typed_stays(own: Own) -> None:
    page = own.visit(f"{HERE}/new")
    page.get_by_label("Host").fill("shop.example.com")
    page.get_by_label("Target").select_option("web:8080")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#host-problem")).to_contain_text("shop.example.com/ is taken by Ingress web in namespace shop")
    expect(page.get_by_label("Host")).to_have_value("shop.example.com")
    expect(page.get_by_label("Host")).to_be_focused()
    pictured(page, "domains-refused")
    page.get_by_label("Host").fill("new.example.com")
    page.get_by_role("button", name="Preview").click()
    expect(dialog(page)).to_contain_text("Add new.example.com/?")


def test_checks_are_shown_as_they_come(own: Own) -> None:
    class Silent:
        """Nobody is asked by a test: what DNS would say stands for all."""

        def __init__(self, **more: object) -> None: ...

        def look_up(self, name: str) -> None:
            from opsmodal.egress import EgressProblem

            raise EgressProblem(f"DNS knows no {name}.", kind="no-answer", hint="Make a record for it.")

    own.installation.app.extensions[EXTENSION].domains.outside = Silent
    page = own.visit(HERE)
    followed(page, row(page, "shop.example.com").get_by_role("link", name="Check"))
    expect(page.locator("#check-dns")).to_contain_text("DNS knows no shop.example.com.")
    expect(page.locator("#check-backend")).to_contain_text("3 endpoints are ready behind web.")
    pictured(page, "domains-checked")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#check-http")).to_contain_text("DNS knows no shop.example.com.")


def test_it_works_without_script(own: Own) -> None:
    page = own.visit(f"{HERE}/new", java_script_enabled=False)
    page.get_by_label("Host").fill("new.example.com")
    page.get_by_label("Target").select_option("web:8080")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("kubectl -n shop create ingress")).to_be_visible()
    page.get_by_role("button", name="Add new.example.com/").click()
    expect(page.get_by_text("new.example.com/ was added")).to_be_visible()
    expect(row(page, "new.example.com")).to_be_visible()


def test_what_is_shown_while_the_cluster_is_away_is_what_was_known(own: Own) -> None:
    page = own.visit(HERE)
    expect(row(page, "shop.example.com")).to_be_visible()
    own.cluster.pause()
    try:
        expect(page.locator("#trouble")).to_contain_text("not reachable", timeout=60_000)
        expect(row(page, "shop.example.com")).to_be_visible()
        pictured(page, "domains-away")
    finally:
        own.cluster.resume()


@pytest.mark.often("light")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("path", [HERE, f"{HERE}/new", "/services/payments/domains"], ids=["rows", "form", "none"])
def test_it_is_accessible_and_fits(
    visit: Visit, axe_script: Path, theme: str, size: tuple[int, int], path: str
) -> None:
    page = visit(path, size=size, color_scheme=theme, bypass_csp=True)
    assert findings(page, axe_script) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name = {HERE: "rows", f"{HERE}/new": "form"}.get(path, "none")
    pictured(page, f"domains-{name}-{theme}-{size[0]}")


@pytest.mark.parametrize("which", ["rows", "form", "one"])
def test_its_pages_stay_small(visit: Visit, which: str) -> None:
    page = visit(HERE)
    one = str(page.locator("td.name a").first.get_attribute("href"))
    sizes: dict[str, int] = {}
    page.on("response", lambda got: sizes.update({got.url: len(got.body())} if "/static/" in got.url else {}))
    path = {"rows": HERE, "form": f"{HERE}/new", "one": one}[which]
    page.goto(page.url.partition("/services")[0] + path, wait_until="networkidle")
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) <= SCRIPT_MAX_BYTES
    assert sum(size for url, size in sizes.items() if url.endswith(".css")) <= STYLE_MAX_BYTES
