"""The headers of every answer of every route, errors included; and pages hold nothing that the policy would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from werkzeug.test import TestResponse

from opsmodal.web.headers import FIXED, UNUSED_FEATURES
from tests.web.conftest import Installation, own_page

VALUES = {"service": "shop", "instance": "db-0", "name": "viewer", "filename": "main.js", "number": "1", "entry": "1"}
OWASP = {
    *("cache-control", "content-security-policy", "cross-origin-embedder-policy", "cross-origin-opener-policy"),
    *("cross-origin-resource-policy", "permissions-policy", "referrer-policy", "x-content-type-options"),
    *("x-frame-options", "x-permitted-cross-domain-policies"),
}
"""OWASP's headers_add.json of July 2024; Clear-Site-Data at sign-out and HSTS over TLS have tests of their own."""


class Inline(HTMLParser):
    """Collect what runs or styles without a file."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that the policy would refuse."""
        given = {name: value or "" for name, value in attrs}
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {value}" for value in given.values() if value.strip().lower().startswith("javascript:")]


def demand_headers(answer: TestResponse, path: str) -> None:
    """Demand every header, with its value, and none that would invite or tell too much."""
    for name, value in FIXED.items():
        assert answer.headers.get(name) == value, (path, name)
    assert {name.lower() for name in answer.headers.keys()} >= OWASP, path  # noqa: SIM118  (werkzeug's own kind of keys)
    forbidden = ("access-control-", "server", "x-powered-by")
    assert not [name for name in answer.headers.keys() if name.lower().startswith(forbidden)], path  # noqa: SIM118
    if answer.mimetype == "text/html":
        assert Inline(answer.text).found == [], path


def addresses(installation: Installation) -> Iterator[tuple[str, str]]:
    """Give method and path of every route of the application, and some that are none."""
    for rule in installation.app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda found: VALUES.get(found[1], "nothing"), rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield method, path
    yield from (("GET", "/nothing"), ("PATCH", "/services"), ("TRACE", "/"), ("GET", "/api/v1/nothing"))


@pytest.mark.parametrize("who", ["admin", "viewer", "stranger", "page of another site", "unknown host"])
def test_every_answer_of_every_route_has_every_header(changed: Installation, who: str) -> None:
    client = changed.browser(who) if who in ("admin", "viewer") else changed.app.test_client()
    headers = {**own_page(), **({"Origin": "http://evil.example"} if who == "page of another site" else {})}
    base = "http://rebound.example" if who == "unknown host" else "http://localhost"
    seen: set[int] = set()
    for method, path in addresses(changed):
        if path == "/sign-out":
            continue
        with client.open(path, method=method, headers=headers, base_url=base) as answer:
            demand_headers(answer, f"{method} {path}")
            seen.add(answer.status_code)
    assert not [status for status in seen if status >= 500 and status not in (502, 503)], seen
    assert seen != {200}


def test_over_tls_browsers_are_told_to_stay_there(shown: Installation) -> None:
    answer = shown.app.test_client().get("/sign-in", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in shown.app.test_client().get("/sign-in").headers


def test_only_what_names_never_changes_is_kept_by_a_browser(shown: Installation) -> None:
    browser = shown.browser()
    for path in ("/services", "/api/v1/services", "/services/shop/logs", "/registry", "/sign-in", "/nothing"):
        assert browser.get(path).headers["Cache-Control"] == "no-store", path


def test_what_pages_use_is_not_switched_off() -> None:
    assert "clipboard-write" not in UNUSED_FEATURES
