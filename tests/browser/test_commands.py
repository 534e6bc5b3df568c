"""The Commands tab in a browser, with the real kubectl against the simulated cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import NARROW, Own, Seed, arrived, owned, pictured
from tests.browser.test_accessibility import findings, often
from tests.browser.test_sizes import SCRIPT_MAX_BYTES
from tests.engines.kubectl import find_kubectl
from tests.web.conftest import PASSWORD

POD = "db-0"
TAB = "/services/shop/commands"
TITLE = "shop · Commands · opsmodal"
SLOW_MS = 45_000
"""A kubectl on a busy machine, and a page that comes back after a cut."""


@pytest.fixture(scope="module")
def place(browser: Browser, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Serve an installation whose kubectl is the real one, for all of these tests."""
    with owned(browser, tmp_path_factory.mktemp("commands"), seed, kubectl=str(find_kubectl())) as own:
        yield own


@pytest.fixture
def own(place: Own) -> Iterator[Own]:
    """Close what a test opened, and end what it left running."""
    yield place
    place.site.close()


def typed(page: Page, line: str, *, mode: str = "One-shot") -> None:
    """Type a line and press Enter."""
    page.get_by_label(mode).check()
    page.get_by_label("Command line").fill(line)
    page.get_by_label("Command line").press("Enter")


def lines(page: Page) -> list[str]:
    """Give the lines of output on screen."""
    return page.locator(".outcome .line:not(.said) .text").all_inner_texts()


def outcome(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until a command has come to this end: not the one before it, whose output stays until then."""
    expect(page.locator("#command")).not_to_have_attribute("aria-busy", "true", timeout=SLOW_MS)
    expect(page.locator(".outcome .state")).to_contain_text(words, timeout=SLOW_MS)


def streaming(own: Own, text: str = "mark 1") -> Page:
    """Follow the log of a quiet pod as a streaming command, until a line of it is there."""
    page = own.visit(TAB)
    typed(page, f"kubectl logs -f {POD} --tail=0", mode="Streaming")
    expect(page.locator("[data-progress]")).to_contain_text("of 10 m", timeout=SLOW_MS)
    there = page.locator(".outcome .line", has_text="are you there")
    for _ in range(80):  # kubectl has begun to follow a moment after the command began
        write(own, "are you there?")
        page.wait_for_timeout(250)
        if there.count():
            break
    write(own, text)
    expect(page.locator(".outcome .line", has_text=text)).to_be_visible(timeout=SLOW_MS)
    return page


def write(own: Own, text: str) -> None:
    """Write a line as the program in the pod would."""
    assert own.cluster.write_log("shop", POD, "db", text.encode())


def marked(page: Page) -> list[str]:
    return [text for text in lines(page) if text.startswith("mark ")]


def stop(page: Page) -> None:
    """Stop the stream on screen."""
    page.locator(".outcome").get_by_role("button", name="Stop").click()
    outcome(page, "stopped")


def test_a_line_runs_by_enter_and_shows_what_it_wrote(own: Own) -> None:
    page = own.visit(TAB)
    expect(page.get_by_label("Command line")).to_be_focused()
    page.keyboard.type("kubectl get pods")
    page.keyboard.press("Enter")
    outcome(page, "exit code 0")
    assert lines(page)[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert any(line.startswith(POD) for line in lines(page))
    expect(page.get_by_label("Command line")).to_be_focused()
    pictured(page, "command-ran")
    page.reload()
    arrived(page, TITLE)
    outcome(page, "exit code 0")
    assert any(line.startswith(POD) for line in lines(page))


def test_a_line_that_fails_says_so_and_tells_its_error_apart(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pod no-such-pod")
    outcome(page, "exit code 1")
    expect(page.locator(".outcome .line.stderr")).to_contain_text("not found")
    expect(page.locator(".outcome .said")).to_have_text("Standard error")


def test_a_refused_line_says_why_and_offers_the_one_that_was_meant(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pods")
    outcome(page, "exit code 0")
    typed(page, "kubectl get pods -A")
    refusal = page.locator("[data-verdict]")
    expect(refusal).to_contain_text("Refused.")
    expect(refusal.locator("mark")).to_have_text("-A")
    expect(page.get_by_label("Command line")).to_have_value("kubectl get pods -A")
    expect(page.get_by_label("Command line")).to_have_attribute("aria-invalid", "true")
    outcome(page, "exit code 0")
    pictured(page, "command-refused")
    refusal.get_by_role("link", name="Use this line").click()
    expect(page.get_by_label("Command line")).to_have_value("kubectl get pods")
    expect(page.get_by_label("Command line")).to_be_focused()
    expect(refusal).to_be_empty()
    page.keyboard.press("Enter")
    outcome(page, "exit code 0")


def test_a_refusal_leads_to_its_rule(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pods; ls")
    page.locator("[data-verdict]").get_by_role("link", name="line-operator").click()
    arrived(page, "Rules of commands · opsmodal")
    expect(page.locator("#line-operator")).to_be_in_viewport()


def test_a_line_is_checked_without_running(own: Own) -> None:
    page = own.visit(TAB)
    page.get_by_label("Command line").fill(f"kubectl delete pod {POD}")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("[data-verdict]")).to_contain_text("It may run, after a confirmation.")
    expect(page.locator("[data-verdict]")).to_contain_text(f"pod {POD}")
    assert page.locator(".outcome .line").count() == 0


def test_a_question_takes_an_earlier_refusal_away(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pods -A")
    expect(page.locator("[data-verdict]")).to_contain_text("Refused.")
    typed(page, f"kubectl delete pod {POD}")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("[data-verdict]")).to_be_empty()
    expect(page.get_by_label("Command line")).to_have_attribute("aria-invalid", "false")


def test_in_production_the_name_is_asked_for_and_enter_alone_does_nothing(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl rollout restart deployment/web")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".hits")).to_contain_text("web")
    pictured(page, "command-confirm")
    dialog.get_by_label("Type shop to go on").fill("payments")
    dialog.get_by_label("Type shop to go on").press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^Run|restart", re.IGNORECASE)).click()
    expect(dialog).to_contain_text("That is not the name. Nothing was done.")
    dialog.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Command line")).to_be_focused()
    assert page.locator(".outcome .line").count() == 0
    page.keyboard.press("Enter")
    dialog.get_by_label("Type shop to go on").fill("shop")
    dialog.get_by_role("button", name=re.compile("^Run|restart", re.IGNORECASE)).click()
    outcome(page, "exit code 0")
    assert any("restarted" in line for line in lines(page))


def test_a_stream_comes_as_it_is_written_and_a_reload_loses_nothing(own: Own) -> None:
    page = streaming(own)
    assert re.search(r"/commands/[\w-]+$", page.url)
    write(own, "mark 2")
    page.reload()
    arrived(page, TITLE)
    write(own, "mark 3")
    expect(page.locator(".outcome .line", has_text="mark 3")).to_be_visible(timeout=SLOW_MS)
    assert marked(page) == ["mark 1", "mark 2", "mark 3"]
    pictured(page, "command-streaming")
    stop(page)


def test_a_page_with_output_loads_little_script(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pods")
    outcome(page, "exit code 0")
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body()) if answer.ok else 0}))
    page.goto(page.url, wait_until="networkidle")
    scripts = [size for url, size in sizes.items() if url.endswith(".js")]
    assert len(scripts) > 10
    assert sum(scripts) <= SCRIPT_MAX_BYTES, sizes


def test_a_cut_line_loses_and_repeats_nothing(own: Own) -> None:
    page = streaming(own)
    own.relay.cut()
    expect(page.locator("[data-state]")).to_contain_text("trying again")
    write(own, "mark 2")
    own.relay.mend()
    expect(page.locator(".outcome .line", has_text="mark 2")).to_be_visible(timeout=SLOW_MS)
    assert marked(page) == ["mark 1", "mark 2"]
    stop(page)


def test_a_stream_is_found_again_watched_by_two_and_stopped_by_either(own: Own) -> None:
    page = streaming(own)
    other = own.visit(TAB)
    running = other.locator("section", has=other.get_by_role("heading", name="Running"))
    expect(running).to_contain_text(f"kubectl logs -f {POD}")
    running.get_by_role("link").first.click()
    arrived(other, TITLE)
    expect(other.locator(".outcome .line", has_text="mark 1")).to_be_visible(timeout=SLOW_MS)
    write(own, "mark 2")
    for each in (page, other):
        expect(each.locator(".outcome .line", has_text="mark 2")).to_be_visible(timeout=SLOW_MS)
    stop(other)
    outcome(page, "stopped")
    expect(page.locator(".outcome .said").last).to_contain_text("stopped")
    assert page.locator(".outcome").get_by_role("button", name="Stop").count() == 0


def test_a_one_shot_is_stopped_while_it_is_waited_for(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, f"kubectl exec {POD} -- sleep 25")
    expect(page.locator("[data-waiting]")).to_contain_text("Running for 1 s")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("[data-verdict]")).to_contain_text("It is being stopped.")
    expect(page.locator("[data-past]").first).to_contain_text("stopped", timeout=SLOW_MS)
    expect(page.locator("[data-past]").first.get_by_role("link", name="Audit")).to_be_visible()


def test_what_ran_is_in_the_history_searched_seen_again_and_taken_over(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get services")
    outcome(page, "exit code 0")
    typed(page, "kubectl get configmaps")
    expect(page.locator(".outcome h2")).to_have_text("kubectl get configmaps", timeout=SLOW_MS)
    past = page.locator("[data-past]")
    expect(past.first).to_contain_text("kubectl get configmaps")
    expect(past.first).to_contain_text("exit code 0")
    page.get_by_label("Search what you ran").fill("services")
    page.get_by_label("Search what you ran").press("Enter")
    arrived(page, TITLE)
    expect(past).to_have_count(1)
    past.get_by_role("link", name="kubectl get services", exact=True).click()
    expect(page.get_by_label("Command line")).to_have_value("kubectl get services")
    past.get_by_role("link", name="Output").click()
    arrived(page, TITLE)
    assert lines(page)[0].startswith("NAME")


def test_a_common_line_fills_the_line_and_runs_nothing(own: Own) -> None:
    page = own.visit(TAB)
    page.get_by_role("link", name="kubectl get pods -o wide").click()
    expect(page.get_by_label("Command line")).to_have_value("kubectl get pods -o wide")
    page.wait_for_timeout(500)
    assert page.locator(".outcome .line").count() == 0


def test_what_somebody_closed_stays_closed(own: Own) -> None:
    page = own.visit(TAB)
    page.get_by_role("heading", name="Common commands").click()
    expect(page.get_by_role("link", name="kubectl get pods -o wide")).to_be_hidden()
    typed(page, "kubectl get daemonsets", mode="Streaming")
    outcome(page, "exit code 0")
    expect(page.locator("[data-past]").first).to_contain_text("daemonsets")
    expect(page.locator("[data-past]").first, "what was open stays open").to_be_visible()
    expect(page.locator("[data-progress]")).not_to_contain_text(", 0 kB")
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: "X-Opsmodal-Refresh".lower() in answer.request.headers):
        page.keyboard.press("r")
    page.wait_for_timeout(300)
    expect(page.get_by_role("link", name="kubectl get pods -o wide")).to_be_hidden()
    assert lines(page) != []


def test_a_line_of_many_colours_and_no_end_is_shown_bounded(own: Own) -> None:
    page = streaming(own)
    write(own, "mark 2 \x1b[31mred\x1b[0m <b>not bold</b> \x1b]0;title\x07")
    line = page.locator(".outcome .line", has_text="mark 2")
    expect(line.locator(".fg-red")).to_have_text("red", timeout=SLOW_MS)
    expect(line).to_contain_text("<b>not bold</b>")
    assert line.locator("b").count() == 0
    write(own, "mark 3 " + "x" * 150_000)
    write(own, "mark 4")
    expect(page.locator(".outcome .line", has_text="mark 4")).to_be_visible(timeout=SLOW_MS)
    assert max(map(len, lines(page))) <= 90_000, "a piece of 64 KB at most goes behind what is long already"
    stop(page)


def test_earlier_lines_come_back_by_the_arrow(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get replicasets")
    outcome(page, "exit code 0")
    expect(page.locator("[data-past]").first).to_contain_text("replicasets")
    page.get_by_label("Command line").fill("")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Command line")).to_have_value("kubectl get replicasets")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Command line")).to_have_value("")


def test_words_are_completed_by_tab_and_enter_is_never_taken(own: Own) -> None:
    page = own.visit(TAB)
    line = page.get_by_label("Command line")
    line.press_sequentially("kubectl describe pod db")
    listed = page.get_by_role("listbox", name="Words that fit")
    expect(listed.get_by_role("option").first).to_contain_text(POD)
    expect(line).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(listed.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    expect(line).to_have_value(f"kubectl describe pod {POD} ")
    expect(line).to_be_focused()
    line.fill("kubectl get p")
    line.press_sequentially("o")
    expect(listed).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(line).to_be_focused()
    line.press_sequentially("d")
    expect(listed).to_be_visible()
    page.keyboard.press("Enter")
    outcome(page, "exit code 0")
    expect(page.locator(".outcome h2")).to_have_text("kubectl get pod")


def test_output_is_found_copied_and_taken_away(own: Own) -> None:
    page = own.visit(TAB)
    typed(page, "kubectl get pods -o name")
    outcome(page, "exit code 0")
    page.keyboard.press("Escape")
    page.locator("body").press("f")
    page.keyboard.type("db-")
    expect(page.locator("[data-found]")).to_have_text("1 of 1")
    copy = page.locator(".outcome [data-copy]")
    copy.click()
    assert f"pod/{POD}" in str(copy.get_attribute("data-copy")).split("\n")
    expect(copy).to_have_text("Copied")
    with page.expect_download() as download:
        page.locator(".outcome").get_by_role("link", name="Download").click()
    assert f"pod/{POD}\n" in Path(download.value.path()).read_text()


def test_everything_works_without_script(own: Own) -> None:
    page = own.visit(TAB, java_script_enabled=False)
    page.get_by_label("Command line").fill("kubectl get pods -A")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("[data-verdict]")).to_contain_text("Refused.")
    page.get_by_role("link", name="Use this line").click()
    expect(page.get_by_label("Command line")).to_have_value("kubectl get pods")
    page.get_by_role("button", name="Run").click()
    outcome(page, "exit code 0")
    assert any(line.startswith(POD) for line in lines(page))
    page.get_by_label("Streaming").check()
    page.get_by_label("Command line").fill(f"kubectl logs -f {POD} --tail=3")
    page.get_by_role("button", name="Run").click()
    outcome(page, "running")
    page.get_by_role("link", name="See what has come since").click()
    pictured(page, "command-without-script")
    page.locator(".outcome").get_by_role("button", name="Stop").click()
    outcome(page, "stopped")


def test_a_confirmation_is_a_page_without_script_and_its_cancel_leads_back(own: Own) -> None:
    page = own.visit(TAB, java_script_enabled=False)
    page.get_by_label("Command line").fill("kubectl delete pod db-0")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".hits")).to_contain_text(POD)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Command line")).to_have_value("kubectl delete pod db-0")


def test_who_lacks_a_permission_is_told_which(own: Own) -> None:
    page = _signed_in_as(own, "operator")
    typed(page, f"kubectl delete pod {POD}")
    expect(page.locator("[data-verdict]")).to_contain_text("manage")
    assert page.get_by_role("dialog").count() == 0


def test_where_kubectl_is_missing_the_page_says_what_to_install(browser: Browser, seed: Seed, tmp_path: Path) -> None:
    with owned(browser, tmp_path, seed, kubectl="no-such-kubectl") as bare:
        page = bare.visit(TAB)
        expect(page.locator(".notice.error").first).to_contain_text("kubectl")
        expect(page.get_by_role("button", name="Run")).to_be_disabled()


@pytest.mark.parametrize("theme", often(("light", "dark"), 1))
def test_no_state_of_the_tab_has_a_serious_finding(own: Own, axe_script: Path, theme: str) -> None:
    page = own.visit(TAB, color_scheme=theme, bypass_csp=True)
    assert findings(page, axe_script) == []
    typed(page, "kubectl get pods -A")
    expect(page.locator("[data-verdict]")).to_contain_text("Refused.")
    assert findings(page, axe_script) == []
    page.get_by_label("Command line").fill("kubectl get ")
    page.get_by_label("Command line").press_sequentially("p")
    expect(page.get_by_role("listbox")).to_be_visible()
    assert findings(page, axe_script) == []
    typed(page, "kubectl get pod no-such-pod")
    outcome(page, "exit code 1")
    assert findings(page, axe_script) == []


def test_a_stream_has_no_serious_finding(own: Own, axe_script: Path) -> None:
    page = own.visit(TAB, color_scheme="dark", bypass_csp=True)
    typed(page, f"kubectl logs -f {POD} --tail=3", mode="Streaming")
    expect(page.locator(".outcome .line").first).to_be_visible(timeout=SLOW_MS)
    assert findings(page, axe_script) == []
    stop(page)
    assert findings(page, axe_script) == []


def test_a_narrow_page_fits_its_window_with_output(own: Own, axe_script: Path) -> None:
    page = own.visit(TAB, size=NARROW, bypass_csp=True)
    typed(page, "kubectl get pods -o wide")
    outcome(page, "exit code 0")
    pictured(page, "command-narrow")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert findings(page, axe_script) == []


def _signed_in_as(own: Own, name: str) -> Page:
    page = own.visit("/account")
    page.context.clear_cookies()
    page.goto(own.site.url + "/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/services")
    page.goto(own.site.url + TAB)
    arrived(page, TITLE)
    return page
