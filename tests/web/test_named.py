"""A proxy that names people: believed by the address of its connection, and nobody else under any spelling."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from opsmodal.demo.cluster import Cluster
from opsmodal.people import People
from opsmodal.store.tables import AuditRow
from opsmodal.web.named import GROUPS_MAX_CHARS, Named, Said
from tests.web.conftest import PASSWORD, Installation, Seed, closed, installed, own_page
from tests.web.test_oidc import rules

PROXY, STRANGER = "10.1.2.3", "192.0.2.9"
HEADER, GROUPS = "X-Remote-User", "X-Remote-Groups"
Behind = Callable[..., Installation]


@pytest.fixture
def behind(tmp_path: Path, seed: Seed, example_cluster: Cluster) -> Iterator[Behind]:
    """Make an installation behind a proxy that signs people in."""
    with contextlib.ExitStack() as stack:

        def make(**more: Any) -> Installation:
            settings: dict[str, Any] = {
                "sign_in_header": HEADER,
                "sign_in_header_from": ("10.1.2.0/24", "2001:db8::/64"),
                "sign_in_header_groups": GROUPS,
            }
            made = installed(tmp_path, seed, example_cluster, **settings | more)
            stack.callback(closed, made)
            return made

        yield make


def asked(
    app: Flask, name: str | None, *, peer: str = PROXY, path: str = "/api/v1/services", **more: Any
) -> TestResponse:
    """Ask as a proxy does that passes on who somebody is."""
    headers = {**({HEADER: name} if name is not None else {}), **more.pop("headers", {})}
    return app.test_client().open(path, headers=headers, environ_overrides={"REMOTE_ADDR": peer}, **more)


def test_a_named_person_needs_no_session(behind: Behind) -> None:
    app = behind().app
    assert asked(app, "operator", path="/services/shop/overview").status_code == 200
    assert asked(app, "operator", path="/registry").status_code == 403
    assert asked(app, "admin", path="/registry").status_code == 200
    assert "Set-Cookie" not in asked(app, "operator", path="/services").headers


@pytest.mark.parametrize("peer", ["10.1.2.3", "10.1.2.254", "::ffff:10.1.2.3", "2001:db8::9"])
def test_the_proxy_is_known_by_its_address(behind: Behind, peer: str) -> None:
    assert asked(behind().app, "viewer", peer=peer).status_code == 200


@pytest.mark.parametrize("peer", [STRANGER, "10.1.3.3", "127.0.0.1", "::1", "", "10.1.2", "unix:"])
def test_from_anybody_else_the_header_is_as_if_it_were_not_there(behind: Behind, peer: str) -> None:
    installation = behind()
    assert asked(installation.app, "admin", peer=peer).status_code == 401
    page = asked(installation.app, "admin", peer=peer, path="/services")
    assert page.status_code == 303
    assert page.location.startswith("/sign-in")
    assert rules(installation) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": PROXY},
        {"X-Forwarded-For": f"{STRANGER}, {PROXY}"},
        {"Forwarded": f"for={PROXY}"},
        {"X-Real-Ip": PROXY},
    ],
)
def test_a_forwarded_address_is_no_peer(behind: Behind, headers: dict[str, str]) -> None:
    app = behind(trusted_proxies=(STRANGER,)).app
    assert asked(app, "admin", peer=STRANGER, headers=headers).status_code == 401


def test_what_a_believed_proxy_forwards_does_not_take_its_word_away(behind: Behind) -> None:
    app = behind(trusted_proxies=(PROXY,)).app
    assert asked(app, "viewer", headers={"X-Forwarded-For": STRANGER}).status_code == 200


@pytest.mark.parametrize(
    ("name", "words", "rule"),
    [
        ("", "with an empty name", "header-name"),
        ("   ", "with an empty name", "header-name"),
        ("viewer,admin", "which is no user&#39;s name", "header-name"),
        ("viewer admin", "which is no user&#39;s name", "header-name"),
        ("vi\N{LATIN SMALL LETTER E WITH ACUTE}wer", "which is no user&#39;s name", "header-name"),
        ("../viewer", "which is no user&#39;s name", "header-name"),
        ("a" * 5000, "which is no user&#39;s name", "header-name"),
        ("(null)", "which is no user&#39;s name", "header-name"),
        ("somebody", "there is no such user here", "header-unknown"),
        ("Viewer", "There is a user viewer", "header-unknown"),
    ],
)
def test_a_name_that_is_no_users_is_refused_in_a_sentence(behind: Behind, name: str, words: str, rule: str) -> None:
    installation = behind()
    page = asked(installation.app, name, path="/services")
    assert page.status_code == 401
    assert words in page.text
    assert "Traceback" not in page.text
    assert [one for _, one in rules(installation)] == [rule]
    assert asked(installation.app, name, path="/services").status_code == 401
    assert len(rules(installation)) == 1, "one row a minute for each address"


def test_a_wrong_name_does_not_fall_back_to_a_cookie(behind: Behind) -> None:
    installation = behind()
    client = installation.browser("admin")
    assert client.get("/services").status_code == 200
    named = client.get("/services", headers={HEADER: "somebody"}, environ_overrides={"REMOTE_ADDR": PROXY})
    assert named.status_code == 401
    other = client.get("/registry", headers={HEADER: "viewer"}, environ_overrides={"REMOTE_ADDR": PROXY})
    assert other.status_code == 403, "the word of the proxy comes before the cookie"


def test_a_disabled_user_stays_out(behind: Behind) -> None:
    installation = behind()
    installation.people.disable("viewer")
    page = asked(installation.app, "viewer", path="/services")
    assert page.status_code == 401
    assert "is disabled here" in page.text
    assert rules(installation) == [("viewer", "header-disabled")]


def test_somebody_new_is_made_where_that_is_set(behind: Behind) -> None:
    installation = behind(sign_in_header_create=True)
    assert asked(installation.app, "newcomer").status_code == 200
    assert asked(installation.app, "newcomer").status_code == 200
    user = installation.people.user("newcomer")
    assert user is not None
    assert not user.admin
    assert ("newcomer", "user.add", "done") in installation.audited()
    assert asked(installation.app, "Admin").status_code == 401, "nobody who looks like somebody is made"


def test_groups_of_the_header_give_what_they_are_granted(behind: Behind) -> None:
    installation = behind()
    installation.registry.put("grants", {"group": "oncall", "role": "developer", "services": ["payments"]})
    path = "/api/v1/services/payments/overview"
    assert asked(installation.app, "nobody", path=path).status_code == 404
    for told in ("oncall", "other, oncall", "other;oncall", "oncall|other"):
        assert asked(installation.app, "nobody", path=path, headers={GROUPS: told}).status_code == 200, told
    for told in ("Oncall", "on call", "oncall " + "x" * GROUPS_MAX_CHARS, ""):
        assert asked(installation.app, "nobody", path=path, headers={GROUPS: told}).status_code == 404, told
    assert asked(installation.app, None, path=path, headers={GROUPS: "oncall"}).status_code == 401
    assert asked(installation.app, "nobody", path=path, peer=STRANGER, headers={GROUPS: "oncall"}).status_code == 401


def test_an_api_token_comes_before_the_header_and_a_browsers_own_does_not(behind: Behind) -> None:
    installation = behind()
    token = {"Authorization": f"Bearer {installation.tokens['viewer']}"}
    assert asked(installation.app, "admin", path="/api/v1/registry/runtimes", headers=token).status_code == 403
    wrong = {"Authorization": "Bearer wrong"}
    assert asked(installation.app, "admin", headers=wrong).status_code == 401
    basic = {"Authorization": "Basic dmlld2VyOng="}
    assert asked(installation.app, "viewer", headers=basic).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (own_page(), 303),
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Authorization": "Basic dmlld2VyOng="}, 403),
    ],
)
def test_changes_still_have_to_come_from_our_own_pages(behind: Behind, headers: dict[str, str], status: int) -> None:
    answer = asked(behind().app, "viewer", path="/services/shop/favorite", method="POST", headers=headers)
    assert answer.status_code == status, answer.text


def test_the_audit_log_says_by_which_way(behind: Behind) -> None:
    installation = behind()
    asked(installation.app, "viewer", path="/registry")
    with installation.store.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.actor == "viewer", AuditRow.verdict == "refuse")).one()
    assert (row.via, row.address) == ("header", PROXY)


def test_the_sign_in_page_says_who_the_proxy_names(behind: Behind) -> None:
    page = asked(behind().app, "viewer", path="/sign-in")
    assert "The proxy in front says that you are <b>viewer</b>" in page.text
    assert "The proxy in front" not in asked(behind().app, "viewer", peer=STRANGER, path="/sign-in").text


def test_without_the_setting_a_header_is_nothing(changed: Installation) -> None:
    for peer in (PROXY, "127.0.0.1"):
        assert asked(changed.app, "admin", peer=peer).status_code == 401


@contextlib.contextmanager
def listening(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="named", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_socket_opens_by_the_header_and_from_our_own_pages_only(behind: Behind) -> None:
    app = behind(sign_in_header_from=("127.0.0.1",)).app
    with listening(app) as port:
        url = f"ws://127.0.0.1:{port}/api/v1/services/shop/live?tab=instances"
        own = websocket.create_connection(
            url, header=[f"{HEADER}: viewer"], origin=f"http://127.0.0.1:{port}", timeout=10
        )
        own.close()
        for header, origin in (("viewer", "http://evil.example"), ("nobody", None), ("somebody", None)):
            with pytest.raises(websocket.WebSocketBadStatusException):
                websocket.create_connection(
                    url,
                    header=[f"{HEADER}: {header}"],
                    origin=origin or f"http://127.0.0.1:{port}",
                    timeout=10,
                )


SPELLINGS = (
    "X_Remote_User: admin",
    "x_remote-user: admin",
    "X-REMOTE_USER: admin",
    "X-Remote-User : admin",
    "X-Remote-User\t: admin",
    " X-Remote-User: admin",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("first", [True, False])
def test_another_spelling_beside_the_proxys_own_header_makes_nobody_else(
    behind: Behind, spelling: str, first: bool
) -> None:
    """What a browser sends under a name that servers read the same must not win over what the proxy says."""
    app = behind(sign_in_header_from=("127.0.0.1",)).app
    lines = [spelling, "X-Remote-User: viewer"] if first else ["X-Remote-User: viewer", spelling]
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        head = "\r\n".join(["GET /registry HTTP/1.0", "Host: 127.0.0.1", *lines, "", ""])
        line.sendall(head.encode())
        status = int(line.makefile("rb").readline().split()[1])
    assert status in (303, 400, 401, 403), "nobody, two names, or viewer who may not; 200 would be admin"


def test_a_header_that_comes_twice_is_nobody(behind: Behind) -> None:
    app = behind(sign_in_header_from=("127.0.0.1",)).app
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(
            b"GET /services HTTP/1.0\r\nHost: 127.0.0.1\r\nX-Remote-User: admin\r\nX-Remote-User: admin\r\n\r\n"
        )
        assert line.makefile("rb").readline().split()[1] == b"401"


@pytest.mark.parametrize("key", ["opsmodal.named", "HTTP_OPSMODAL_NAMED", "HTTP_X_REMOTE_USER"])
def test_nothing_that_a_client_sends_is_taken_for_the_proxys_word(key: str) -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _: Callable[..., Any]) -> list[bytes]:
        seen.update(environ)
        return []

    named = Named(application, header=HEADER, groups=GROUPS, believed=())
    named({"REMOTE_ADDR": PROXY, key: "admin"}, lambda *_: None)
    assert not any(isinstance(value, Said) for value in seen.values())
    assert "opsmodal.named" not in seen
    assert "HTTP_X_REMOTE_USER" not in seen


def test_people_are_found_as_often_as_they_ask(behind: Behind) -> None:
    installation = behind()
    assert asked(installation.app, "viewer").status_code == 200
    People(installation.store).disable("viewer")
    assert asked(installation.app, "viewer").status_code == 401


def test_where_passwords_are_off_none_is_taken_and_a_link_is(behind: Behind) -> None:
    installation = behind(sign_in_password=False)
    client = installation.app.test_client()
    assert 'name="password"' not in client.get("/sign-in").text
    refused = client.post("/sign-in", data={"name": "viewer", "password": PASSWORD}, headers=own_page())
    assert refused.status_code == 403
    assert "Nobody signs in by password here." in refused.text
    assert client.get(f"/sign-in?ticket={installation.people.issue_ticket('viewer')}").status_code == 303


def test_every_row_of_a_named_person_has_the_id_of_the_request(behind: Behind) -> None:
    made = behind(sign_in_header_create=True)
    ids = {name: asked(made.app, name).headers["X-Request-Id"] for name in ("fresh", "no such name")}
    with made.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.actor.in_(ids))).all()
    assert {row.action for row in rows} == {"user.add", "sign-in"}
    assert [row.request_id for row in rows] == [ids[row.actor] for row in rows]


def test_a_secret_that_is_shown_once_is_shown_to_no_other_named_person(behind: Behind) -> None:
    """Whom a proxy names has no session, and so the secret was sealed for all of them."""
    made = behind()
    made.people.add("second", admin=True)
    answer = asked(made.app, "admin", path="/people/viewer/tokens", method="POST", headers=own_page())
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "once" in each).partition(";")[0]
    shown = {}
    for name in ("second", "admin"):
        browser, headers = made.app.test_client(use_cookies=False), {HEADER: name, "Cookie": cookie}
        shown[name] = browser.get("/people/viewer", headers=headers, environ_overrides={"REMOTE_ADDR": PROXY})
    assert {name: (page.status_code, "opm_" in page.text) for name, page in shown.items()} == {
        "second": (200, False),
        "admin": (200, True),
    }
