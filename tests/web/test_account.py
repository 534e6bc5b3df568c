"""Everybody's own account: sessions, password and tokens, and nothing of anybody else's."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import PASSWORD, Installation, own_page

TOKEN = re.compile(r"opm_[\w-]+")
NEW = "another horse entirely"


def post(browser: FlaskClient, path: str, **fields: object) -> str:
    """Send a form and give the page that it leads to."""
    answer = browser.post(path, data=fields, headers=own_page())
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location).text


def test_the_page_says_who_one_is_and_how_one_signed_in(changed: Installation) -> None:
    changed.registry.put("groups", {"name": "oncall", "users": ["viewer"]})
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    browser = changed.app.test_client()
    data = {"name": "viewer", "password": PASSWORD}
    browser.post("/sign-in", data=data, headers={**own_page(), "User-Agent": agent})
    page = browser.get("/account").text
    for words in ("viewer", "oncall", "Firefox on Linux", "This one", "by password", "127.0.0.1"):
        assert words in page, words
    told = changed.client("viewer").get("/account").json
    assert told["session"] is None, "a token is no session"
    assert (told["services"], told["permissions"]) == (["shop"], ["view"])
    assert [row["current"] for row in told["sessions"]] == [False]


def test_a_password_is_changed_with_the_old_one_and_ends_the_other_sessions(changed: Installation) -> None:
    mine, other = changed.browser("viewer"), changed.browser("viewer")
    wrong = mine.post("/account/password", data={"old": "wrong", "new": NEW}, headers=own_page())
    assert wrong.status_code == 422
    assert "The old password is wrong." in wrong.text
    assert NEW not in wrong.text, "no password comes back"
    weak = mine.post("/account/password", data={"old": PASSWORD, "new": "short"}, headers=own_page())
    assert weak.status_code == 422
    assert "at least 8 characters" in weak.text
    post(mine, "/account/password", old=PASSWORD, new=NEW)
    assert mine.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert changed.people.verify_password("viewer", NEW) is not None
    assert {("viewer", "account.password", "failed"), ("viewer", "account.password", "done")} <= changed.audited()


def test_guessing_the_old_password_is_stopped(changed: Installation) -> None:
    browser = changed.browser("viewer")
    guess = {"old": "wrong", "new": NEW}
    codes = [browser.post("/account/password", data=guess, headers=own_page()).status_code for _ in range(7)]
    assert codes == [422] * 5 + [429] * 2


def test_one_ends_ones_sessions_one_by_one_and_all_others(changed: Installation) -> None:
    mine, other, third = (changed.browser("viewer") for _ in range(3))
    changed.browser("developer")
    (theirs,) = changed.people.sessions("developer")
    listed = mine.get("/api/v1/account").json["sessions"]
    oldest = listed[-1]
    assert [row["current"] for row in listed].count(True) == 1
    stranger = mine.post(f"/account/sessions/{theirs.id}/delete", headers=own_page())
    assert stranger.status_code == 404, "that of somebody else"
    assert oldest["current"], "the first that signed in"
    post(mine, f"/account/sessions/{listed[0]['id']}/delete")
    assert third.get("/account").status_code == 303
    post(mine, "/account/sessions/delete")
    assert other.get("/account").status_code == 303
    assert mine.get("/account").status_code == 200
    assert changed.people.sessions("developer") == (theirs,)


def test_a_token_is_made_shown_once_used_and_revoked(changed: Installation) -> None:
    browser = changed.browser("manager")
    form = {"label": "pipeline", "expires": "30d", "services": ["shop"], "permissions": ["view", "logs"]}
    page = post(browser, "/account/tokens", **form)
    found = TOKEN.search(page)
    assert found
    assert not TOKEN.search(browser.get("/account").text)
    token = changed.client(found[0])
    assert token.get("/services/shop/logs").status_code == 200
    assert token.call("DELETE", "/services/shop/instances/db-0").status_code == 403
    assert token.get("/account").status_code == 403, "narrowed"
    made = next(each for each in changed.people.tokens("manager") if each.label == "pipeline")
    asked = browser.post(f"/account/tokens/{made.id}/delete", headers=own_page())
    assert asked.status_code == 409
    assert "pipeline" in asked.text
    post(browser, f"/account/tokens/{made.id}/delete", confirm="true")
    assert token.get("/services").status_code == 401


def test_a_token_can_do_no_more_than_its_owner(changed: Installation) -> None:
    browser = changed.browser("viewer")
    for wrong in (
        {"services": ["payments"]},
        {"permissions": ["manage"]},
        {"expires": "20y"},
        {"services": ["absent"]},
    ):
        answer = browser.post("/account/tokens", data={"label": "x", **wrong}, headers=own_page())
        assert answer.status_code in (400, 422), wrong
    assert len(changed.people.tokens("viewer")) == 1


@pytest.mark.parametrize(("method", "path"), [("POST", "/account/tokens"), ("PUT", "/account/password")])
def test_a_token_cannot_renew_itself_and_is_told_why(changed: Installation, method: str, path: str) -> None:
    answer = changed.client("admin").call(method, path, json={"label": "x", "old": PASSWORD, "new": NEW})
    assert answer.status_code == 403
    assert answer.json["detail"] == "An API token makes no tokens and changes no password."
    assert "Sign in with a browser" in answer.json["hint"]
    assert len(changed.people.tokens("admin")) == 1
    assert changed.people.verify_password("admin", PASSWORD) is not None


@pytest.mark.parametrize("how", ["oidc", "header"])
def test_who_signs_in_by_another_program_keeps_no_password_here(changed: Installation, how: str) -> None:
    changed.people.add("guest")
    browser = changed.app.test_client()
    browser.set_cookie("opsmodal", changed.people.start_session("guest", how=how, groups=["oncall"]))
    page = browser.get("/account").text
    assert "oncall" in page, "the groups of the sign-in"
    assert "Set a password" not in page
    assert browser.post("/account/password", data={"new": NEW}, headers=own_page()).status_code == 403
    assert changed.people.user("guest").has_password is False


def test_somebody_elses_token_is_not_there(changed: Installation) -> None:
    (theirs,) = changed.people.tokens("admin")
    browser = changed.browser("viewer")
    answer = browser.post(f"/account/tokens/{theirs.id}/delete", data={"confirm": "true"}, headers=own_page())
    assert answer.status_code == 404
    assert changed.people.tokens("admin") == (theirs,)


def test_in_read_only_mode_one_still_stops_what_got_known(changed: Installation) -> None:
    from opsmodal.app import close_app, create_app
    from opsmodal.settings import Settings

    app = create_app(Settings(data_dir=changed.folder, read_only=True), changed.store)
    try:
        browser = app.test_client()
        browser.post("/sign-in", data={"name": "viewer", "password": PASSWORD}, headers=own_page())
        (token,) = changed.people.tokens("viewer")
        assert "Create an API token" not in browser.get("/account").text
        assert browser.post("/account/tokens", data={"label": "x"}, headers=own_page()).status_code == 403
        post(browser, f"/account/tokens/{token.id}/delete", confirm="true")
        post(browser, "/account/sessions/delete")
        post(browser, "/account/password", old=PASSWORD, new=NEW)
        assert browser.post("/sign-out", headers=own_page()).status_code == 303
    finally:
        close_app(app)
