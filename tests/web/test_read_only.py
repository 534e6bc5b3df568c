"""In read-only mode no page offers what would be refused, to an administrator neither."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from opsmodal.app import ROUTES
from opsmodal.demo.cluster import Cluster
from opsmodal.tasks import Task, TaskRecords
from opsmodal.web.routes import Route
from tests.web.conftest import Installation, Seed, closed, installed


class Forms(HTMLParser):
    """Finds what a page can send: the targets of forms, and of buttons that send a form elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self._page = page
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "get").lower() == "post":
            self.targets.append(given.get("action") or "")
        if given.get("formaction"):
            self.targets.append(given["formaction"] or "")


@pytest.fixture(scope="module", params=[True, False], ids=["read-only", "writable"])
def walked(
    request: pytest.FixtureRequest, example_cluster: Cluster, seed: Seed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, bool]]:
    made = installed(tmp_path_factory.mktemp("walked"), seed, example_cluster, read_only=request.param)
    made.registry.put("groups", {"name": "oncall", "users": ["viewer"]})
    made.registry.put("vpnProfiles", {"name": "hq", "kind": "wireguard", "mode": "external", "interface": "wg0"})
    yield made, request.param
    closed(made)


def changing(app: Flask, page: str, target: str) -> Route | None:
    """Give the route that a form leads to, when it changes something."""
    path = urlsplit(target).path or page
    try:
        endpoint, _ = app.url_map.bind("localhost").match(path, method="POST")
    except HTTPException:
        raise AssertionError(f"{page} has a form to {target}, which takes none") from None
    name = endpoint.removeprefix("page.")
    return next((one for one in app.extensions[ROUTES] if one.name == name and one.action.changes), None)


OF_ENGINES = {"/services/<service>/host-images", "/services/<service>/host-images/tags"}
"""A cluster has none of these; tests/web/test_engine_images.py opens them."""


def pages(installation: Installation) -> Iterator[tuple[str, Route]]:
    """List every page there is, with names of what exists."""
    client = installation.client()
    pod = client.get("/services/shop/instances").json["items"][0]["name"]
    names = {"runtimes": "demo", "services": "shop", "people": "manager", "groups": "oncall"}
    names["vpn-profiles"] = "hq"
    client.call("POST", "/services/shop/commands", json={"command": "a line that is refused, and has a page"})
    command = client.get("/services/shop/commands").json["history"]["items"][0]["id"]
    names["<holder>"] = client.get("/services/shop/config/configmaps").json["items"][0]["name"]
    domain = client.get("/services/shop/domains").json["items"][0]["id"]
    job = Task(id=secrets.token_hex(6), kind="rollout", service="shop", person="manager", started_at=datetime.now(UTC))
    TaskRecords(installation.store).add(job)
    for route in installation.app.extensions[ROUTES]:
        if route.page in OF_ENGINES:
            continue
        if route.page and route.method == "GET" and route.media_type == "application/json":
            noun = route.page.split("<name>")[0].rstrip("/").rpartition("/")[2]
            known = {"service": "shop", "instance": pod, "number": "1", "name": names.get(noun, "")}
            known |= {"command": command, "workload": "deployment.web", "holder": "configmaps"}
            known |= {"domain": domain, "job": job.id}
            page = re.sub(r"<(?:\w+:)?(\w+)>", lambda part, known=known: known.get(part[1]) or "manager", route.page)
            yield page, route


def test_no_page_offers_what_read_only_mode_refuses(walked: tuple[Installation, bool]) -> None:
    installation, is_read_only = walked
    browser, offered, seen = installation.browser("admin"), set[str](), 0
    for page, shown in pages(installation):
        answer = browser.get(page, follow_redirects=True)
        if is_read_only and shown.action.changes:
            assert answer.status_code == 403, f"{page} → {answer.status_code}"
            continue
        assert answer.status_code == 200, f"{page} → {answer.status_code}"
        seen += 1
        for target in Forms(answer.text).targets:
            route = changing(installation.app, page, target)
            if route is not None:
                offered.add(f"{page}: {target} ({route.action.name})")
    assert seen > 20
    if is_read_only:
        assert not offered, "\n".join(sorted(offered))
    else:
        kinds = {re.sub(r".*\((.*)\)", r"\1", one) for one in offered}
        assert kinds >= {"instance.delete", "registry.change", "registry.remove", "user.add", "grant.change"}


def test_read_only_mode_says_so_on_every_page(walked: tuple[Installation, bool]) -> None:
    installation, is_read_only = walked
    page = installation.browser("admin").get("/services").text
    assert ("read-only" in page.lower()) is is_read_only


def test_a_page_that_goes_to_a_route_that_changes_is_named_as_such(tmp_path: Path) -> None:
    assert Forms('<form method="POST" action="/a"><button formaction="/b">').targets == ["/a", "/b"]
    assert Forms('<form action="/search">').targets == []
