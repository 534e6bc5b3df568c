"""Sockets in hostile hands: foreign pages, floods, ended rights, other people's jobs, and as many as one can open."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
import websocket

from opsmodal.web import held
from tests.web.conftest import Installation, own_page

FOLLOW = "/api/v1/services/shop/logs/follow?instance=db-0&tail=1"
WAIT_S = 20.0


def opened(served: str, path: str = FOLLOW, *, header: list[str], origin: str | None = None) -> websocket.WebSocket:
    """Open a socket as a page (with an origin) or as a program."""
    address = served.replace("http", "ws") + path
    return websocket.create_connection(
        address, header=header, origin=origin, suppress_origin=origin is None, timeout=WAIT_S
    )


def token(installation: Installation, user: str = "admin") -> list[str]:
    """Give the header of somebody's token."""
    return [f"Authorization: Bearer {installation.tokens[user]}"]


def cookie(installation: Installation, served: str, user: str = "developer") -> list[str]:
    """Sign in over the served address; give the header of the session."""
    client = installation.app.test_client()
    origin = {"Origin": served, "Sec-Fetch-Site": "same-origin"}
    form = {"name": user, "password": "correct horse battery"}
    answer = client.post("/sign-in", data=form, headers=origin, base_url=served)
    return [f"Cookie: {answer.headers['Set-Cookie'].split(';')[0]}"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://{host}", None])
def test_no_foreign_page_opens_a_socket_with_our_cookie(changed: Installation, served: str, origin: str | None) -> None:
    spelled = origin.format(host=urlsplit(served).netloc) if origin else None
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        opened(served, header=cookie(changed, served), origin=spelled)
    assert refused.value.status_code == 403


def test_our_own_page_opens_one(changed: Installation, served: str) -> None:
    with closing(opened(served, header=cookie(changed, served), origin=served)) as mine:
        assert json.loads(mine.recv())["job"]


@pytest.mark.parametrize("upgrade", ["websocket, h2c", "WebSocket\t", "h2c", "websocket;q=1", ""])
def test_no_spelling_of_upgrade_goes_round_the_origin(changed: Installation, served: str, upgrade: str) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": upgrade,
        "Origin": "http://evil.example",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    answer = changed.browser("developer").get(FOLLOW, headers=headers)
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("user", ["viewer", "narrow", "nobody"])
def test_who_may_not_read_logs_gets_no_handshake(changed: Installation, served: str, user: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        opened(served, header=token(changed, user))
    assert refused.value.status_code == (404 if user == "nobody" else 403)


def test_a_credential_in_the_address_is_none(changed: Installation, served: str) -> None:
    secret = changed.tokens["admin"]
    for name in ("token", "access_token", "authorization", "ticket"):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            opened(served, f"{FOLLOW}&{name}={secret}", header=[])
        assert refused.value.status_code == 401


def test_a_follow_ends_when_its_session_is_signed_out(changed: Installation, served: str) -> None:
    mine = cookie(changed, served)
    with closing(opened(served, header=mine, origin=served)) as following:
        client = changed.app.test_client()
        name, _, secret = mine[0].removeprefix("Cookie: ").partition("=")
        client.set_cookie(name, secret)
        assert client.post("/sign-out", headers=own_page()).status_code == 303
        began = time.monotonic()
        assert last_frame(following)["reason"] == "refused"
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("query", ["job=../../x&offset=1", "job=%00", "job=a'--", "job=" + "a" * 3_000])
def test_a_job_that_is_not_mine_is_no_job(changed: Installation, served: str, query: str) -> None:
    path = f"/api/v1/services/shop/logs/follow?{query}"
    with closing(opened(served, path, header=token(changed))) as asked:
        assert last_frame(asked) == {
            "reason": "refused",
            "sentence": "This follow has ended.",
            "hint": "Follow again.",
        }


@pytest.mark.parametrize("offset", ["9" * 5_000, "%C2%B2", "-1", "1e9", "999999999999999"])
def test_no_offset_is_a_fault_of_ours(changed: Installation, served: str, offset: str) -> None:
    with closing(opened(served, f"{FOLLOW}&offset={offset}", header=token(changed))) as following:
        frame = json.loads(following.recv())
        assert frame["job"]
        assert frame["lines"] == []


def test_what_nobody_foresaw_is_a_frame_and_no_page(
    changed: Installation, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsmodal.tabs.logs.send_lines", None)
    with closing(opened(served, header=token(changed))) as following:
        frame = last_frame(following)
    assert frame["reason"] == "error"
    assert "TypeError" not in json.dumps(frame)


def test_a_flood_of_messages_ends_the_connection_that_sends_it(changed: Installation, served: str) -> None:
    """Kept for a reader that never came, they filled the memory of the server."""
    following = opened(served, header=token(changed))
    with suppress(websocket.WebSocketException, OSError):  # how the line breaks is the kernel's to choose
        _flood(following, held.UNREAD_MAX * 200)
    assert _ends_within(following.sock, 10.0)
    following.shutdown()


def _ends_within(line: socket.socket, limit_s: float) -> bool:
    """Tell whether the other side hangs up: skip what it has sent, and stop before its pings would give us up."""
    deadline = time.monotonic() + limit_s
    line.settimeout(limit_s)
    with suppress(OSError):
        while line.recv(65536):
            if time.monotonic() > deadline:
                return False
        return True
    return time.monotonic() < deadline


def _flood(following: websocket.WebSocket, count: int) -> None:
    following.settimeout(2)
    for _ in range(count):
        following.send("x" * 60_000)


def test_one_person_cannot_take_the_places_of_all(
    changed: Installation, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PER_PERSON_MAX", 3)
    first = opened(served, header=token(changed, "developer"))
    job = json.loads(first.recv())["job"]
    again = f"/api/v1/services/shop/logs/follow?job={job}"
    others = [opened(served, again, header=token(changed, "developer")) for _ in range(3)]
    assert last_frame(others[2])["sentence"] == "You hold 3 live connections already."
    with closing(opened(served, header=token(changed, "operator"))) as other_person:
        assert json.loads(other_person.recv())["job"]
    others[0].close()
    with closing(_eventually(served, again, token(changed, "developer"))) as returned:
        assert returned.connected
    for each in (first, *others):
        each.close()


def _eventually(served: str, path: str, header: list[str]) -> websocket.WebSocket:
    """Open as soon as the place of a socket that has just closed is free."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        tried = opened(served, path, header=header)
        if "job" in json.loads(tried.recv()):
            return tried
        tried.close()
    raise AssertionError("the place was never given back")


def last_frame(following: websocket.WebSocket) -> dict[str, str]:
    """Read on to the frame that says why it ends."""
    for frame in _frames(following):
        if "reason" in frame:
            return frame
    raise AssertionError("it ended without a reason")


def _frames(following: websocket.WebSocket) -> Iterator[dict[str, str]]:
    while text := following.recv():
        yield json.loads(text)


def test_a_handshake_that_never_comes_holds_nothing_of_a_service(changed: Installation, served: str) -> None:
    parts = urlsplit(served)
    assert parts.hostname
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=WAIT_S) as line:
        line.sendall(f"GET {FOLLOW} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n".encode())
        assert changed.client("developer").get("/services/shop/logs?instance=db-0&tail=1").status_code == 200
