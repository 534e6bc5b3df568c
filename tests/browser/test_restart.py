"""The production server is restarted under an open page that follows a log: the page goes on by itself."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from playwright.sync_api import Browser, expect

from opsmodal.demo.cluster import start
from tests.web.test_serving import PASSWORD, Server

GONE = re.compile("The server restarts|The connection dropped")
"""A busy machine may cut the connection before the word of the restart has been read: the page comes back from both."""


def test_a_page_keeps_its_lines_and_goes_on_with_each_new_one_once(browser: Browser, tmp_path: Path) -> None:
    cluster = start()
    server = Server(tmp_path, cluster)
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}")
    try:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto("/services/shop/logs?instance=db-0")
        page.get_by_role("button", name="Follow").click()
        expect(page.locator("[data-log-state]")).to_contain_text("Following")
        assert cluster.write_log("shop", "db-0", "db", b"mark 1")
        expect(page.locator(".line", has_text="mark 1")).to_be_visible()
        before = page.locator(".line").count()
        server.process.send_signal(signal.SIGTERM)
        expect(page.locator("[data-log-state]")).to_have_text(GONE)
        assert server.process.wait(30) == 0
        assert cluster.write_log("shop", "db-0", "db", b"mark 2")
        server.start()
        expect(page.locator(".line", has_text="mark 2")).to_be_visible(timeout=45_000)
        assert cluster.write_log("shop", "db-0", "db", b"mark 3")
        expect(page.locator(".line", has_text="mark 3")).to_be_visible()
        texts = page.locator(".line .text").all_inner_texts()
        assert [text for text in texts if text.startswith("mark ")] == ["mark 1", "mark 2", "mark 3"]
        assert page.locator(".line").count() >= before + 2
        assert page.locator(".line.said").count() == 0
    finally:
        context.close()
        if server.process.poll() is None:
            server.end()
        cluster.stop()
