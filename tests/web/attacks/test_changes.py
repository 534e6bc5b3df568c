"""Changes in hostile hands: what is said twice, in two ways, or meant for somebody else's program."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Installation

SHOP = "/services/shop"
WEB = f"{SHOP}/deployment/deployment.web"
CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PUT", f"{WEB}/replicas", {"replicas": 5}),
    ("POST", f"{SHOP}/debug-pods", {"image": "busybox:1.36"}),
    ("POST", f"{SHOP}/config/configmaps", {"name": "fresh", "values": {"a": "b"}}),
    ("POST", f"{SHOP}/domains", {"host": "new.example.com", "target": "web", "port": 8080}),
    ("PUT", f"{SHOP}/metrics-server", {}),
)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=[path for _, path, _ in CHANGES])
@pytest.mark.parametrize(
    ("query", "more"), [("?preview=true", {"preview": False}), ("?preview=false&preview=true", {})]
)
def test_who_asks_for_a_preview_anywhere_gets_no_more(
    shown: Installation, method: str, path: str, body: dict[str, Any], query: str, more: dict[str, Any]
) -> None:
    before = shown.audited()
    answer = shown.client("manager").call(method, f"{path}{query}", json=body | more | {"confirm": "shop"})
    assert answer.status_code == 200, answer.text
    assert (answer.json or {}).get("command"), "a plan"
    assert shown.audited() == before


@pytest.mark.parametrize(
    "restart", [["deployment.web"] * 2, [f"deployment.web-{number}" for number in range(51)], ["x" * 500_000]]
)
def test_one_save_restarts_no_crowd(shown: Installation, restart: list[str]) -> None:
    """Each is an action of its own, which asks the cluster and writes a row."""
    before = shown.audited()
    path = f"{SHOP}/config/configmaps/web-settings"
    body = {"values": {"LOG_LEVEL": "debug"}, "restart": restart, "confirm": "shop"}
    assert shown.client("manager").call("PUT", path, json=body).status_code == 400
    assert shown.audited() == before
