"""Every route and socket, every kind of actor, own, others' and unknown services: all as the one table says.

The table is `tests/web/permitted.py`; a route, socket, address, command or action without a row fails here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
import websocket
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from opsmodal import actions
from opsmodal.app import ROUTES, SOCKETS
from opsmodal.cli import main
from opsmodal.demo.cluster import Cluster
from opsmodal.paths import template_root
from opsmodal.people import People
from opsmodal.permissions import Permission
from opsmodal.tabs import TABS
from opsmodal.web.routes import CONFIRM, REASON, Route
from runtimes.base import Runtime
from tests.web import permitted
from tests.web.conftest import Installation, Seed, closed, installed, own_page
from tests.web.permitted import (
    ABSENT,
    ACTORS,
    IN,
    OTHER,
    OUTSIDERS,
    OWN,
    REFUSED,
    SERVICES,
    SIGN_IN,
    UNKNOWN,
    path_of,
)

SIGNED_IN = [actor for actor in ACTORS if actor not in (*OUTSIDERS, *permitted.NARROWED)]


@pytest.fixture(scope="module", params=[False, True], ids=["", "read-only"])
def tried(
    request: pytest.FixtureRequest, example_cluster: Cluster, seed: Seed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Give an installation for everything that is tried, also in read-only mode; with tokens of every kind of actor."""
    folder = tmp_path_factory.mktemp("tried")
    # Forms are sent empty: for the limit of sign-ins that is one wrong password after another.
    made = installed(folder, seed, example_cluster, read_only=request.param, sign_in_failures_per_minute=1000)
    yield replace(made, tokens={**made.tokens, **special_tokens(made)})
    closed(made)


def special_tokens(made: Installation) -> dict[str, str]:
    """Make a token of somebody who is disabled, one that has expired, one that was revoked, and a narrowed one."""
    people, yesterday = made.people, datetime.now(UTC) - timedelta(days=1)
    people.add("disabled")
    revoked = people.new_token("admin")
    tokens = {
        "disabled": people.new_token("disabled").secret,
        "expired": People(made.store, now=lambda: yesterday).new_token("admin", lifetime_s=3600).secret,
        "revoked": revoked.secret,
        "narrow-admin": people.new_token("admin", services=[OWN], permissions=list(Permission)).secret,
    }
    people.disable("disabled")
    people.revoke_token(revoked.id)
    return tokens


def is_read_only(tried: Installation) -> bool:
    return bool(tried.client().call("PUT", "/registry/services/x").json["code"] == "read-only")


def test_every_route_socket_address_and_command_has_a_row_and_every_row_is_of_one(shown: Installation) -> None:
    app = shown.app
    assert {route.name for route in app.extensions[ROUTES]} == set(permitted.ROUTES)
    assert {route.path for route in app.extensions[SOCKETS]} == set(permitted.SOCKETS)
    assert set(permitted.addresses(app)) == set(permitted.ADDRESSES)
    assert set(commands(main)) == set(permitted.COMMANDS)
    assert set(permitted.taken(app)) == set(actions.KNOWN), "an action that nothing takes, or that nobody knows"


def commands(group: click.Group, prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, command in group.commands.items():
        found += commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else [prefix + name]
    return found


def test_the_table_is_printed_in_the_documentation(shown: Installation) -> None:
    assert permitted.DOCUMENT.read_text() == permitted.printed(shown.app), "run: python -m tests.web.permitted"


def test_what_is_dangerous_asks_for_a_confirmation_and_a_reason_and_nothing_else_does(shown: Installation) -> None:
    for route in shown.app.extensions[ROUTES]:
        assert route.action.dangerous == (CONFIRM in route.parameters), route.name
        assert not route.action.dangerous or REASON in route.parameters, route.name


def judged(answer: TestResponse) -> str:
    """Tell how an answer was meant: one that found no pod, or wants a confirmation, was let in."""
    if answer.status_code in (401, 403):
        return str(answer.status_code)
    if answer.status_code == 404 and re.search(r"There is no service [^.]* for you\.", answer.text):
        return ABSENT
    return IN if answer.status_code < 500 else str(answer.status_code)


def expected(route: Route, actor: str, service: str, *, read_only: bool, by_token: bool) -> str:
    answer = permitted.ROUTES[route.name].answer(actor, service, by_token=by_token)
    return REFUSED if answer == IN and read_only and route.action.changes else answer


@pytest.mark.parametrize("actor", ACTORS)
def test_every_api_route_answers_as_the_table_says(tried: Installation, actor: str) -> None:
    client, read_only = tried.client(actor), is_read_only(tried)
    for route in tried.app.extensions[ROUTES]:
        for service in SERVICES if route.path and "<service>" in route.path else (OWN,) if route.path else ():
            answer = client.call(route.method, path_of(route.path, service), json={})
            wanted = expected(route, actor, service, read_only=read_only, by_token=True)
            told = f"{actor} {route.method} {route.path} on {service} → {answer.status_code} {answer.text[:300]}"
            assert judged(answer) == wanted, told


@pytest.mark.parametrize("actor", SIGNED_IN)
def test_every_page_and_form_answers_as_the_table_says(tried: Installation, actor: str) -> None:
    browser, read_only = tried.browser(actor), is_read_only(tried)
    for route in tried.app.extensions[ROUTES]:
        if route.page is None:
            continue
        for service in SERVICES if "<service>" in route.page else (OWN,):
            answer = sent(browser, route, service)
            wanted = expected(route, actor, service, read_only=read_only, by_token=False)
            told = f"{actor} {route.page} on {service} → {answer.status_code} {answer.text[:300]}"
            assert judged(answer) == wanted, told


def sent(browser: FlaskClient, route: Route, service: str) -> TestResponse:
    path, method = path_of(str(route.page), service), "GET" if route.method == "GET" else "POST"
    return browser.open(path, method=method, headers=own_page() if method == "POST" else {})


def test_every_page_sends_strangers_to_the_sign_in(shown: Installation) -> None:
    client = shown.app.test_client()
    for route in shown.app.extensions[ROUTES]:
        if route.page is None:
            continue
        path = path_of(route.page)
        answer = client.open(path, method="GET" if route.method == "GET" else "POST")
        assert answer.status_code == (303 if route.method == "GET" else 401), path
        assert "shop.example.com" not in answer.text


@pytest.mark.parametrize("service", [OTHER, UNKNOWN])
@pytest.mark.parametrize("actor", ["nobody", "auditor", *permitted.ROLES, "narrow"])
def test_anothers_service_answers_like_one_that_does_not_exist(shown: Installation, actor: str, service: str) -> None:
    said = f"There is no service '{service}' for you."
    for route in shown.app.extensions[ROUTES]:
        if not permitted.ROUTES[route.name].of_a_service:
            continue
        if route.path:
            answer = shown.client(actor).call(route.method, path_of(route.path, service), json={})
            assert answer.json["detail"] == said, f"{actor} {route.method} {route.path}"
        else:
            token = {"Authorization": f"Bearer {shown.tokens[actor]}"}
            answer = shown.app.test_client().get(path_of(route.page, service), headers=token)
            assert said in html.unescape(answer.text), f"{actor} {route.page}"
        assert answer.status_code == 404, f"{actor} {route.method} {route.path or route.page}"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "GETX", "get", "POST"])
def test_no_method_tells_anothers_service_from_none(shown: Installation, method: str) -> None:
    for route in shown.app.extensions[ROUTES]:
        if not permitted.ROUTES[route.name].of_a_service:
            continue
        for prefix, path in (("/api/v1", route.path), ("", route.page)):
            if path is None:
                continue
            answers = [
                shown.app.test_client().open(
                    prefix + path_of(path, service),
                    method=method,
                    headers={"Authorization": f"Bearer {shown.tokens['viewer']}"},
                )
                for service in (OTHER, UNKNOWN)
            ]
            assert answers[0].status_code == answers[1].status_code, f"{method} {path}"
            texts = [answer.text.replace(OTHER, "").replace(UNKNOWN, "") for answer in answers]
            assert masked(texts[0]) == masked(texts[1]), f"{method} {path}"
            assert method == "OPTIONS" or answers[0].status_code >= 400, f"{method} {path}"


def masked(text: str) -> str:
    """Leave out what differs from answer to answer: request ids and times."""
    return re.sub(r"[0-9a-f]{12,}|\d{4}-\d\d-\d\dT[^\"<]*", "", text)


SPELLINGS = (
    "Payments",
    "PAYMENTS",
    "payments ",
    " payments",
    "payments%20",
    "payments%00",
    "payments.",
    "payments;x=1",
    "payments%2F",
    "payments%2f..%2fpayments",
    "shop/../payments",
    "shop/%2e%2e/payments",
    "shop%2F..%2Fpayments",
    "./payments",
    "%2e/payments",
    "/payments",
    "%2Fpayments",
    "%70ayments",
    "%2570ayments",
    "p\u0430yments",
    "\uff50ayments",
    "payments\u200b",
    "pay\u00adments",
    "payments%0a",
    "payments\\",
)
"""Other ways to write the name of a service that the viewer may not see."""


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_name_reaches_anothers_service(shown: Installation, spelling: str) -> None:
    client = shown.app.test_client()
    headers = {"Authorization": f"Bearer {shown.tokens['viewer']}"}
    bait = [row["name"] for row in shown.client().get(f"/services/{OTHER}/instances").json["items"]]
    assert bait
    for base in ("/api/v1/services/", "/services/"):
        for tail in ("", "/", "/instances", "/instances/", "//instances", "/overview", f"/instances/{bait[0]}"):
            answer = client.get(f"{base}{spelling}{tail}", headers=headers, follow_redirects=True)
            assert answer.status_code in (400, 404), f"{base}{spelling}{tail} → {answer.status_code}"
            assert not any(name in answer.text.replace(tail, "") for name in bait)


@pytest.mark.parametrize(
    "spelling", ["Shop", "SHOP", "shop.", "shop%20", "shop%00", "\uff53hop", "sh%6Fp%2F", ".//shop"]
)
def test_a_service_has_one_name(shown: Installation, spelling: str) -> None:
    answer = shown.client().get(f"/services/{spelling}/instances")
    assert answer.status_code in (308, 400, 404), answer.text[:200]


def test_slashes_too_many_lead_to_the_address_without_them_and_through_the_same_door(shown: Installation) -> None:
    for path in (f"/services//{OWN}/instances", f"//services/{OWN}/instances"):
        assert shown.client("viewer").get(path, follow_redirects=True).status_code in (200, 404)
        assert shown.client("nobody").get(path, follow_redirects=True).status_code == 404
    for path in (f"/services/{OWN}/instances/", f"/services/{OWN}/"):
        assert shown.client("viewer").get(path).status_code == 404


@pytest.mark.parametrize("actor", ACTORS)
def test_every_socket_refuses_before_the_handshake(changed: Installation, served: str, actor: str) -> None:
    statuses = {IN: 101, SIGN_IN: 401, REFUSED: 403, ABSENT: 404}
    tokens = {**changed.tokens, **special_tokens(changed)}
    headers = [f"Authorization: Bearer {tokens.get(actor, 'none')}"]
    for path, access in permitted.SOCKETS.items():
        for service in SERVICES:
            address = served.replace("http", "ws") + "/api/v1" + path_of(path, service)
            assert handshake(address, headers) == statuses[access.answer(actor, service)], f"{actor} {path} {service}"


def handshake(address: str, headers: list[str]) -> int:
    try:
        socket = websocket.create_connection(address, header=headers, timeout=10, suppress_origin=True)
    except websocket.WebSocketBadStatusException as refused:
        return int(refused.status_code)
    socket.close()
    return 101


@pytest.mark.parametrize("path", permitted.SOCKETS)
def test_a_socket_refuses_another_sites_page(changed: Installation, served: str, path: str) -> None:
    address = served.replace("http", "ws") + "/api/v1" + path_of(path)
    headers = [f"Authorization: Bearer {changed.tokens['admin']}"]
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(address, header=headers, origin="http://evil.example", timeout=10)
    assert refused.value.status_code == 403


def test_each_tab_is_one_name_everywhere() -> None:
    here = Path(__file__).parent
    for tab in TABS:
        assert tab.name in {field.name for field in fields(Runtime)}, "the facet"
        assert (here.parents[1] / "opsmodal" / "tabs" / f"{tab.name}.py").is_file(), "the module"
        assert (template_root() / tab.name).is_dir(), "the template folder"
        assert any(route.page == f"/services/<service>/{tab.name}" for route in tab.routes.routes), "the URL"
        assert (here / f"test_{tab.name}.py").is_file(), "the test"
