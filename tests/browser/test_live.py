"""Rows change by themselves, whatever happens between the page and the cluster, and never under somebody's hands."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from werkzeug.serving import make_server

from opsmodal.app import close_app, create_app
from opsmodal.settings import Settings
from tests.browser.conftest import NARROW, Own, pictured
from tests.web.test_live import pod

SOON_MS = 20_000
AGAIN = re.compile(r"Not live, trying again (in \d+ s|now)")
LIVE = re.compile(r"^Live")


@pytest.fixture
def page(own: Own) -> Page:
    """Open the pods of shop, live; the page is told of nothing by the clock."""
    page = own.visit("/services/shop/instances")
    expect(page.locator("#liveness")).to_have_text(LIVE)
    return page


def row(page: Page, name: str) -> Locator:
    return page.locator(f'tr[data-key="{name}"]')


def fetches(page: Page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def test_a_row_comes_changes_and_goes_by_itself(own: Own, page: Page) -> None:
    asked = fetches(page)
    own.cluster.create(pod("extra"))
    expect(row(page, "extra")).to_contain_text("Running", timeout=SOON_MS)
    expect(page.locator("#standing")).to_contain_text("5 of 5 ready")
    expect(page.locator(".chips")).to_contain_text("All 5")
    answer = own.installation.client("admin").call("DELETE", "/services/shop/instances/extra?force=true&confirm=shop")
    assert answer.status_code == 200
    expect(row(page, "extra")).to_have_count(0, timeout=SOON_MS)
    expect(page.locator("#standing")).to_contain_text("4 of 4 ready")
    assert [url for url in asked if "/instances" in url] == [], "nothing was asked for by the clock"


def test_the_view_is_followed_when_it_is_filtered(own: Own, page: Page) -> None:
    page.get_by_label("Filter pods").fill("extra")
    expect(page.get_by_text("No pod matches.")).to_be_visible()
    expect(page.locator("#liveness")).to_have_text(LIVE)
    own.cluster.create(pod("extra-1"))
    own.cluster.create(pod("other-1"))
    expect(row(page, "extra-1")).to_contain_text("Running", timeout=SOON_MS)
    expect(page.locator("tr[data-key]")).to_have_count(1)
    expect(page.get_by_label("Filter pods")).to_be_focused()


def test_focus_menu_and_what_is_open_stay(own: Own, page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.locator("tr[data-key]").nth(1)
    name = focused.get_attribute("data-key")
    page.keyboard.press("Enter")
    expect(page.locator("tr.opened dl").first).to_be_visible()
    own.cluster.create(pod("aaa-first"))
    expect(row(page, "aaa-first")).to_contain_text("Running", timeout=SOON_MS)
    expect(row(page, "aaa-first")).to_have_attribute("data-told", re.compile("Running"))
    assert page.evaluate("document.activeElement.dataset.key") == name
    expect(page.locator(f'tr[data-key="{name}"] + tr.opened dl').first).to_be_visible()


def test_nothing_moves_under_the_pointer_and_that_is_said(own: Own, page: Page) -> None:
    last = page.locator("tr[data-key]").last
    last.hover()
    where, name = last.bounding_box(), last.get_attribute("data-key")
    own.cluster.create(pod("aaa-first"))
    expect(row(page, "aaa-first")).to_contain_text("Running", timeout=SOON_MS)
    expect(page.locator("#liveness")).to_contain_text("order kept while the pointer is over the rows")
    assert row(page, str(name)).bounding_box() == where
    assert page.locator("tr[data-key]").last.get_attribute("data-key") == "aaa-first"
    own.installation.client("admin").call("DELETE", "/services/shop/instances/aaa-first?force=true&confirm=shop")
    expect(page.locator("tr.gone")).to_have_attribute("data-key", "aaa-first", timeout=SOON_MS)
    pictured(page, "held")
    page.mouse.move(5, 5)
    expect(page.locator("tr.gone")).to_have_count(0)
    own.cluster.create(pod("aaa-second"))
    expect(row(page, "aaa-second")).to_contain_text("Running", timeout=SOON_MS)
    expect(page.locator("tr[data-key]").first).to_have_attribute("data-key", "aaa-second")
    expect(page.locator("#liveness")).to_have_text("Live")


def test_columns_do_not_shift_when_rows_arrive(own: Own, page: Page) -> None:
    heads = page.locator("thead th")
    before = [head.bounding_box() for head in heads.all()]
    own.cluster.create(pod("extra"))
    expect(row(page, "extra")).to_contain_text("Running", timeout=SOON_MS)
    assert [head.bounding_box() for head in heads.all()] == before


def test_a_hidden_page_has_no_socket_and_catches_up(own: Own, page: Page) -> None:
    hide(page, hidden=True)
    live = own.installation.app.extensions["opsmodal"].instances.live
    wait(page, lambda: live.sizes().readers == 0)
    own.cluster.create(pod("extra"))
    page.wait_for_timeout(1_000)
    expect(row(page, "extra")).to_have_count(0)
    hide(page, hidden=False)
    expect(row(page, "extra")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#liveness")).to_have_text(LIVE)


def test_a_proxy_that_cuts_connections_costs_nothing_but_a_moment(own: Own, page: Page) -> None:
    for number in range(3):
        own.relay.drop()
        own.cluster.create(pod(f"extra-{number}"))
        expect(row(page, f"extra-{number}")).to_be_visible(timeout=SOON_MS)
        expect(page.locator("#liveness")).to_have_text(LIVE, timeout=SOON_MS)
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_that_is_not_reached_is_said_and_what_was_known_stays(own: Own, page: Page) -> None:
    own.relay.cut()
    expect(page.locator("#liveness")).to_have_text(AGAIN)
    expect(page.locator("#as-of")).to_contain_text("as of")
    expect(page.locator("tr[data-key]")).to_have_count(4)
    expect(page.locator("#trouble")).to_contain_text("The opsmodal server does not answer.")
    expect(page.locator("#again")).to_contain_text("Trying again")
    pictured(page, "not-live")
    own.cluster.create(pod("extra"))
    own.relay.mend()
    expect(row(page, "extra")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#liveness")).to_have_text(LIVE, timeout=SOON_MS)
    expect(page.locator("#trouble")).to_be_hidden()


def test_without_sockets_the_page_asks_by_the_clock_and_says_so(own: Own) -> None:
    page = own.visit("/sign-in")
    page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 10) } close() {} }"
    )
    page.goto(f"{own.site.url}/services/shop/instances")
    expect(page.locator("#liveness")).to_have_text(AGAIN)
    own.cluster.create(pod("extra"))
    expect(row(page, "extra")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_that_restarts_is_found_again(own: Own, page: Page) -> None:
    port = own.server.server_port
    close_app(own.installation.app)
    own.server.shutdown()
    own.server.server_close()
    own.relay.cut()
    expect(page.locator("#liveness")).to_have_text(AGAIN)
    own.cluster.create(pod("meanwhile"))
    app = create_app(Settings(data_dir=own.installation.folder), own.installation.store)
    server = make_server("127.0.0.1", port, app, threaded=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="again").start()
    own.relay.mend()
    try:
        expect(page.locator("#liveness")).to_have_text(LIVE, timeout=SOON_MS)
        expect(row(page, "meanwhile")).to_be_visible(timeout=SOON_MS)
    finally:
        close_app(app)
        server.shutdown()
        server.server_close()


def test_an_ended_session_ends_the_page_in_words(own: Own, page: Page) -> None:
    own.installation.people.end_sessions("admin")
    said = "Your access to shop has ended: the session was ended."
    expect(page.locator("#trouble")).to_contain_text(said, timeout=SOON_MS)
    expect(page.locator("#liveness")).to_have_text("Not live.")
    expect(page.locator("tr[data-key]")).to_have_count(4)


def test_ages_count_without_the_server(page: Page) -> None:
    page.evaluate("window.WebSocket = undefined")
    age = page.locator("tr[data-key] time [aria-hidden]").first
    page.evaluate("""() => {
      const time = document.querySelector("tr[data-key] time");
      time.dateTime = new Date(Date.now() - 61000).toISOString();
    }""")
    expect(age).to_have_text(re.compile(r"6\d s"))
    first = age.inner_text()
    expect(age).not_to_have_text(first)


def test_on_a_phone_not_being_live_is_seen(own: Own) -> None:
    page = own.visit("/services/shop/instances", size=NARROW)
    expect(page.locator("#liveness")).to_have_text(LIVE)
    own.relay.cut()
    expect(page.locator("#liveness")).to_be_visible()
    expect(page.locator("#liveness")).to_have_text(AGAIN)
    for tab in page.locator(".tabs a").all():
        expect(tab).to_be_in_viewport()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW[0]
    pictured(page, "not-live-390")
    own.relay.mend()


def hide(page: Page, *, hidden: bool) -> None:
    if hidden:
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    else:
        page.evaluate("delete document.hidden")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def wait(page: Page, reached: Callable[[], bool]) -> None:
    for _ in range(SOON_MS // 100):
        if reached():
            return
        page.wait_for_timeout(100)
    raise AssertionError("not reached")
