"""The way to a service in a real browser: asked for once, chosen, tried, with and without script, wide and narrow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from opsmodal.app import FLEET
from tests.browser.conftest import NARROW, SETTLED_MS, WIDE, Own, pictured, with_scripts
from tests.browser.test_accessibility import findings
from tests.browser.test_sizes import SCRIPT_MAX_BYTES, STYLE_MAX_BYTES
from tests.engines import sshd
from tests.web.test_connection import DEAD, LAN, SPARE, register
from tests.web.test_host_keys import files_of, server, through

__all__ = ["server"]

OVERVIEW, PODS = "/services/shop/overview", "/services/shop/instances"
CHOICE = "Connection to shop"


@pytest.fixture
def forked(own: Own) -> Own:
    """Give an installation whose cluster has a way that works and one that leads to nobody."""
    register(own.installation, LAN, DEAD)
    return own


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog", name=CHOICE)


def chosen(own: Own) -> tuple[str, bool]:
    value = own.installation.client().get("/services/shop/connection").json
    return value["chosen"], value["remembered"]


def asked(own: Own) -> None:
    """Let the person have been asked already."""
    own.installation.client().call("PUT", "/services/shop/connection", json={"name": "auto"})


def test_one_connection_has_a_tag_and_no_button(own: Own) -> None:
    page = own.visit(OVERVIEW)
    expect(page.locator("#way")).to_have_text("Connection: Direct")
    expect(page.get_by_role("button", name="Change connection")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_choice_opens_by_itself_once_and_escape_leaves_it_to_auto(forked: Own) -> None:
    page = forked.visit(OVERVIEW)
    expect(dialog(page)).to_be_visible()
    expect(page.get_by_role("radio", name="Auto")).to_be_focused()
    pictured(page, "connection-first")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Change connection")).to_be_focused()
    page.wait_for_function("async () => (await (await fetch('/api/v1/services/shop/connection')).json()).remembered")
    assert chosen(forked) == ("auto", True)
    page.reload()
    with_scripts(page)
    expect(page.get_by_role("button", name="Change connection")).to_be_visible()
    expect(dialog(page)).to_be_hidden()


def test_keeping_auto_is_an_answer(forked: Own) -> None:
    page = forked.visit(PODS)
    page.get_by_role("button", name="Keep Auto").click()
    expect(dialog(page)).to_be_hidden()
    expect(page).to_have_url(re.compile(f"{PODS}$"))
    page.wait_for_function("async () => (await (await fetch('/api/v1/services/shop/connection')).json()).remembered")


def test_a_connection_is_chosen_by_keyboard_and_the_tab_stays(own: Own) -> None:
    register(own.installation, LAN, SPARE)
    asked(own)
    page = own.visit(PODS)
    expect(page.locator("#way")).to_have_text("Connection: Auto → lan")
    page.get_by_role("button", name="Change connection").press("Enter")
    expect(page.get_by_role("radio", name="Auto")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Direct spare")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#way")).to_have_text("Connection: Direct spare")
    expect(page).to_have_url(re.compile(f"{PODS}$"))
    expect(page.get_by_role("status").first).to_contain_text("You reach shop by Direct spare from now on.")
    expect(page.locator("tr[data-key]").first).to_be_visible()


def test_escape_leaves_all_as_it_was(own: Own) -> None:
    register(own.installation, LAN, SPARE)
    asked(own)
    before = own.installation.audited()
    page = own.visit(OVERVIEW)
    page.get_by_role("button", name="Change connection").click()
    page.get_by_role("radio", name="Direct spare").check()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Change connection")).to_be_focused()
    page.get_by_role("button", name="Change connection").click()
    expect(page.get_by_role("radio", name="Auto")).to_be_checked()
    page.get_by_role("link", name="Cancel").click()
    expect(dialog(page)).to_be_hidden()
    assert own.installation.audited() == before


def test_a_test_renews_the_rows_where_they_stand_and_says_so(forked: Own) -> None:
    asked(forked)
    page = forked.visit(OVERVIEW)
    page.get_by_role("button", name="Change connection").click()
    page.get_by_role("radio", name="SSH bastion").check()
    page.get_by_role("button", name="Test now").click()
    bad = dialog(page).locator("[data-key=way-bastion]")
    expect(bad).to_contain_text("fails")
    expect(dialog(page).locator("[data-key=way-lan]")).to_contain_text("answers")
    expect(dialog(page).get_by_role("status")).to_contain_text("1 of 2 answer")
    expect(page.get_by_role("radio", name="SSH bastion")).to_be_checked()
    expect(page.get_by_role("button", name="Test now")).to_be_focused()
    pictured(page, "connection-tested")
    page.get_by_role("button", name="Test now").click()
    expect(dialog(page).get_by_role("status")).to_contain_text("tested a moment ago")
    expect(dialog(page)).to_be_visible()


def test_a_chosen_way_that_fails_offers_the_others_as_buttons(forked: Own) -> None:
    asked(forked)
    page = forked.visit(OVERVIEW)
    page.get_by_role("button", name="Change connection").click()
    page.get_by_role("radio", name="SSH bastion").check()
    page.get_by_role("button", name="Use this connection").click()
    expect(page.locator("#way")).to_contain_text("SSH bastion")
    expect(page.locator("#way")).to_contain_text("fails")
    others = page.get_by_role("group", name="Other connections")
    expect(others).to_contain_text("You chose SSH bastion, so no other connection is taken by itself.")
    pictured(page, "connection-failing")
    others.get_by_role("button", name="Use Direct lan").click()
    expect(page.locator("#way")).to_have_text("Connection: Direct lan")
    expect(page.get_by_role("heading", name="Workloads")).to_be_visible()


def test_open_pages_say_that_auto_has_left_a_way(own: Own) -> None:
    register(own.installation, {**DEAD, "priority": 5}, LAN)
    asked(own)
    page = own.visit(OVERVIEW)
    expect(page.locator("#way")).to_have_text("Connection: Auto → lan")
    expect(page.locator("#way-news")).to_contain_text("SSH bastion fails")
    expect(page.locator("#way-news")).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("path", [OVERVIEW, PODS])
def test_an_open_page_says_when_auto_leaves_a_way(own: Own, server: sshd.Sshd, path: str) -> None:
    register(own.installation, through(server, priority=5), LAN, files=files_of(server))
    asked(own)
    page = own.visit(path)
    expect(page.locator("#way")).to_have_text("Connection: Auto → bastion", timeout=SETTLED_MS)
    server.kill()
    expect(page.locator("#way")).to_have_text("Connection: Auto → lan", timeout=SETTLED_MS)
    expect(page.locator("#way-news")).to_have_text("Auto takes Direct lan: SSH bastion fails.", timeout=SETTLED_MS)
    expect(page.locator("h1")).to_have_text("shop")


def test_everything_goes_without_script(forked: Own) -> None:
    page = forked.visit(OVERVIEW, java_script_enabled=False)
    expect(page.get_by_text("More than one connection leads to demo")).to_be_visible()
    page.get_by_role("link", name="Choose a connection").click()
    expect(page.get_by_role("heading", name=CHOICE)).to_be_visible()
    page.get_by_role("button", name="Test now").click()
    expect(page.locator("[data-key=way-bastion]")).to_contain_text("fails")
    page.get_by_role("radio", name="Direct lan").check()
    page.get_by_role("button", name="Use this connection").click()
    expect(page).to_have_url(re.compile(f"{OVERVIEW}$"))
    expect(page.get_by_text("More than one connection leads to demo")).to_have_count(0)
    assert chosen(forked) == ("lan", True)


def test_the_banner_without_script_is_answered_by_one_button(forked: Own) -> None:
    page = forked.visit(OVERVIEW, java_script_enabled=False)
    page.get_by_role("button", name="Keep Auto").click()
    expect(page.get_by_text("More than one connection leads to demo")).to_have_count(0)
    assert chosen(forked) == ("auto", True)


@pytest.mark.often("light")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_choice_has_a_serious_finding(forked: Own, axe_script: Path, theme: str, size: tuple[int, int]) -> None:
    forked.installation.client().call("POST", "/services/shop/connection/test")
    page = forked.visit(OVERVIEW, color_scheme=theme, size=size, bypass_csp=True)
    expect(dialog(page)).to_be_visible()
    assert findings(page, axe_script) == []
    pictured(page, f"connection-{theme}-{size[0]}")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for path in ("/services/shop/connection", "/registry/runtimes/demo"):
        page.goto(forked.site.url + path)
        assert findings(page, axe_script) == []
        pictured(page, f"{path.rsplit('/', 1)[1]}-{theme}-{size[0]}")


@pytest.mark.parametrize("path", [OVERVIEW, PODS, "/services/shop/logs", "/services/shop/connection"])
def test_a_page_with_a_choice_loads_as_little_as_any(forked: Own, path: str) -> None:
    asked(forked)
    page = forked.visit("/healthz")
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: int(response.headers["content-length"])}))
    page.goto(forked.site.url + path, wait_until="networkidle")
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) <= SCRIPT_MAX_BYTES
    assert sum(size for url, size in sizes.items() if url.endswith(".css")) <= STYLE_MAX_BYTES


def test_asking_for_the_first_time_stays_within_the_bound_where_a_service_opens(forked: Own) -> None:
    page = forked.visit("/healthz")
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: int(response.headers["content-length"])}))
    page.goto(forked.site.url + "/services/shop", wait_until="networkidle")
    expect(dialog(page)).to_be_visible()
    assert sum(size for url, size in sizes.items() if url.endswith(".js")) <= SCRIPT_MAX_BYTES
    assert sum(size for url, size in sizes.items() if url.endswith(".css")) <= STYLE_MAX_BYTES


def test_a_runtime_tells_its_connections_and_tries_them(forked: Own) -> None:
    assert FLEET in forked.installation.app.extensions
    page = forked.visit("/registry/runtimes/demo")
    rows = page.get_by_role("table", name="Connections")
    page.get_by_role("button", name="Test all now").click()
    expect(page.get_by_role("status").first).to_contain_text("SSH bastion fails")
    expect(rows.get_by_role("row", name=re.compile("SSH bastion"))).to_contain_text("fails")
    expect(rows.get_by_role("row", name=re.compile("Direct lan"))).to_contain_text("ms")
