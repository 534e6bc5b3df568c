"""The cookie that carries a secret to the page that shows it: for that page and session, once, and not for long."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from werkzeug.test import Client

from opsmodal.permissions import Actor
from opsmodal.web import once
from opsmodal.web.once import COOKIE, Once, shown_at, taken

SECRET = "opm_PLANTED"


def application(key: str = "a key", via: str = "session:1") -> Flask:
    """Make an application that shows a secret at /shown, and gives one to whoever POSTs."""
    app = Flask(__name__)
    app.secret_key = key

    @app.before_request
    def who() -> None:
        g.actor = Actor(name="alice", via=via)

    @app.post("/made")
    def made() -> Any:
        return shown_at("/shown/a%40b", Once(kind="token", secret=SECRET, sentence="New."))

    @app.get("/shown/<name>")
    def show(name: str) -> str:
        found = taken()
        return found.secret if found else f"nothing for {name}"

    return app


def sealed(app: Flask) -> str:
    client = app.test_client()
    answer = client.post("/made")
    assert answer.status_code == 303
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return str(cookie.value)


def shown(app: Flask, value: str, path: str = "/shown/a%40b", method: str = "GET") -> str:
    client = app.test_client()
    client.set_cookie(COOKIE, value)
    return client.open(path, method=method).text


def test_it_is_shown_once_and_sealed_on_the_way() -> None:
    client = application().test_client()
    answer = client.post("/made")
    assert SECRET not in f"{answer.headers} {answer.text}"
    assert client.get(answer.location).text == SECRET
    assert client.get(answer.location).text == "nothing for a@b"


@pytest.mark.parametrize(
    ("app", "path"),
    [
        (application(), "/shown/other"),
        (application(via="session:2"), "/shown/a%40b"),
        (application(via="token:1"), "/shown/a%40b"),
        (application(key="another key"), "/shown/a%40b"),
    ],
    ids=["another page", "another session", "a token", "another installation"],
)
def test_nobody_else_is_shown_it(app: Flask, path: str) -> None:
    assert shown(app, sealed(application()), path).startswith("nothing")


@pytest.mark.parametrize("value", ["", "x", "gAAAAA", "é".encode().decode("latin-1"), "A" * 4000])
def test_what_is_no_seal_of_ours_shows_nothing_and_is_taken_away(value: str) -> None:
    assert shown(application(), value) == "nothing for a@b"


def test_after_a_minute_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    value = sealed(application())
    assert shown(application(), value) == SECRET
    monkeypatch.setattr(once, "LIFETIME_S", -1)
    assert shown(application(), value) == "nothing for a@b"


def test_who_only_looks_whether_the_page_is_there_takes_nothing() -> None:
    client = application().test_client()
    answer = client.post("/made")
    client.head(answer.location)
    assert client.get(answer.location).text == SECRET


def test_the_cookie_is_for_our_pages_alone_and_over_tls_where_we_are() -> None:
    client: Client = application().test_client()
    plain, tls = client.post("/made"), client.post("/made", base_url="https://localhost")
    for answer, secure in ((plain, False), (tls, True)):
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Max-Age=60" in cookie
        assert ("Secure" in cookie) is secure
