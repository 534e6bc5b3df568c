"""Engines and servers die while a page is open: it says so, keeps what it knows, and recovers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Own, pictured

# A TLS socket whose far end died in the middle of a handshake is at times closed by the collector and not by its pool.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)

RECOVERY_MS = 60_000
"""More than the longest pause between two tries."""


def test_a_killed_engine_is_said_and_forgotten_when_it_is_back(own: Own) -> None:
    page = own.visit("/services/shop/instances")
    rows = page.locator("tr[data-key]")
    expect(rows).to_have_count(4)
    own.cluster.pause()
    trouble = page.locator("#trouble")
    expect(trouble).to_be_visible(timeout=RECOVERY_MS)
    expect(trouble).to_contain_text("As of")
    expect(trouble).to_contain_text("Not reachable since")
    expect(page.locator("#again")).to_contain_text("Trying again")
    expect(rows).to_have_count(4)
    expect(page.locator("header.frame")).to_contain_text("not reachable, was 4 of 4 ready")
    pictured(page, "stale")
    own.cluster.resume()
    expect(trouble).to_be_hidden(timeout=RECOVERY_MS)
    expect(page.locator("header.frame")).not_to_contain_text("not reachable")
    expect(rows).to_have_count(4)


def test_a_page_that_failed_at_first_becomes_the_page(own: Own) -> None:
    own.cluster.pause()
    page = own.visit("/services/shop/instances/db-0")
    expect(page.locator("[data-error]")).to_be_visible()
    expect(page.locator("header.frame")).to_contain_text("shop")
    expect(page.locator("#again")).to_contain_text("Trying again")
    pictured(page, "failing")
    own.cluster.resume()
    expect(page.get_by_role("heading", name="Containers")).to_be_visible(timeout=RECOVERY_MS)


def test_a_dead_server_of_ours_is_said_too(own: Own) -> None:
    page = own.visit("/services")
    own.relay.cut()
    page.keyboard.press("r")
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("The opsmodal server does not answer.")
    expect(trouble).to_contain_text(re.compile(r"trying again", re.IGNORECASE))
    expect(page.locator("tr[data-key]")).to_have_count(3)
    pictured(page, "server-gone")
    own.relay.mend()
    expect(trouble).to_be_hidden(timeout=RECOVERY_MS)


def test_an_ended_session_is_said_and_nothing_is_lost_from_the_screen(own: Own) -> None:
    page = own.visit("/services/shop/instances")
    page.context.clear_cookies()
    page.keyboard.press("r")
    expect(page.locator("#trouble")).to_contain_text("Your session has ended.")
    expect(page.locator("tr[data-key]")).to_have_count(4)


def test_a_hidden_page_asks_nothing(own: Own) -> None:
    page = own.visit("/services")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6_500)
    assert asked == []
    page.evaluate("delete document.hidden")
    with page.expect_response(re.compile("/services$")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
