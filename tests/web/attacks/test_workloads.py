"""Workloads whose author is the attacker: everything they can write somewhere is text on the page, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from opsmodal.demo.cluster import start
from opsmodal.web.ansi import ACTING
from tests.web.conftest import Installation, Seed, closed, installed

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><a href=javascript:alert(3)>"
ACTS = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u2066\x9b31mpay\u200bments\ufeff\u00ad\U000e0041"
HOSTILE = f"{MARKUP}{ACTS}"
PLANTED = "planted-in-the-environment"
IN_ARGUMENTS = "planted-in-the-arguments"
IN_ANNOTATION = "planted-in-an-annotation"
IN_LOG = "planted-in-the-log"
POD = "hostile"
ELEMENTS_NEVER_SEEN = {"img", "iframe", "object", "embed", "base", "meta-refresh", "svg-script"}


@pytest.fixture(scope="module")
def world(seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation with a pod that holds all of it."""
    cluster = start()
    selector = {"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/name": "hostile"}
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": POD,
                "namespace": "shop",
                "labels": selector,
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": IN_ANNOTATION, "note": HOSTILE},
            },
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "registry.example/web:1",
                        "command": ["sh", "-c", "exit 3"],
                        "args": [f"--password={IN_ARGUMENTS}"],
                        "env": [{"name": "PASSWORD", "value": PLANTED}, {"name": "X", "value": HOSTILE}],
                    }
                ]
            },
        }
    )
    for number in range(3):
        cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"hostile.{number}", "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "name": POD, "namespace": "shop"},
                "type": "Warning",
                "reason": f"<b>{ACTS}",
                "message": f"{HOSTILE}{'x' * 5000 * number}",
                "lastTimestamp": "2100-01-01T00:00:00Z",
                "count": number + 1,
            }
        )
    for line in (HOSTILE, IN_LOG, "a" * 1_000_000, "\0" * 1000, "\x1b[31m" * 5000):
        assert cluster.write_log("shop", "db-0", "db", line.encode("utf-8", "surrogatepass") + b"\xff\xfe")
    installation = installed(tmp_path_factory.mktemp("hostile"), seed, cluster)
    yield installation
    closed(installation)
    cluster.stop()


class Reader(HTMLParser):
    """Read a page as a browser does, and keep what could act."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note elements and attributes that run or load something."""
        given = {name: value or "" for name, value in attrs}
        if tag in ELEMENTS_NEVER_SEEN or (tag == "script" and not given.get("src", "").startswith("/static/")):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action", "formaction"):
            if not given.get(name, "/").startswith(("/", "?", "#")) or given.get(name, "/").startswith("//"):
                self.found.append(f"{tag} {name}={given[name]}")


def pages(browser: FlaskClient) -> Iterator[tuple[str, str]]:
    """Give every page that shows something of the service."""
    for path in (
        "/services",
        "/services?search=%3Cscript%3E%1b%5b2J&sort=name",
        "/services/shop/overview",
        "/services/shop/instances",
        f"/services/shop/instances/{POD}",
        f"/services/shop/instances/{POD}/cause",
        "/services/shop/logs",
        "/services/shop/logs?instance=db-0&container=*&tail=100",
        "/services/shop/logs?instance=%3Cscript%3E&search=%22%3E%3Cscript%3E",
        "/services/%3Cscript%3E/logs",
        "/services/shop/instances/%E2%80%AE%3Cscript%3E",
    ):
        yield path, browser.get(path).text


@pytest.mark.parametrize("user", ["viewer", "developer", "manager"])
def test_nothing_of_a_workload_acts_on_a_page(world: Installation, user: str) -> None:
    for path, page in pages(world.browser(user)):
        assert Reader(page).found == [], path
        acting = ACTING.search(page)
        assert acting is None, (path, page[max(0, acting.start() - 80) : acting.end() + 20])


def test_the_hostile_text_was_there_to_be_defused(world: Installation) -> None:
    browser = world.browser("manager")
    assert "&lt;script&gt;alert(2)" in browser.get(f"/services/shop/instances/{POD}").text
    assert "&lt;script&gt;alert(2)" in browser.get("/services/shop/logs?instance=db-0&tail=100").text


@pytest.mark.parametrize("user", ["viewer", "developer", "operator", "narrow"])
def test_who_may_not_manage_reads_no_value_of_the_environment(world: Installation, user: str) -> None:
    texts = [
        world.client(user).get(path).text
        for path in (
            "/services/shop/overview",
            "/services/shop/instances",
            f"/services/shop/instances/{POD}",
            f"/services/shop/instances/{POD}/cause",
        )
    ]
    if user in ("viewer", "developer", "operator"):
        texts += [page for _, page in pages(world.browser(user))]
    for text in texts:
        assert PLANTED not in text
        assert IN_ANNOTATION not in text, "kubectl keeps the whole manifest in there, with its environment"
        assert IN_ARGUMENTS not in text
    assert PLANTED in world.client("manager").get(f"/services/shop/instances/{POD}").text


@pytest.mark.parametrize("user", ["viewer", "narrow"])
def test_who_may_not_read_logs_reads_none_in_a_cause(world: Installation, user: str) -> None:
    crashing = world.client("admin").get("/services/payments/instances").json["items"][0]["name"]
    world.registry.put("grants", {"user": "viewer", "role": "viewer", "services": ["payments"]})
    quoted = world.client("admin").get(f"/services/payments/instances/{crashing}/cause").json
    unquoted = world.client("viewer").get(f"/services/payments/instances/{crashing}/cause").json
    last_words = (
        world.client("admin").get(f"/services/payments/logs?instance={crashing}&previous=true").text.splitlines()
    )
    assert any(line[:60] in json.dumps(quoted, ensure_ascii=False) for line in last_words), "else nothing was hidden"
    assert not any(line[:60] in json.dumps(unquoted, ensure_ascii=False) for line in last_words)
    assert IN_LOG not in world.client(user).get("/services/shop/instances/db-0/cause").text


def test_a_download_is_plain_text_to_be_kept(world: Installation) -> None:
    answer = world.client("developer").get("/services/shop/logs?instance=db-0&download=true")
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert MARKUP.encode() in answer.data
    page = world.browser("developer").get("/services/shop/logs?instance=db-0&download=true")
    assert (page.mimetype, page.headers["X-Content-Type-Options"]) == ("text/plain", "nosniff")
