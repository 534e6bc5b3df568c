"""The Logs tab: what is written appears, once and in order, whatever happens to the connection."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from opsmodal.web.asking import EXTENSION
from tests.browser.conftest import Own, pictured

POD = "db-0"


def follow(own: Own) -> Page:
    """Open the log of a quiet pod and follow it."""
    page = own.visit(f"/services/shop/logs?instance={POD}")
    page.get_by_label("Lines", exact=True).fill("0")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("[data-log-state]")).to_contain_text("Following")
    there = page.locator(".line", has_text="are you there")
    for _ in range(60):  # a follow of no earlier lines begins when the pod's log is open, a moment after the job
        write(own, "are you there?")
        page.wait_for_timeout(250)
        if there.count():
            break
    return page


def write(own: Own, text: str) -> None:
    """Write a line as the program in the pod would."""
    assert own.cluster.write_log("shop", POD, "db", text.encode())


def marked(page: Page) -> list[str]:
    """Give the numbered lines on screen."""
    return [text for text in page.locator(".line .text").all_inner_texts() if text.startswith("mark ")]


def test_new_lines_come_as_text_with_their_colours(own: Own) -> None:
    page = follow(own)
    write(own, "\x1b[31mred\x1b[0m <b>not bold</b> \x1b]0;title\x07")
    line = page.locator(".line", has_text="not bold")
    expect(line.locator(".fg-red")).to_have_text("red")
    expect(line).to_contain_text("<b>not bold</b>")
    assert line.locator("b").count() == 0
    pictured(page, "following")


def test_a_cut_connection_loses_and_repeats_nothing(own: Own) -> None:
    page = follow(own)
    write(own, "mark 1")
    expect(page.locator(".line", has_text="mark 1")).to_be_visible()
    own.relay.cut()
    expect(page.locator("[data-log-state]")).to_contain_text("trying again")
    write(own, "mark 2")
    own.relay.mend()
    expect(page.locator(".line", has_text="mark 2")).to_be_visible(timeout=45_000)
    write(own, "mark 3")
    expect(page.locator(".line", has_text="mark 3")).to_be_visible()
    assert marked(page) == ["mark 1", "mark 2", "mark 3"]


def test_a_follow_that_is_gone_on_the_server_goes_on_without_a_word(own: Own) -> None:
    page = follow(own)
    write(own, "mark 1")
    expect(page.locator(".line", has_text="mark 1")).to_be_visible()
    own.relay.cut()
    streams = own.installation.app.extensions[EXTENSION].logs._streams
    for job in streams._all():
        streams.end(job)
    write(own, "mark 2")
    own.relay.mend()
    expect(page.locator(".line", has_text="mark 2")).to_be_visible(timeout=45_000)
    assert marked(page) == ["mark 1", "mark 2"]
    assert page.locator(".line.said").count() == 0


def test_somebody_who_reads_is_left_where_they_are(own: Own) -> None:
    page = follow(own)
    for number in range(80):
        write(own, f"mark {number}")
    expect(page.locator(".line", has_text="mark 79")).to_be_in_viewport()
    page.locator("[data-log]").evaluate("surface => { surface.scrollTop = 0 }")
    for number in range(80, 83):
        write(own, f"mark {number}")
    more = page.get_by_role("button", name="3 new lines ↓")
    expect(more).to_be_visible()
    assert page.locator("[data-log]").evaluate("surface => surface.scrollTop") == 0
    more.click()
    expect(page.locator(".line", has_text="mark 82")).to_be_in_viewport()
    expect(more).to_be_hidden()


def test_the_page_keeps_a_bounded_number_of_lines(own: Own) -> None:
    page = follow(own)
    for number in range(5_200):
        write(own, f"mark {number}")
    expect(page.locator(".line", has_text="mark 5199")).to_be_visible(timeout=60_000)
    expect(page.locator(".line")).to_have_count(5_000)


def test_lines_are_found_wrapped_cleared_and_stopped(own: Own) -> None:
    page = follow(own)
    for text in ("mark one", "mark two", "other"):
        write(own, text)
    expect(page.locator(".line", has_text="other")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("body").press("f")
    page.keyboard.type("mark")
    expect(page.locator("[data-found]")).to_have_text("2 of 2")
    page.keyboard.press("Enter")
    expect(page.locator(".line.current")).to_contain_text("mark two")
    page.keyboard.press("Enter")
    expect(page.locator(".line.current")).to_contain_text("mark one")
    expect(page.locator("[data-found]")).to_have_text("1 of 2")
    page.get_by_label("Long lines on one line").check()
    expect(page.locator("[data-log]")).to_have_class(re.compile("unwrapped"))
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".line")).to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Follow")).to_be_visible()
    write(own, "mark late")
    page.wait_for_timeout(1_500)
    assert marked(page) == []
