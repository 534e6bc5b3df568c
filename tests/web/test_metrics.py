"""/metrics: for this machine and its token only, true figures, and labels that nobody can make grow."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import websocket
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from opsmodal.app import close_app, create_app
from opsmodal.settings import Settings
from tests.web.conftest import Installation, own_page

TOKEN = "0123456789abcdef-for-prometheus"
AWAY = {"REMOTE_ADDR": "192.0.2.7"}


def value(client: FlaskClient, name: str, **labels: str) -> float:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    samples = [
        sample
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(sample.value for sample in samples)


@pytest.fixture
def tokened(changed: Installation) -> Iterator[FlaskClient]:
    """Give a client of an installation with a token for its figures."""
    app = create_app(Settings(data_dir=changed.folder, metrics_token=TOKEN), changed.store)
    yield app.test_client()
    close_app(app)


def test_it_is_open_to_this_machine_and_to_its_token_only(tokened: FlaskClient, changed: Installation) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert tokened.get("/metrics").status_code == 200
    assert tokened.get("/metrics", environ_overrides=AWAY, headers=bearer).status_code == 200
    assert tokened.get("/metrics", environ_overrides=AWAY).status_code == 403
    for wrong in ("Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {changed.tokens['admin']}"):
        refused = tokened.get("/metrics", environ_overrides=AWAY, headers={"Authorization": wrong})
        assert refused.status_code == 403, wrong
        assert "opsmodal_" not in refused.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_nobody_named_is_not_this_machine(shown: Installation, header: str) -> None:
    assert shown.app.test_client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_without_a_token_an_empty_one_opens_nothing(shown: Installation) -> None:
    headers = {"Authorization": "Bearer "}
    assert shown.app.test_client().get("/metrics", environ_overrides=AWAY, headers=headers).status_code == 403


def test_requests_are_counted_by_route_and_never_by_what_was_typed(changed: Installation) -> None:
    client = changed.app.test_client()
    bearer = {"Authorization": f"Bearer {changed.tokens['viewer']}"}
    for number in range(5):
        client.get(f"/services/typed-{number}/overview", headers=bearer).close()
        client.open(f"/nowhere-{number}", method="BREW", headers={**own_page(), **bearer}).close()
    route = {"route": "/services/<service>/overview", "method": "GET", "status": "404"}
    assert value(client, "opsmodal_request_seconds_count", **route) == 5
    assert value(client, "opsmodal_request_seconds_count", route="unknown", method="other") == 5
    text = client.get("/metrics").text
    assert not [word for word in ("typed-", "nowhere-", "BREW", "db-0", "viewer") if word in text]


def test_refusals_are_counted_by_reason(changed: Installation) -> None:
    client = changed.app.test_client()
    assert changed.client("viewer").get("/services/shop/logs").status_code == 403
    assert changed.client("nobody").get("/services/shop").status_code == 404
    for _ in range(6):
        client.post("/sign-in", data={"name": "viewer", "password": "wrong"}, headers=own_page())
    client.post("/sign-in", headers={"Origin": "http://evil.example"})
    found = {
        reason: value(client, "opsmodal_refusals_total", reason=reason)
        for reason in ("not-permitted", "not-found", "not-signed-in", "too-many", "foreign-origin")
    }
    assert found == {"not-permitted": 1, "not-found": 1, "not-signed-in": 5, "too-many": 1, "foreign-origin": 1}


def test_runtimes_and_what_is_kept_of_them_are_counted(changed: Installation) -> None:
    client = changed.app.test_client()
    assert changed.client().get("/services/shop/instances").status_code == 200
    assert value(client, "opsmodal_runtimes", kind="kubernetes", state="open") == 1
    assert value(client, "opsmodal_live_collections", kind="kubernetes") >= 1
    assert value(client, "opsmodal_live_items", kind="kubernetes") >= 4
    assert value(client, "opsmodal_live_lists_total", kind="kubernetes") >= 1
    assert 0 <= value(client, "opsmodal_live_age_seconds", kind="kubernetes") < 60
    assert value(client, "opsmodal_store_seconds_count") > 0
    assert value(client, "process_resident_memory_bytes") > 0


def test_a_follow_shows_as_socket_and_stream(changed: Installation, served: str) -> None:
    from tests.web.test_logs import Following

    client = changed.app.test_client()
    following = Following(changed, served, "instance=db-0&tail=1")
    following.until_open()
    assert value(client, "opsmodal_sockets_open") == 1
    assert value(client, "opsmodal_streams_running") == 1
    assert value(client, "opsmodal_streams_bytes_total") > 0
    following.socket.close()
    deadline = time.monotonic() + 10
    while value(client, "opsmodal_sockets_open") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert value(client, "opsmodal_sockets_open") == 0
    assert value(client, "opsmodal_sockets_ended_total") == 1


def test_a_page_that_watches_rows_shows(changed: Installation, served: str) -> None:
    client = changed.app.test_client()
    address = f"{served.replace('http', 'ws')}/api/v1/services/shop/live"
    headers = [f"Authorization: Bearer {changed.tokens['viewer']}"]
    watching = websocket.create_connection(address, header=headers, timeout=20, suppress_origin=True)
    watching.recv()
    assert value(client, "opsmodal_live_readers") == value(client, "opsmodal_live_views") == 1
    watching.close()
