"""Signing in: closed by default, one-time links, sessions that end, and nothing from another site's page."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opsmodal.people.links import INVITATION
from opsmodal.store.tables import AuditRow
from tests.web.conftest import PASSWORD, Installation, own_page


def test_a_password_signs_in_and_signing_out_ends_the_session(changed: Installation) -> None:
    browser = changed.browser("viewer")
    assert browser.get("/services").status_code == 200
    cookie = browser.get_cookie("opsmodal")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert browser.post("/sign-out", headers=own_page()).status_code == 303
    stolen = changed.app.test_client()
    stolen.set_cookie("opsmodal", cookie.value)
    assert stolen.get("/services").status_code == 303


def test_over_https_the_cookie_is_bound_to_the_host(changed: Installation) -> None:
    client = changed.app.test_client()
    page = {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}
    data = {"name": "viewer", "password": PASSWORD}
    answer = client.post("/sign-in", data=data, headers=page, base_url="https://localhost")
    assert answer.headers["Set-Cookie"].startswith("__Host-opsmodal=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


@pytest.mark.parametrize(
    ("name", "password"),
    [("viewer", "wrong"), ("no-such-user", PASSWORD), ("", ""), ("a" * 10**5, "b")],
    ids=["password", "name", "nothing", "long"],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(changed: Installation, name: str, password: str) -> None:
    client = changed.app.test_client()
    answer = client.post("/sign-in", data={"name": name, "password": password}, headers=own_page())
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "Set-Cookie" not in answer.headers


def test_too_many_failures_are_stopped_and_recorded(changed: Installation) -> None:
    client = changed.app.test_client()
    wrong = {"name": "viewer", "password": "wrong"}
    codes = [client.post("/sign-in", data=wrong, headers=own_page()).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    right = client.post("/sign-in", data={"name": "viewer", "password": PASSWORD}, headers=own_page())
    assert right.status_code == 429, "also the right password waits"
    assert ("viewer", "sign-in", "refused") in changed.audited()


def test_a_one_time_link_works_once(changed: Installation) -> None:
    ticket = changed.people.issue_ticket("admin", 60)
    first = changed.app.test_client().get(f"/sign-in?ticket={ticket}")
    assert first.status_code == 303
    assert first.location == "/services"
    second = changed.app.test_client().get(f"/sign-in?ticket={ticket}")
    assert second.status_code == 401
    assert "used or has expired" in second.text


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/services/shop/logs?tail=5", "/services/shop/logs?tail=5"),
        ("https://evil.example/", "/services"),
        ("//evil.example/", "/services"),
        ("/\\evil.example", "/services"),
        ("javascript:alert(1)", "/services"),
        ("", "/services"),
    ],
)
def test_after_signing_in_one_stays_here(changed: Installation, target: str, goes_to: str) -> None:
    client = changed.app.test_client()
    data = {"name": "viewer", "password": PASSWORD, "next": target}
    assert client.post("/sign-in", data=data, headers=own_page()).location == goes_to


@pytest.mark.parametrize("token", ["", "opm_x", "Basic abc", "é"])
def test_a_wrong_token_is_nobody(shown: Installation, token: str) -> None:
    assert shown.client(token).get("/services").status_code == 401


def test_a_token_that_is_wrong_is_not_saved_by_a_session(changed: Installation) -> None:
    browser = changed.browser("admin")
    assert browser.get("/api/v1/services").status_code == 200
    assert browser.get("/api/v1/services", headers={"Authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.parametrize("path", ["/sign-out", "/services/shop/instances/db-0/delete", "/registry/runtimes/demo"])
def test_another_sites_page_can_do_nothing(changed: Installation, path: str) -> None:
    browser = changed.browser("admin")
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = browser.post(path, data={"confirm": "shop"}, headers=headers)
        assert answer.status_code == 403
    assert changed.client().get("/services/shop/instances/db-0").status_code == 200


def test_an_unknown_host_name_is_refused(shown: Installation) -> None:
    answer = shown.app.test_client().get("/sign-in", headers={"Host": "rebound.example"})
    assert answer.status_code == 400
    assert "OPSMODAL_ALLOWED_HOSTS" in answer.text


def test_every_answer_carries_the_strict_policy(shown: Installation) -> None:
    for path in ("/sign-in", "/static/app.css", "/api/v1/services", "/no-such-page", "/healthz"):
        with shown.app.test_client().get(path) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_health_is_open_and_says_nothing_else(shown: Installation) -> None:
    client = shown.app.test_client()
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"


def test_a_link_that_was_handed_on_lets_in_by_post_only_and_once(changed: Installation) -> None:
    ticket = changed.people.issue_ticket("admin", purpose=INVITATION)
    client = changed.app.test_client()
    assert client.get(f"/sign-in?ticket={ticket}").status_code == 401
    for pasted, status in ((f"https://localhost/sign-in#ticket={ticket}", 303), (ticket, 401)):
        answer = client.post("/sign-in", data={"ticket": pasted}, headers=own_page())
        assert answer.status_code == status
    assert "has been used or has expired" in answer.text
    assert '<details class="invited" open>' in answer.text


def test_a_ticket_of_the_address_is_not_taken_by_post(changed: Installation) -> None:
    ticket = changed.people.issue_ticket("admin")
    client = changed.app.test_client()
    assert client.post("/sign-in", data={"ticket": ticket}, headers=own_page()).status_code == 401
    assert client.get(f"/sign-in?ticket={ticket}").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_what_opens_a_link_without_a_person_does_not_use_it_up(changed: Installation, headers: dict[str, str]) -> None:
    ticket = changed.people.issue_ticket("admin")
    client = changed.app.test_client()
    looked = client.get(f"/sign-in?ticket={ticket}", headers=headers)
    assert (looked.status_code, "Set-Cookie" in looked.headers) == (200, False)
    clicked = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
    assert client.get(f"/sign-in?ticket={ticket}", headers=clicked).status_code == 303


def test_a_name_that_nobody_has_is_not_kept_but_told_apart_from_others(changed: Installation) -> None:
    stranger = changed.app.test_client()
    for name in ("planted-password", "planted-password", "other", "viewer", "x\0y"):
        answer = stranger.post("/sign-in", data={"name": name, "password": "wrong"}, headers=own_page())
        assert answer.status_code == 401
    with changed.store.reading() as session:
        found = session.scalars(select(AuditRow).where(AuditRow.action == "sign-in").order_by(AuditRow.id)).all()
    one, again, other, known, odd = [row.actor for row in found]
    assert one == again
    assert known == "viewer"
    assert len({one, other, known, odd}) == 4
    assert all(each.startswith("(unknown name ") for each in (one, other, odd))
    assert "planted" not in "".join(row.actor for row in found)
