"""The Logs tab on real engines: what cannot be read is said on it, and what an update has put aside is offered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.worlds import settle
from tests.engines.containers import ContainerEngine
from tests.web.conftest import Installation

PROJECT = ("--label", "com.docker.compose.project=blog")
STAY = "exec sleep 1000"
KEPT = "blog-web-before-0000000a"


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[ContainerEngine]:
    """Give each real engine in turn."""
    engine: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return engine


@pytest.fixture
def blog(changed: Installation, engine: ContainerEngine) -> Installation:
    """Give a service of one container that speaks, one whose log is not kept, and one that was replaced."""
    engine.run("sh", "-c", f"echo old words; {STAY}", options=["--name", KEPT, *PROJECT])
    settle(lambda: "old words" in engine.cli("logs", KEPT), "its line")
    engine.cli("stop", KEPT)
    engine.run("sh", "-c", f"echo new words; {STAY}", options=["--name", "blog-web", *PROJECT])
    engine.run("sh", "-c", STAY, options=["--name", "blog-mute", "--log-driver", "none", *PROJECT])
    kind = "docker" if engine.name == "docker" else "podman"
    changed.registry.put("runtimes", {"name": "edge", "kind": kind, "socket": str(engine.socket)})
    changed.registry.put("services", {"name": "blog", "runtime": "edge", "project": "blog"})
    return changed


def test_a_log_that_cannot_be_read_is_said_wherever_logs_are_shown(blog: Installation) -> None:
    client, browser = blog.client(), blog.browser("admin")
    settle(lambda: "new words" in client.get("/services/blog/logs").text, "its line")
    merged = client.get("/services/blog/logs?search=words").text.splitlines()
    assert merged[0].startswith("[blog-mute/blog-mute] The log of blog-mute cannot be read: its log driver none")
    assert merged[1:] == ["[blog-web/blog-web] new words"]
    one = client.get("/services/blog/logs?instance=blog-mute")
    assert (one.status_code, "log driver none" in one.json["detail"], bool(one.json["hint"])) == (422, True, True)
    page = browser.get("/services/blog/logs?view=1").text
    assert "new words" in page
    assert "blog-mute (cannot be read)" in page
    assert '<p class="notice log-notice">The log of blog-mute cannot be read' in page
    alone = browser.get("/services/blog/logs?instance=blog-mute&view=1")
    assert (alone.status_code, "cannot be read: its log driver none" in alone.text) == (200, True)
    found = {each["name"]: each for each in client.get("/services/blog/logs/sources").json}
    assert (found["blog-mute"]["readable"], found["blog-mute"]["driver"]) == (False, "none")


def test_the_log_of_a_replaced_container_is_offered_as_previous(blog: Installation) -> None:
    client, browser = blog.client(), blog.browser("admin")
    assert client.get("/services/blog/logs?instance=blog-web&previous=true").text == "old words\n"
    assert "old words" not in client.get("/services/blog/logs").text
    page = browser.get("/services/blog/logs").text
    assert '<optgroup label="Put aside by an update">' in page
    assert ">blog-web, previous, ended " in page
    found = {each["name"]: each for each in client.get("/services/blog/logs/sources").json}
    shown = browser.get(f"/services/blog/logs?instance={found[KEPT]['id']}&view=1").text
    assert "old words" in shown
    assert (found[KEPT]["current"], found[KEPT]["replaces"]) == ("blog-web", "previous")


def test_sources_are_for_who_may_read_logs(blog: Installation) -> None:
    for role in ("viewer", "developer"):
        blog.registry.put("grants", {"user": role, "role": role, "services": ["blog"]})
    assert blog.client("viewer").get("/services/blog/logs/sources").status_code == 403
    assert blog.client("developer").get("/services/blog/logs/sources").status_code == 200
