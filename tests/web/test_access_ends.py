"""Access ends when the right ends: whatever is open, for every reason there is, within 5 s, with words and one row."""

from __future__ import annotations

import json
import os
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import websocket
import yaml
from sqlalchemy import insert, select, update

from opsmodal.access.watch import BLIND_MAX_S
from opsmodal.permissions import Permission
from opsmodal.store import tables
from opsmodal.store.errors import Unusable
from opsmodal.store.tables import AuditRow
from opsmodal.web.asking import WATCH
from opsmodal.web.metrics import NEAR
from tests.web.conftest import PASSWORD, Installation, own_page

PROMISED_S = 5.0
SOON_S = 20.0
LIVE, FOLLOW = "/services/shop/live", "/services/shop/logs/follow?instance=db-0&tail=1"
LINE = b"x" * 4_000
LINES = 8_000
"""More than the buffers between a server and a client that takes nothing hold (some 6 MB on a loopback), and no more
lines than a simulated container keeps."""

Frame = dict[str, Any]


class Open:
    """A socket that is open, as a program with a token or a page with a session has it."""

    def __init__(self, served: str, path: str, *, token: str = "", session: str = "") -> None:
        header = [f"Authorization: Bearer {token}"] if token else [f"Cookie: opsmodal={session}"]
        how: Frame = {"suppress_origin": True} if token else {"origin": served}
        address = f"{served.replace('http', 'ws')}/api/v1{path}"
        self.socket = websocket.create_connection(address, header=header, timeout=SOON_S, **how)
        self.frames = [self.receive()]

    def receive(self) -> Frame:
        return json.loads(self.socket.recv())

    def last(self) -> Frame:
        """Give the frame that says why it ends."""
        deadline = time.monotonic() + SOON_S
        while "reason" not in self.frames[-1]:
            assert time.monotonic() < deadline, self.frames
            self.frames.append(self.receive())
        return self.frames[-1]

    def close_code(self) -> int:
        """Give the code that it was closed with."""
        while True:
            opcode, data = self.socket.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")

    def until_line(self, text: str) -> None:
        deadline = time.monotonic() + SOON_S
        while text not in [line["text"] for line in self.frames[-1].get("lines", ())]:
            assert "reason" not in self.frames[-1], self.frames[-1]
            assert time.monotonic() < deadline, self.frames
            self.frames.append(self.receive())


@dataclass
class Ground:
    """An installation that is served, and what is open on it."""

    installation: Installation
    served: str
    opened: list[Any] = field(default_factory=list)

    def open(self, path: str, **how: str) -> Open:
        opened = Open(self.served, path, **how)
        self.opened.append(opened.socket)
        return opened

    def session(self, user: str) -> str:
        return self.installation.people.start_session(user)

    def row(self, table: type[Any], user: str, **values: Any) -> None:
        """Change what somebody carries behind the back of the server, as time or another worker does."""
        with self.installation.store.session() as session:
            session.execute(update(table).where(table.user == user).values(**values))

    def rows(self, actor: str) -> list[tuple[str, str, str, str]]:
        """Give what the audit log says of ended access, as (via, service, target, detail)."""
        ended = select(AuditRow).where(AuditRow.action == "access.ended", AuditRow.actor == actor)
        with self.installation.store.reading() as session:
            rows = {row.id: row for row in session.scalars(ended)}
        outcomes = [row for row in rows.values() if row.entry == "outcome"]
        return [(row.via, row.service, row.target, row.detail) for row in outcomes]

    def until_rows(self, actor: str, count: int) -> list[tuple[str, str, str, str]]:
        deadline = time.monotonic() + SOON_S
        while len(found := self.rows(actor)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def until_watched(self) -> None:
        deadline = time.monotonic() + SOON_S
        while not self.installation.app.extensions[WATCH].count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def until_follows(self, count: int) -> None:
        """Wait until only so many follows run; fail when that takes longer than was promised."""
        deadline = time.monotonic() + PROMISED_S
        while self.installation.app.extensions[NEAR].streams.count() != count:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def ground(changed: Installation, served: str) -> Iterator[Ground]:
    ground = Ground(changed, served)
    yield ground
    for each in ground.opened:
        if isinstance(each, websocket.WebSocket):
            each.shutdown()
        else:
            each.close()


def remove_grant(ground: Ground, _secret: str) -> None:
    ground.installation.registry.remove("grants", "user developer on service shop")


def lower_role_by_apply(ground: Ground, _secret: str) -> None:
    """Apply a document in another process, as an administrator does on a terminal."""
    document = {"apiVersion": "opsmodal/v1", "grants": [{"user": "developer", "role": "viewer", "services": ["shop"]}]}
    path = ground.installation.folder / "lower.yaml"
    path.write_text(yaml.safe_dump(document))
    environment = {**os.environ, "OPSMODAL_DATA_DIR": str(ground.installation.folder)}
    command = [sys.executable, "-m", "opsmodal", "apply", "-f", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def leave_group(ground: Ground, _secret: str) -> None:
    ground.installation.registry.put("groups", {"name": "oncall", "users": ["admin"]})


def disable(ground: Ground, _secret: str) -> None:
    ground.installation.people.disable("developer")


def sign_out(ground: Ground, secret: str) -> None:
    client = ground.installation.app.test_client()
    client.set_cookie("opsmodal", secret)
    assert client.post("/sign-out", headers=own_page()).status_code == 303


def end_session(ground: Ground, secret: str) -> None:
    ground.installation.people.end_session(secret)


def change_password(ground: Ground, _secret: str) -> None:
    ground.installation.people.set_password("developer", f"{PASSWORD} again")


def leave_unused(ground: Ground, _secret: str) -> None:
    ground.row(tables.Session, "developer", seen_at=datetime.now(UTC) - timedelta(days=1))


def grow_old(ground: Ground, _secret: str) -> None:
    ground.row(tables.Session, "developer", created_at=datetime.now(UTC) - timedelta(days=8))


def revoke_token(ground: Ground, _secret: str) -> None:
    people = ground.installation.people
    for token in people.tokens("developer"):
        people.revoke_token(token.id)


def expire_token(ground: Ground, _secret: str) -> None:
    ground.row(tables.Token, "developer", expires_at=datetime.now(UTC))


def narrow_services(ground: Ground, _secret: str) -> None:
    ground.row(tables.Token, "developer", services=["payments"])


def narrow_permissions(ground: Ground, _secret: str) -> None:
    ground.row(tables.Token, "developer", permissions=[Permission.VIEW])


def remove_service(ground: Ground, _secret: str) -> None:
    registry = ground.installation.registry
    for name in list(registry.state().grants):
        if name.endswith("on service shop"):
            registry.remove("grants", name)
    registry.remove("services", "shop")


def no_longer_admin(ground: Ground, _secret: str) -> None:
    ground.installation.people.set_flags("manager", admin=True)  # somebody has to be one
    ground.installation.people.set_flags("admin", admin=False)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """One way in which access ends: what is done, and what is then said."""

    act: Callable[[Ground, str], None]
    word: str
    detail: str
    by: str = "token"
    user: str = "developer"
    ends_live: bool = True
    bystander_stays: bool = True


LOWERED = "The grant to user developer on service shop was lowered to viewer."
ENDINGS = {
    "grant removed": Ending(
        act=remove_grant, word="grant-removed", detail="The grant to user developer on service shop was removed."
    ),
    "role lowered by apply": Ending(act=lower_role_by_apply, word="role-lowered", detail=LOWERED, ends_live=False),
    "group left": Ending(
        act=leave_group, user="nobody", word="group-left", detail="Nobody is no longer in the group oncall."
    ),
    "user disabled": Ending(act=disable, word="user-disabled", detail="The user was disabled."),
    "user disabled, by session": Ending(
        act=disable, by="session", word="user-disabled", detail="The user was disabled."
    ),
    "signed out": Ending(act=sign_out, by="session", word="session-ended", detail="The session was ended."),
    "session ended": Ending(act=end_session, by="session", word="session-ended", detail="The session was ended."),
    "password changed": Ending(
        act=change_password, by="session", word="session-ended", detail="The session was ended."
    ),
    "session unused": Ending(
        act=leave_unused, by="session", word="session-unused", detail="The session was not used for too long."
    ),
    "session over": Ending(
        act=grow_old, by="session", word="session-over", detail="The session has reached its longest life."
    ),
    "token revoked": Ending(act=revoke_token, word="token-revoked", detail="The API token was revoked."),
    "token expired": Ending(act=expire_token, word="token-expired", detail="The API token expired."),
    "token narrowed to another service": Ending(
        act=narrow_services, word="token-narrowed", detail="The API token was narrowed."
    ),
    "token narrowed to viewing": Ending(
        act=narrow_permissions, word="token-narrowed", detail="The API token was narrowed.", ends_live=False
    ),
    "service removed": Ending(
        act=remove_service,
        user="admin",
        word="service-removed",
        detail="The service shop was removed.",
        bystander_stays=False,
    ),
    "no longer an administrator": Ending(
        act=no_longer_admin,
        user="admin",
        by="session",
        word="administrator-lost",
        detail="Admin is no longer an administrator.",
    ),
}


def prepare(ground: Ground) -> None:
    registry = ground.installation.registry
    registry.put("groups", {"name": "oncall", "users": ["nobody", "admin"]})
    registry.put("grants", {"group": "oncall", "role": "developer", "services": ["shop"]})
    registry.remove("grants", "user viewer on service shop")


@pytest.mark.often("grant removed", "group left", "user disabled", "signed out", "token revoked", "service removed")
@pytest.mark.parametrize("name", ENDINGS)
def test_every_socket_ends_in_time_with_words_and_one_row(ground: Ground, name: str) -> None:
    ending = ENDINGS[name]
    if ending.act is leave_group:
        prepare(ground)
    secret = ground.session(ending.user)
    token = ground.installation.tokens[ending.user]
    how = {"session": secret} if ending.by == "session" else {"token": token}
    live, follow = ground.open(LIVE, **how), ground.open(FOLLOW, **how)
    bystander = ground.open(FOLLOW, token=ground.installation.tokens["operator"])
    began = time.monotonic()
    ending.act(ground, secret)
    if ending.act is lower_role_by_apply:  # starting a program takes as long as it takes
        began = time.monotonic()
    assert told(follow.last()) == ("refused", ending.word)
    if ending.ends_live:
        assert told(live.last()) == ("refused", ending.word)
    else:
        assert live.last()["reason"] == "changed", "who may still look is shown what they may do now"
    assert time.monotonic() - began < PROMISED_S
    assert follow.frames[-1]["sentence"].startswith("Your access to shop has ended: ")
    assert follow.frames[-1]["way"]["url"] in ("", "/rights")
    assert follow.close_code() == 1008
    ground.until_follows(1 if ending.bystander_stays else 0)
    (via, service, target, detail) = one(ground.until_rows(ending.user, 1))
    assert (via.partition(":")[0], service, detail) == (ending.by, "shop", ending.detail)
    assert "/services/shop/logs/follow" in target
    assert ("/services/shop/live" in target) == ending.ends_live
    if ending.bystander_stays:
        ground.installation.cluster.write_log("shop", "db-0", "db", b"for who may")
        bystander.until_line("for who may")


def told(frame: Frame) -> tuple[str, str]:
    return frame["reason"], frame.get("ended", "")


def one(rows: list[tuple[str, str, str, str]]) -> tuple[str, str, str, str]:
    assert len(rows) == 1, rows
    return rows[0]


def test_of_two_sessions_only_the_one_that_was_ended_ends(ground: Ground) -> None:
    ended, other = ground.session("developer"), ground.session("developer")
    first, second = ground.open(FOLLOW, session=ended), ground.open(FOLLOW, session=other)
    began = time.monotonic()
    ground.installation.people.end_session(ended)
    assert told(first.last()) == ("refused", "session-ended")
    assert time.monotonic() - began < PROMISED_S
    ground.until_follows(1)
    ground.installation.cluster.write_log("shop", "db-0", "db", b"for the other one")
    second.until_line("for the other one")
    assert len(ground.until_rows("developer", 1)) == 1


def test_a_page_on_a_follow_of_an_ended_session_of_its_person_is_told_to_come_back(ground: Ground) -> None:
    """The follow ends with the session that began it; the page of another one takes up its own, from its marks."""
    ended, other = ground.session("developer"), ground.session("developer")
    first = ground.open(FOLLOW, session=ended)
    second = ground.open(f"{FOLLOW}&job={first.frames[0]['job']}", session=other)
    ground.installation.people.end_session(ended)
    assert told(first.last()) == ("refused", "session-ended")
    assert second.last()["reason"] == "forbidden", "anything but refused and ended makes our page come back"
    ground.until_follows(0)


def test_a_follow_that_nobody_is_attached_to_ends_as_well(ground: Ground) -> None:
    follow = ground.open(FOLLOW, token=ground.installation.tokens["developer"])
    follow.socket.close()
    ground.until_follows(1)
    remove_grant(ground, "")
    ground.until_follows(0)
    assert "grant to user developer" in one(ground.until_rows("developer", 1))[3]


class Download:
    """A file on its way, taken by hand so that it can be taken slowly, or not at all."""

    def __init__(self, ground: Ground, path: str, token: str, *, buffer_bytes: int | None = None) -> None:
        parts = urlsplit(ground.served)
        self.connection = sockets.socket()
        ground.opened.append(self.connection)
        if buffer_bytes is not None:
            self.connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, buffer_bytes)
        self.connection.settimeout(SOON_S)
        self.connection.connect((parts.hostname, parts.port))
        head = f"GET /api/v1{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self.connection.sendall(head.encode())
        self.taken = self.connection.recv(1024)

    def take_slowly(self) -> None:
        """Take a little at a time until the connection ends."""
        while True:
            try:
                part = self.connection.recv(16 * 1024)
            except ConnectionError:
                return
            if not part:
                return
            self.taken += part
            time.sleep(0.002)


def flood(ground: Ground) -> None:
    for _ in range(LINES):
        assert ground.installation.cluster.write_log("shop", "db-0", "db", LINE)


DOWNLOAD = "/services/shop/logs?instance=db-0&download=true"


def test_a_download_that_runs_ends_with_a_line_that_says_why_and_does_not_look_whole(ground: Ground) -> None:
    flood(ground)
    download = Download(ground, DOWNLOAD, ground.installation.tokens["developer"], buffer_bytes=64 * 1024)
    began = time.monotonic()
    remove_grant(ground, "")
    download.take_slowly()
    assert time.monotonic() - began < PROMISED_S
    assert b"[opsmodal] Your access to shop has ended: the grant to user developer" in download.taken[-1000:]
    assert not download.taken.endswith(b"0\r\n\r\n"), "without the last chunk nobody takes it for the whole file"
    assert len(download.taken) < LINES * len(LINE)
    via, service, target, _ = one(ground.until_rows("developer", 1))
    assert (via.partition(":")[0], service, target) == ("token", "shop", "/services/shop/logs")
    assert ("developer", "logs.download", "stopped") in until_audited(ground, "logs.download")


def test_a_download_that_nobody_takes_is_cut(ground: Ground) -> None:
    flood(ground)
    download = Download(ground, DOWNLOAD, ground.installation.tokens["developer"], buffer_bytes=4096)
    ground.until_watched()
    began = time.monotonic()
    disable(ground, "")
    while ground.installation.app.extensions[WATCH].count:
        assert time.monotonic() - began < PROMISED_S
        time.sleep(0.02)
    download.take_slowly()
    assert len(download.taken) < LINES * len(LINE)
    assert ("developer", "logs.download", "stopped") in until_audited(ground, "logs.download")


def until_audited(ground: Ground, action: str) -> set[tuple[str, str, str]]:
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        found = {row for row in ground.installation.audited() if row[1] == action and row[2]}
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("not written")


@pytest.mark.parametrize(("user", "flag"), [("auditor", {"auditor": False}), ("admin", {"admin": False})])
def test_an_export_of_the_audit_log_ends_with_the_right_to_it(ground: Ground, user: str, flag: dict[str, bool]) -> None:
    many_rows(ground)
    download = Download(ground, "/audit/export", ground.installation.tokens[user], buffer_bytes=64 * 1024)
    ground.installation.people.set_flags("manager", admin=True)  # somebody has to be one
    began = time.monotonic()
    ground.installation.people.set_flags(user, **flag)
    download.take_slowly()
    assert time.monotonic() - began < PROMISED_S
    assert b'{"reason":"refused","sentence":"Your access has ended: ' in download.taken[-1000:]
    assert "no longer" in one(ground.until_rows(user, 1))[3]


def many_rows(ground: Ground) -> None:
    """Fill the audit log; whether its chain is whole is none of the export's business."""
    row = {"entry": "intent", "at": datetime.now(UTC), "actor": "a", "action": "b", "detail": "x" * 4_000}
    with ground.installation.store.session() as session:
        session.execute(insert(AuditRow), [{**row, "hash": f"{number:064}"} for number in range(LINES)])


def test_a_download_goes_on_to_its_end_for_who_keeps_the_right(ground: Ground) -> None:
    flood(ground)
    download = Download(ground, DOWNLOAD, ground.installation.tokens["operator"], buffer_bytes=256 * 1024)
    remove_grant(ground, "")
    ground.installation.people.disable("viewer")
    while not download.taken.endswith(b"0\r\n\r\n"):
        download.taken += download.connection.recv(1024 * 1024)
    assert download.taken.count(LINE) == LINES
    assert ground.rows("operator") == []


def test_a_socket_whose_page_takes_nothing_is_cut(ground: Ground) -> None:
    """Its handler waits in the middle of a frame and hears nothing."""
    parts = urlsplit(ground.served)
    connection = sockets.socket()
    ground.opened.append(connection)
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    connection.connect((parts.hostname, parts.port))
    keys = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    keys += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    bearer = f"Authorization: Bearer {ground.installation.tokens['developer']}\r\n"
    path = "/api/v1/services/shop/logs/follow?instance=db-0&tail=10000"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{keys}{bearer}\r\n".encode())
    assert b" 101 " in connection.recv(200)
    flood(ground)
    watch = ground.installation.app.extensions[WATCH]
    ground.until_watched()
    began = time.monotonic()
    remove_grant(ground, "")
    while watch.count:
        assert time.monotonic() - began < PROMISED_S
        time.sleep(0.02)


def test_a_store_that_does_not_answer_ends_streams_only_after_a_while(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can take a right away meanwhile; but blindly, and for ever, nothing goes on."""
    watch = ground.installation.app.extensions[WATCH]
    live = ground.open(LIVE, token=ground.installation.tokens["developer"])
    monkeypatch.setattr("opsmodal.access.watch.BLIND_MAX_S", 3.0)
    assert BLIND_MAX_S > PROMISED_S
    tables.Token.__table__.drop(ground.installation.store.engine)
    began = time.monotonic()
    last = live.last()
    assert last["reason"] == "error"
    assert "nobody can tell" in last["sentence"]
    assert 1.5 < time.monotonic() - began < 3.0 + PROMISED_S
    assert watch.count <= 1


def test_a_download_that_nobody_can_watch_over_does_not_begin(
    changed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise Unusable("The store does not answer.")

    monkeypatch.setattr(changed.app.extensions[WATCH], "hold", fail)
    answer = changed.client("developer").get(DOWNLOAD)
    assert answer.status_code == 503
    assert answer.json["detail"] == "The store does not answer."
    assert ("developer", "logs.download", "stopped") in changed.audited()


def test_a_hundred_streams_cost_the_store_a_handful_of_questions(ground: Ground) -> None:
    """Each on a sign-in of its own: asked one by one, a thousand would keep a processor busy."""
    from sqlalchemy import event

    watch = ground.installation.app.extensions[WATCH]
    sessions = [ground.session("developer") for _ in range(40)]
    for secret in sessions:
        ground.open(LIVE, session=secret)
    asked: list[str] = []
    looks = 3

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    seen = watch.looks
    while watch.looks < seen + 2:  # those after an opening work everything out once
        time.sleep(0.05)
    event.listen(ground.installation.store.engine, "before_cursor_execute", note)
    seen = watch.looks
    while watch.looks < seen + looks:
        time.sleep(0.05)
    event.remove(ground.installation.store.engine, "before_cursor_execute", note)
    of_sign_ins = [words for words in asked if "FROM sessions" in words]
    assert 1 <= len(of_sign_ins) <= looks + 1, asked
