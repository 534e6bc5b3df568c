"""What only engines have, in a real browser: silent logs, replaced containers, pods, health checks, suggestions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NARROW, Own, Seed, followed, owned, pictured
from tests.browser.test_accessibility import findings
from tests.contract.worlds import settle
from tests.engines.containers import ContainerEngine
from tests.unit.opsmodal.contexts.test_found import docker_context, podman_json

PROJECT = ("--label", "io.podman.compose.project=blog")
CHECK = ("--health-cmd", "echo looked around", "--health-interval", "1s", "--health-timeout", "1s")
SAYS = ("sh", "-c", "while true; do echo tick; sleep 0.2; done")


@pytest.fixture
def blog(browser: Browser, seed: Seed, tmp_path: Path, podman_engine: ContainerEngine) -> Iterator[Own]:
    """Serve an installation with a project on Podman: a pod, a silent container, one that was replaced."""
    engine = podman_engine
    engine.cli("secret", "create", "dbpw", "-", stdin=b"hunter2")
    engine.cli("pod", "create", "--name", "front")
    engine.run(*SAYS, options=["--name", "blog-web", "--pod", "front", "--secret", "dbpw", *CHECK, *PROJECT])
    engine.run("sleep", "1000", options=["--name", "stranger", "--pod", "front"])
    engine.run("sh", "-c", "echo old words", options=["--name", "blog-web-before-0000000a", *PROJECT])
    engine.run("sleep", "1000", options=["--name", "blog-mute", "--log-driver", "none", *PROJECT])
    with owned(browser, tmp_path, seed) as own:
        own.installation.registry.put("runtimes", {"name": "edge", "kind": "podman", "socket": str(engine.socket)})
        own.installation.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
        yield own
    engine.cli("secret", "rm", "dbpw")


def test_a_silent_log_is_said_while_the_others_flow_and_a_replaced_one_is_read(blog: Own, axe_script: Path) -> None:
    page = blog.visit("/services/blog/logs?view=1", bypass_csp=True)
    lines = page.locator("[data-lines]")
    expect(lines).to_contain_text("tick")
    expect(page.locator(".log-notice")).to_contain_text("The log of blog-mute cannot be read: its log driver none")
    pictured(page, "engine-logs")
    page.get_by_role("button", name="Follow").click()
    expect(lines.locator(".said")).to_contain_text("The log of blog-mute cannot be read")
    expect(lines.get_by_text("tick").nth(8)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    kept = page.locator("[name=instance] optgroup option")
    expect(kept).to_contain_text("blog-web, previous")
    page.locator("[name=instance]").select_option(kept.get_attribute("value"))
    followed(page, page.get_by_role("button", name="View"))
    expect(page.locator("[data-lines]")).to_contain_text("old words")
    assert findings(page, axe_script) == []
    pictured(page, "engine-logs-previous")
    alone = blog.visit("/services/blog/logs?instance=blog-mute&view=1", size=NARROW, color_scheme="dark")
    expect(alone.locator("[data-log-empty]")).to_contain_text("log driver none")
    pictured(alone, "engine-logs-silent-narrow")


def test_pods_secrets_and_a_health_check_that_nothing_runs(blog: Own, axe_script: Path) -> None:
    page = blog.visit("/services/blog/instances", bypass_csp=True)
    pods = page.get_by_role("region", name="Pods")
    expect(pods).to_contain_text("and 1 container outside this service")
    expect(page.locator("body")).not_to_contain_text("stranger")
    pictured(page, "engine-pods")
    pictured(blog.visit("/services/blog/instances", size=NARROW, color_scheme="dark"), "engine-pods-narrow")
    client = blog.installation.client()
    path = "/services/blog/instances/blog-web"
    settle(lambda: bool(client.get(f"{path}/podman").json["health"]["sentence"]), "an overdue check")
    page = blog.visit(path, bypass_csp=True)
    expect(page.get_by_text("Nothing runs this health check by itself")).to_be_visible()
    expect(page.get_by_text("file /run/secrets/dbpw")).to_be_visible()
    page.get_by_role("button", name="Run health check…").scroll_into_view_if_needed()
    pictured(page, "engine-health")
    page.get_by_role("button", name="Run health check…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("podman healthcheck run blog-web")
    pictured(page, "engine-health-plan")
    dialog.get_by_role("button", name="Run").click()
    expect(page.get_by_text("looked around").last).to_be_visible()
    assert findings(page, axe_script) == []
    narrow = blog.visit(path, size=NARROW, color_scheme="dark")
    narrow.locator("#health").scroll_into_view_if_needed()
    pictured(narrow, "engine-health-narrow")


def test_a_suggestion_fills_the_form(
    browser: Browser, seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, axe_script: Path
) -> None:
    home = tmp_path / "home"
    docker_context(home, "edge", {"Host": "tcp://edge:2376"}, ca="ca", cert="cert", key="key")
    docker_context(home, "far", {"Host": "ssh://ops@10.0.0.5:2222"})
    docker_context(home, "broken", {"Host": {"no": "text"}})
    podman_json(home, {"core": {"URI": "ssh://core@far/run/podman/podman.sock", "Identity": str(home / "id")}})
    monkeypatch.setenv("HOME", str(home))
    with owned(browser, tmp_path, seed) as own:
        page = own.visit("/registry/add-runtime?kind=docker", bypass_csp=True)
        expect(page.get_by_text("is not what docker writes there")).to_be_visible()
        followed(page, page.get_by_role("link", name="Docker context far"))
        expect(page.get_by_label("Name")).to_have_value("far")
        expect(page.get_by_label("Socket")).to_have_value("/var/run/docker.sock")
        assert "10.0.0.5" in page.get_by_label("Connections (YAML)").input_value()
        pictured(page, "suggestions")
        assert findings(page, axe_script) == []
        narrow = own.visit("/registry/add-runtime?kind=podman", size=NARROW, color_scheme="dark")
        followed(narrow, narrow.get_by_role("link", name="Podman connection core"))
        expect(narrow.get_by_label("Take over its files")).to_be_checked()
        pictured(narrow, "suggestions-narrow")
