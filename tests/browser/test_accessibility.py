"""axe-core finds nothing serious on any page, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Visit

PATHS = (
    "/services",
    "/services?search=nothing-like-this",
    "/services/payments/overview",
    "/services/payments/timeline",
    "/services/payments/instances",
    "/services/reports/instances?severity=ok",
    "/services/shop/instances/db-0",
    "/services/shop/instances/db-0/cause",
    "/services/payments/deployment",
    "/services/shop/deployment/deployment.web",
    "/services/shop/deployment/deployment.web/manifest",
    "/services/shop/logs?view=1&timestamps=true",
    "/services/shop/logs",
    "/services/shop/commands",
    "/services/shop/commands?line=kubectl+get+pods&mode=streaming",
    "/guard",
    "/services/absent",
    "/rights",
    "/rights?search=nothing-like-this",
    "/services/shop/rights",
    "/services/shop/people",
    "/services/shop/connection",
    "/sign-in",
    "/registry",
    "/registry/oidc",
    "/registry/runtimes/demo",
    "/registry/add-vpn-profile",
    "/people",
    "/people/demo",
    "/groups",
    "/grants",
    "/account",
    "/audit",
    "/audit/forwarding",
)
SERIOUS = frozenset({"serious", "critical"})


def findings(page: Page, axe_script: Path) -> list[str]:
    """Run axe-core on a page; give what is serious, each with the elements it is about."""
    page.add_script_tag(path=axe_script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [each for each in found["violations"] if each["impact"] in SERIOUS]
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}" for each in serious]


def often(paths: Sequence[str], first: int) -> list[Any]:
    """Try the first few each time, the others in `make test-all`."""
    return [*paths[:first], *(pytest.param(path, marks=pytest.mark.exhaustive) for path in paths[first:])]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_has_a_serious_finding_in_the_light(visit: Visit, axe_script: Path, path: str) -> None:
    page = visit(path, color_scheme="light", bypass_csp=True, size=WIDE)
    assert findings(page, axe_script) == []


@pytest.mark.parametrize("path", often(PATHS, 4))
def test_no_page_has_a_serious_finding_in_the_dark(visit: Visit, axe_script: Path, path: str) -> None:
    page = visit(path, color_scheme="dark", bypass_csp=True, size=WIDE)
    assert findings(page, axe_script) == []


def test_a_page_that_cannot_be_used_would_be_found(visit: Visit, axe_script: Path) -> None:
    page = visit("/registry/add-service", bypass_csp=True)  # nothing there is renewed while it is looked at
    page.get_by_label("Environment").evaluate("field => field.labels.forEach(label => label.remove())")
    assert "label" in [finding.partition(":")[0] for finding in findings(page, axe_script)]


@pytest.mark.parametrize("path", often(PATHS[:9], 3))
def test_no_narrow_page_has_a_serious_finding(visit: Visit, axe_script: Path, path: str) -> None:
    page = visit(path, bypass_csp=True, size=NARROW)
    assert findings(page, axe_script) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_has_no_serious_finding(visit: Visit, axe_script: Path, theme: str) -> None:
    page = visit("/services/payments/instances", color_scheme=theme, bypass_csp=True)
    page.locator("[data-open]", has_text="Why?").first.click()
    expect(page.locator("tr.opened h2")).to_be_visible()
    page.locator("tr[data-key] summary").first.click()
    assert findings(page, axe_script) == []
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert findings(page, axe_script) == []


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/people", "Add user"),
        ("/grants", "Grant a role"),
        ("/groups", "Add group"),
        ("/account", "Create an API token"),
    ],
)
def test_no_form_that_opens_has_a_serious_finding(
    visit: Visit, axe_script: Path, path: str, button: str, size: tuple[int, int]
) -> None:
    page = visit(path, bypass_csp=True, size=size)
    page.locator("summary", has_text=button).first.click()
    expect(page.locator("details.more[open] form")).to_be_visible()
    assert findings(page, axe_script) == []
