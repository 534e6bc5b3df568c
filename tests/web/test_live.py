"""Rows that change by themselves: one socket a page, for those who may, on the view that they look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from opsmodal.app import close_app
from tests.web.conftest import Installation

Frame = dict[str, Any]
SOON_S = 20.0
"""How long anything may take on a busy machine."""
RIGHTS_S = 5.0
PROXY_PATIENCE_S = 60.0


def pod(name: str) -> Frame:
    """Make a pod of the service shop that waits for ever."""
    container = {"name": "app", "image": "registry.example.com/shop/web:1.4.2", "command": ["sleep", "9999"]}
    labels = {"app.kubernetes.io/part-of": "shop"}
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


class Page:
    """A page that watches."""

    def __init__(self, installation: Installation, served: str, query: str = "", *, user: str = "viewer") -> None:
        address = f"{served.replace('http', 'ws')}/api/v1/services/shop/live?{query}"
        headers = [f"Authorization: Bearer {installation.tokens[user]}"]
        self.socket = websocket.create_connection(address, header=headers, timeout=SOON_S, suppress_origin=True)
        self.seen: list[Frame] = []

    def receive(self) -> Frame:
        self.seen.append(json.loads(self.socket.recv()))
        return self.seen[-1]

    def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Give the first frame that is wanted, of the last one and those that come."""
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline:
            frame = self.seen[-1] if self.seen else self.receive()
            if wanted(frame):
                return frame
            self.receive()
        raise AssertionError(f"not told: {self.seen}")

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))


@pytest.fixture
def opened(changed: Installation, served: str) -> Iterator[Callable[..., Page]]:
    """Open pages that watch shop; close them afterwards."""
    pages: list[Page] = []

    def page(query: str = "", **how: Any) -> Page:
        pages.append(Page(changed, served, query, **how))
        return pages[-1]

    yield page
    for each in pages:
        each.socket.close()


def ids(frame: Frame) -> set[str]:
    return {row["id"] for row in frame.get("rows", ())}


def test_the_first_frame_is_the_view_and_the_next_what_changes(
    changed: Installation, opened: Callable[..., Page]
) -> None:
    page = opened()
    first = page.receive()
    listed = changed.client("viewer").get("/services/shop/instances").json
    assert first["order"] == [row["id"] for row in listed["items"]]
    assert ids(first) == set(first["order"])
    assert first["counts"] == listed["counts"]
    assert first["total"] == 4
    assert not first["stale"]
    changed.cluster.create(pod("extra"))
    page.until(lambda frame: ids(frame) == {"extra"})  # only what changed is sent
    page.until(lambda frame: frame.get("status", {}).get("ready") == 5)
    orders = [frame["order"] for frame in page.seen if "order" in frame]
    assert set(orders[-1]) == {*first["order"], "extra"}


def test_what_is_gone_leaves_the_order(changed: Installation, opened: Callable[..., Page]) -> None:
    changed.cluster.create(pod("doomed"))
    page = opened()
    page.until(lambda frame: "doomed" in frame.get("order", ()))
    answer = changed.client("manager").call("DELETE", "/services/shop/instances/doomed?force=true&confirm=shop")
    assert answer.status_code == 200, answer.text
    told = page.until(lambda frame: "order" in frame and "doomed" not in frame["order"])
    assert told["total"] == 4


@pytest.mark.parametrize(
    ("query", "shown"),
    [("search=db", 1), ("sort=name&limit=2", 2), ("severity=error", 0), ("limit=3&cursor=3", 1)],
)
def test_the_view_of_the_page_is_what_is_sent(
    changed: Installation, opened: Callable[..., Page], query: str, shown: int
) -> None:
    first = opened(query).receive()
    listed = changed.client().get(f"/services/shop/instances?{query}").json
    assert first["order"] == [row["id"] for row in listed["items"]]
    assert len(first["order"]) == shown
    assert first["next"] == listed["next"]


def test_a_change_that_is_not_on_the_view_sends_no_rows(changed: Installation, opened: Callable[..., Page]) -> None:
    page = opened("search=db")
    page.receive()
    changed.cluster.create(pod("extra"))
    told = page.until(lambda frame: frame.get("counts", {}).get("ok") == 5)
    assert "rows" not in told
    assert "order" not in told


def test_what_changes_at_once_is_told_at_once(changed: Installation, opened: Callable[..., Page]) -> None:
    page = opened()
    page.receive()
    began = time.monotonic()
    names = [f"burst-{number}" for number in range(40)]
    for name in names:
        changed.cluster.create(pod(name))
    page.until(lambda frame: set(names) <= set(frame.get("order", ())))
    assert len(page.seen) - 1 <= (time.monotonic() - began) * 4 + 2


def test_pages_with_the_same_view_share_one_computation(changed: Installation, opened: Callable[..., Page]) -> None:
    from opsmodal.web.asking import EXTENSION

    live = changed.app.extensions[EXTENSION].instances.live
    pages = [opened("sort=name", user="viewer"), opened("sort=name", user="developer"), opened("sort=-name")]
    for page in pages:
        page.receive()
    assert (live.sizes().services, live.sizes().views, live.sizes().readers) == (1, 2, 3)
    for page in pages:
        page.socket.close()
    deadline = time.monotonic() + SOON_S
    while live.sizes().views and time.monotonic() < deadline:
        time.sleep(0.05)
    assert live.sizes().readers == 0


def test_our_page_is_sent_only_what_it_lacks(changed: Installation, opened: Callable[..., Page]) -> None:
    page = opened("rows=html")
    page.say(have=[], shape=None)
    whole = page.receive()
    assert whole["#list"].count("<tr data-key=") == 4
    marks, shape = marks_in(whole["#list"]), whole["shape"]
    page.say(have=sorted(marks), shape=shape)
    same = page.receive()  # figures may have changed meanwhile: rows with other marks are news
    assert not marks_in(same.get("rows", "")) & marks, "it has them all"
    assert "#list" not in same
    page.say(have=sorted(marks)[1:], shape=shape)
    lacked = next(frame["rows"] for frame in iter(page.receive, None) if "rows" in frame)
    assert not marks_in(lacked) & set(sorted(marks)[1:])
    html = changed.browser("viewer").get("/services/shop/instances").text
    assert f'data-shape="{shape}"' in html
    loaded = marks_in(html)
    assert len(loaded) == 4
    page.say(have=sorted(loaded), shape=shape)
    assert not marks_in(page.receive().get("rows", "")) & loaded, "a page that was just loaded lacks nothing"


def marks_in(html: str) -> set[str]:
    return {part.partition('"')[0] for part in html.split('data-mark="')[1:]}


def test_buttons_on_live_rows_follow_the_rights(changed: Installation, opened: Callable[..., Page]) -> None:
    del changed
    told = {}
    for user in ("viewer", "manager"):
        page = opened("rows=html", user=user)
        page.say(have=[], shape=None)
        told[user] = page.receive()["#list"]
    assert "/delete" not in told["viewer"]
    assert "/logs?" not in told["viewer"]
    assert "/delete" in told["manager"]
    assert "/logs?" in told["manager"]


@pytest.mark.parametrize("ending", ["grant", "user", "token"])
def test_it_ends_when_the_right_ends(changed: Installation, opened: Callable[..., Page], ending: str) -> None:
    page = opened(user="developer")
    page.receive()
    if ending == "grant":
        changed.registry.remove("grants", "user developer on service shop")
    elif ending == "user":
        changed.people.disable("developer")
    else:
        changed.people.revoke_token(changed.people.tokens("developer")[0].id)
    began = time.monotonic()
    assert page.until(lambda frame: "reason" in frame)["reason"] == "refused"
    assert time.monotonic() - began < RIGHTS_S


def test_it_ends_when_the_rights_become_others(changed: Installation, opened: Callable[..., Page]) -> None:
    page = opened(user="viewer")
    page.receive()
    changed.registry.put("grants", {"user": "viewer", "role": "manager", "services": ["shop"]})
    assert page.until(lambda frame: "reason" in frame)["reason"] == "changed"


def test_a_silent_cluster_is_told_with_the_age_and_the_next_try(
    changed: Installation, opened: Callable[..., Page]
) -> None:
    page = opened()
    known = page.receive()
    changed.cluster.pause()
    stale = page.until(lambda frame: frame.get("stale", False))
    assert stale["problem"].endswith(".")
    assert stale["retry_s"] > 0
    assert stale["as_of"] >= known["as_of"]
    changed.cluster.resume()
    assert page.until(lambda frame: frame.get("stale") is False)["retry_s"] is None


def test_a_view_where_nothing_happens_is_not_silent_long_enough_to_be_cut(opened: Callable[..., Page]) -> None:
    page = opened("search=nothing-is-called-so")
    page.socket.settimeout(PROXY_PATIENCE_S / 2)
    ages = [page.receive()["as_of"] for _ in range(3)]
    assert ages == sorted(ages)
    assert ages[0] < ages[-1]


def test_pages_are_told_that_the_server_goes(changed: Installation, opened: Callable[..., Page]) -> None:
    page = opened()
    page.receive()
    close_app(changed.app)
    assert page.until(lambda frame: "reason" in frame)["reason"] == "stopping"


@pytest.mark.parametrize("message", ["no json", "[]", '{"have": 1}', '{"have": ["' + "x" * 41 + '"]}'])
def test_nonsense_from_a_page_ends_it_with_words(opened: Callable[..., Page], message: str) -> None:
    page = opened()
    page.receive()
    page.socket.send(message)
    last = page.until(lambda frame: "reason" in frame)
    assert last["reason"] == "refused"
    assert last["sentence"].endswith(".")


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/services/payments/live", "viewer", 404),
        ("/services/no-such-service/live", "viewer", 404),
        ("/services/shop/live", "nobody", 404),
    ],
)
def test_a_foreign_service_is_not_there(changed: Installation, served: str, path: str, user: str, status: int) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused, connection(changed, served, path, user):
        pass
    assert refused.value.status_code == status


def test_another_sites_page_is_refused(changed: Installation, served: str) -> None:
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
        connection(changed, served, "/services/shop/live", "viewer", origin="http://evil.example"),
    ):
        pass
    assert refused.value.status_code == 403


@pytest.mark.parametrize("query", ["sort=no-such-column", "limit=0", "severity=bad", "rows=xml"])
def test_a_wrong_query_is_refused_in_words(opened: Callable[..., Page], query: str) -> None:
    page = opened(query)
    assert page.receive()["reason"] == "refused"


@contextmanager
def connection(
    installation: Installation, served: str, path: str, user: str, origin: str | None = None
) -> Iterator[websocket.WebSocket]:
    address = f"{served.replace('http', 'ws')}/api/v1{path}"
    headers = [f"Authorization: Bearer {installation.tokens[user]}"]
    how: Frame = {"origin": origin} if origin else {"suppress_origin": True}
    socket = websocket.create_connection(address, header=headers, timeout=SOON_S, **how)
    yield socket
    socket.close()
