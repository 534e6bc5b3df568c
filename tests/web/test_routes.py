"""Every route and socket and every kind of actor: one table says what is expected, and a route without a row fails."""

from __future__ import annotations

import re

import pytest
import websocket

from opsmodal.app import ROUTES, SOCKETS
from opsmodal.tabs import TABS
from opsmodal.web.routes import CONFIRM
from tests.web.conftest import ROLES, Installation

ACTORS = ("none", "nobody", *ROLES, "narrow", "auditor", "admin")
VIEW = {"viewer", "developer", "operator", "manager", "narrow", "admin"}
LOGS = {"developer", "operator", "manager", "admin"}
MANAGE = {"manager", "admin"}
ADMIN = {"admin"}
AUDIT = {"auditor", "admin"}
STRANGERS = {"nobody", "auditor"}
EVERYBODY = {"nobody", "auditor", *VIEW}

ALLOWED: dict[str, set[str]] = {
    "services_listing": EVERYBODY,
    "services_one": VIEW,
    "services_star": VIEW,
    "services_unstar": VIEW,
    "overview_read": VIEW,
    "instances_listing": VIEW,
    "instances_one": VIEW,
    "instances_cause": VIEW,
    "instances_delete": MANAGE,
    "instances_restart": MANAGE,
    "instances_delete_pending": MANAGE,
    "logs_read": LOGS,
    "timeline_read": VIEW,
    "usage_whole": VIEW,
    "usage_one": VIEW,
    "registry_page": ADMIN,
    "registry_export": ADMIN,
    "registry_apply": ADMIN,
    "registry_runtimes": ADMIN,
    "registry_services": ADMIN,
    "registry_add_runtime": ADMIN,
    "registry_create_runtime": ADMIN,
    "registry_runtime": ADMIN,
    "registry_put_runtime": ADMIN,
    "registry_remove_runtime": ADMIN,
    "registry_test": ADMIN,
    "registry_proposals": ADMIN,
    "registry_take": ADMIN,
    "registry_add_service": ADMIN,
    "registry_create_service": ADMIN,
    "registry_service": ADMIN,
    "registry_put_service": ADMIN,
    "registry_remove_service": ADMIN,
    "audit_listing": AUDIT,
    "audit_export": AUDIT,
    "audit_one": AUDIT,
    "people_listing": ADMIN,
}
SOCKETS_ALLOWED: dict[str, set[str]] = {"/services/<service>/live": VIEW, "/services/<service>/logs/follow": LOGS}
OF_A_SERVICE = {name for name, allowed in ALLOWED.items() if allowed in (VIEW, LOGS, MANAGE)}
UNKNOWN_PARTS = {"name": "no-such-entry", "instance": "no-such-instance"}


def path_of(rule: str, service: str) -> str:
    return re.sub(r"<(\w+)>", lambda part: UNKNOWN_PARTS.get(part[1], service), rule)


def test_every_route_has_a_row(shown: Installation) -> None:
    assert {route.name for route in shown.app.extensions[ROUTES]} <= set(ALLOWED)


def test_what_is_dangerous_asks_for_a_confirmation_and_nothing_else_does(shown: Installation) -> None:
    for route in shown.app.extensions[ROUTES]:
        assert route.action.dangerous == (CONFIRM in route.parameters), route.name


@pytest.mark.parametrize("actor", ACTORS)
def test_every_api_route_lets_in_whom_it_should(shown: Installation, actor: str) -> None:
    for route in shown.app.extensions[ROUTES]:
        if not route.path:
            continue
        answer = shown.client(actor).call(route.method, path_of(route.path, "shop"), json={})
        told = f"{actor} {route.method} {route.path} → {answer.status_code} {answer.text[:200]}"
        if actor == "none":
            assert answer.status_code == 401, told
        elif actor in ALLOWED[route.name]:
            assert answer.status_code not in (401, 403, 500), told
        elif route.name in OF_A_SERVICE and actor in STRANGERS:
            assert answer.status_code == 404, told
        else:
            assert answer.status_code == 403, told


@pytest.mark.parametrize("service", ["payments", "no-such-service"])
@pytest.mark.parametrize("actor", ["nobody", "auditor", *ROLES, "narrow"])
def test_anothers_service_answers_like_one_that_does_not_exist(shown: Installation, actor: str, service: str) -> None:
    for route in shown.app.extensions[ROUTES]:
        if route.name in OF_A_SERVICE:
            answer = shown.client(actor).call(route.method, path_of(route.path, service), json={})
            assert answer.status_code == 404, f"{actor} {route.method} {route.path}"
            assert answer.json["detail"] == f"There is no service '{service}' for you."


def test_every_page_sends_strangers_to_the_sign_in(shown: Installation) -> None:
    client = shown.app.test_client()
    for route in shown.app.extensions[ROUTES]:
        if route.page is None:
            continue
        path = path_of(route.page, "shop")
        answer = client.open(path, method="GET" if route.method == "GET" else "POST")
        assert answer.status_code == (303 if route.method == "GET" else 401), path
        assert "shop.example.com" not in answer.text


@pytest.mark.parametrize("actor", ACTORS)
def test_every_socket_refuses_before_the_handshake(changed: Installation, served: str, actor: str) -> None:
    for route in changed.app.extensions[SOCKETS]:
        address = served.replace("http", "ws") + "/api/v1" + path_of(route.path, "shop")
        headers = [f"Authorization: Bearer {changed.tokens.get(actor, 'none')}"]
        allowed = SOCKETS_ALLOWED[route.path]
        expected = 101 if actor in allowed else 401 if actor == "none" else 404 if actor in STRANGERS else 403
        assert handshake(address, headers) == expected, f"{actor} {route.path}"


def handshake(address: str, headers: list[str]) -> int:
    try:
        socket = websocket.create_connection(address, header=headers, timeout=10, suppress_origin=True)
    except websocket.WebSocketBadStatusException as refused:
        return int(refused.status_code)
    socket.close()
    return 101


@pytest.mark.parametrize("path", SOCKETS_ALLOWED)
def test_a_socket_refuses_another_sites_page(changed: Installation, served: str, path: str) -> None:
    address = served.replace("http", "ws") + "/api/v1" + path_of(path, "shop")
    headers = [f"Authorization: Bearer {changed.tokens['admin']}"]
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(address, header=headers, origin="http://evil.example", timeout=10)
    assert refused.value.status_code == 403


def test_each_tab_is_one_name_everywhere() -> None:
    from dataclasses import fields
    from pathlib import Path

    from opsmodal.paths import template_root
    from runtimes.base import Runtime

    here = Path(__file__).parent
    for tab in TABS:
        assert tab.name in {field.name for field in fields(Runtime)}, "the facet"
        assert (here.parents[1] / "opsmodal" / "tabs" / f"{tab.name}.py").is_file(), "the module"
        assert (template_root() / tab.name).is_dir(), "the template folder"
        assert any(route.page == f"/services/<service>/{tab.name}" for route in tab.routes.routes), "the URL"
        assert (here / f"test_{tab.name}.py").is_file(), "the test"
