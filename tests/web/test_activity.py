"""A session that nobody uses ends, also when its page is left open and keeps asking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from opsmodal.store.tables import Session
from opsmodal.web.asking import REFRESH
from tests.web.conftest import PASSWORD, Installation, own_page

AN_HOUR = timedelta(hours=1)


def unused_for_an_hour(installation: Installation) -> None:
    with installation.store.session() as session:
        for row in session.scalars(select(Session)):
            row.seen_at = row.created_at - AN_HOUR


def counts_as_used(installation: Installation) -> bool:
    with installation.store.reading() as session:
        row = session.scalars(select(Session)).one()
    return row.seen_at > row.created_at - AN_HOUR


@pytest.fixture
def idle(changed: Installation) -> FlaskClient:
    """Give a browser that nobody has touched for an hour."""
    browser = changed.browser("viewer")
    unused_for_an_hour(changed)
    return browser


def test_what_a_page_asks_by_itself_is_no_use_of_the_session(changed: Installation, idle: FlaskClient) -> None:
    assert idle.get("/services", headers={REFRESH: "1"}).status_code == 200
    assert idle.get("/api/v1/services/shop/logs/follow", headers={"Upgrade": "websocket"}).status_code == 403
    assert not counts_as_used(changed)


def test_what_a_person_does_is(changed: Installation, idle: FlaskClient) -> None:
    assert idle.get("/services").status_code == 200
    assert counts_as_used(changed)


def test_behind_a_trusted_proxy_the_address_is_the_browsers(changed: Installation) -> None:
    from opsmodal.app import close_app, create_app
    from opsmodal.settings import Settings

    app = create_app(Settings(data_dir=changed.folder, trusted_proxies=("127.0.0.1",)), changed.store)
    headers = {
        **own_page(),
        "Origin": "https://localhost",
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
    }
    answer = app.test_client().post("/sign-in", data={"name": "viewer", "password": PASSWORD}, headers=headers)
    assert answer.headers["Set-Cookie"].startswith("__Host-opsmodal=")
    with changed.store.reading() as session:
        assert session.scalars(select(Session)).one().address == "192.0.2.7"
    close_app(app)
