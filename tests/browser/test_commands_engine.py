"""The Commands tab on a real Docker: a chosen container, the host, and runbooks with a field per value."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import NARROW, Own, Seed, owned, pictured
from tests.browser.test_accessibility import findings
from tests.browser.test_commands import lines, outcome, typed
from tests.engines.containers import ContainerEngine

TAB = "/services/blog/commands"
OWN = ("--label", "com.docker.compose.project=blog", "--label", "com.docker.compose.service=web")
RUNBOOKS = [
    {"name": "count", "argv": ["seq", "{to}"], "parameters": {"to": "[0-9]{1,3}"}},
    {"name": "greet", "argv": ["echo", "good morning", "{whom-to}"], "parameters": {"whom-to": "[a-z ]{1,20}"}},
]


@pytest.fixture
def blog(browser: Browser, seed: Seed, tmp_path: Path, docker_engine: ContainerEngine) -> Iterator[Own]:
    """Serve an installation with a project on Docker, whose host runs commands too."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    docker_engine.run("sleep", "1000", options=["--name", "blog-web", *OWN])
    with owned(browser, tmp_path, seed) as own:
        edge = {"name": "edge", "kind": "docker", "socket": str(docker_engine.socket), "host": "local"}
        own.installation.registry.put("runtimes", {**edge, "runbooks": RUNBOOKS})
        own.installation.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
        yield own


def line(page: Page) -> str:
    return page.get_by_label("Command line").input_value()


def test_a_line_runs_on_the_engine_in_a_container_or_on_the_host(blog: Own, axe_script: Path) -> None:
    page = blog.visit(TAB, bypass_csp=True)
    typed(page, "docker ps --format '{{.Names}}'")
    outcome(page, "exit code 0")
    assert lines(page) == ["blog-web"]
    page.get_by_label("Runs", exact=True).select_option("blog-web")
    typed(page, "echo in here")
    outcome(page, "exit code 0")
    assert lines(page) == ["in here"]
    expect(page.locator("[data-past]").first).to_contain_text("in blog-web")
    typed(page, "docker ps")
    expect(page.locator("[data-verdict]").get_by_role("link", name="Use this line")).to_be_visible()
    page.get_by_role("link", name="docker stats --no-stream").click()
    expect(page.get_by_label("Runs", exact=True)).to_have_value("")
    typed(page, "uname")
    outcome(page, "exit code 0")
    assert lines(page) == ["Linux"]
    pictured(page, "command-host")
    assert findings(page, axe_script) == []


def test_a_runbook_writes_its_line_out_of_its_fields(blog: Own) -> None:
    page = blog.visit(TAB)
    count = page.get_by_role("form", name="Runbook count")
    count.get_by_label("to").fill("many")
    count.get_by_role("button", name="Fill the line").click()
    page.wait_for_function("document.querySelector('[data-fits]').validationMessage === 'Must match [0-9]{1,3}'")
    assert line(page) == ""
    count.get_by_label("to").fill("3")
    count.get_by_role("button", name="Fill the line").click()
    expect(page.get_by_label("Command line")).to_have_value("seq 3")
    expect(page.get_by_label("Command line")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("count")
    dialog.locator("button.danger").click()
    outcome(page, "exit code 0")
    assert lines(page) == ["1", "2", "3"]


def test_a_runbook_quotes_what_a_line_would_part(blog: Own) -> None:
    page = blog.visit(TAB, size=NARROW)
    greet = page.get_by_role("form", name="Runbook greet")
    greet.get_by_label("whom-to").fill("all of you")
    greet.get_by_role("button", name="Fill the line").click()
    expect(page.get_by_label("Command line")).to_have_value("echo 'good morning' 'all of you'")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("[data-verdict]")).to_contain_text("This is the runbook greet.")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    pictured(page, "command-runbook-narrow")


def test_words_of_an_engine_are_completed(blog: Own) -> None:
    page = blog.visit(TAB)
    page.get_by_label("Command line").press_sequentially("docker logs blog")
    listed = page.get_by_role("listbox", name="Words that fit")
    expect(listed.get_by_role("option").first).to_contain_text("blog-web")
    page.keyboard.press("Tab")
    assert line(page) == "docker logs blog-web "
